"""Which order a message means, when it only says where the order stands in the thread, or what is in it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.actions import Action, ActionKind
from bot.domain.language import LexiconBook
from bot.domain.lexicon import POINTERS, POSITIONS, Lexicon, Position, spell
from bot.domain.model import Author, Message, Query
from bot.domain.terms import STEM, expand, term_tokens
from bot.inference.order_choice import having_goods, spoken_of
from bot.inference.rules import RulesTier
from bot.locale.lexicons import load_lexicons, parse_lexicon

LEXICONS = load_lexicons()
BOOK = LexiconBook(LEXICONS)
WHEN = datetime(2026, 11, 1, tzinfo=UTC)
LAMP, CHAIR, TABLE = "A-1001", "A-1002", "A-1003"
ALL = (CHAIR, TABLE, LAMP)
TWO = f"Which one do you mean?\n{LAMP} (3 May)\n{CHAIR} (7 May)"

FIRST: Position = "first"
SECOND: Position = "second"
THIRD: Position = "third"
OTHER: Position = "other"
EITHER: Position = "other_or_second"
BOTH: Position = "both"


def said(*texts: str) -> tuple[Message, ...]:
    """Return a thread in which the bot and the customer take turns, the bot first."""
    authors = (Author.BOT, Author.CUSTOMER)
    return tuple(Message(authors[place % 2], text, WHEN, place + 1) for place, text in enumerate(texts))


# Of each language what points at a place, and what only sounds like it.
POINTING: dict[str, list[tuple[str, str]]] = {
    "ar": [("الطلب الأول", FIRST), ("الطلب الثاني", EITHER), ("الطلب الثالث لو سمحت", THIRD), ("كلاهما", BOTH)],
    "bn": [("প্রথমটা বাতিল করুন", FIRST), ("দ্বিতীয় অর্ডারটা", SECOND), ("অন্যটা", OTHER), ("দুটোই ফেরত দিতে চাই", BOTH)],
    "cs": [("ta první", FIRST), ("zrušte prosím tu druhou", EITHER), ("třetí objednávka", THIRD), ("obě prosím", BOTH)],
    "da": [("den første", FIRST), ("annuller nummer to", SECOND), ("den anden ordre", EITHER), ("begge to", BOTH)],
    "de": [("die erste Bestellung", FIRST), ("bitte die zweite", SECOND), ("Nr. 3", THIRD), ("den anderen", OTHER)],
    "el": [("η πρώτη", FIRST), ("ακυρώστε τη δεύτερη", SECOND), ("την άλλη παραγγελία", OTHER), ("και τις δύο", BOTH)],
    "en": [("cancel the 2nd one", SECOND), ("Second, please.", SECOND), ("not this one, the other one", OTHER)],
    "es": [
        ("el primero", FIRST),
        ("cancela la segunda", SECOND),
        ("el otro pedido", OTHER),
        ("los dos por favor", BOTH),
    ],
    "fa": [("اولی رو لغو کنید", FIRST), ("سفارش دوم", SECOND), ("اون یکی", OTHER), ("هر دو", BOTH)],
    "fi": [("se ensimmäinen", FIRST), ("peruuta toinen tilaus", EITHER), ("numero kaksi", SECOND), ("molemmat", BOTH)],
    "fr": [("la première", FIRST), ("annulez la 2ème", SECOND), ("l'autre commande", OTHER), ("les deux", BOTH)],
    "he": [("ההזמנה הראשונה", FIRST), ("תבטלו את השנייה", EITHER), ("השלישית, את השלישית", THIRD), ("שתיהן", BOTH)],
    "hi": [("पहला वाला", FIRST), ("doosra wala cancel kar do", EITHER), ("तीसरा ऑर्डर", THIRD), ("दोनों", BOTH)],
    "hu": [("az elsőt", FIRST), ("a második rendelés", SECOND), ("a másikat kérem", OTHER), ("mindkettőt", BOTH)],
    "id": [("yang pertama", FIRST), ("batalkan yang kedua", SECOND), ("pesanan satunya", OTHER), ("dua-duanya", BOTH)],
    "it": [("il primo", FIRST), ("annulla il secondo ordine", SECOND), ("l'altro", OTHER), ("tutti e due", BOTH)],
    "ja": [("一つ目です", FIRST), ("2番目の注文をキャンセル", SECOND), ("もう一方の注文", OTHER), ("両方", BOTH)],
    "ko": [
        ("첫 번째 주문이요", FIRST),
        ("2번째 거 취소해 주세요", SECOND),
        ("나머지 하나요", OTHER),
        ("둘 다 취소", BOTH),
    ],
    "nl": [("de eerste", FIRST), ("annuleer de tweede bestelling", SECOND), ("die andere", OTHER), ("allebei", BOTH)],
    "no": [("den første", FIRST), ("nummer to takk", SECOND), ("den andre bestillingen", EITHER), ("begge to", BOTH)],
    "pl": [("to pierwsze", FIRST), ("pierwszą paczkę", FIRST), ("anuluj drugie zamówienie", EITHER), ("oba", BOTH)],
    "pt": [("o primeiro", FIRST), ("cancela a segunda encomenda", SECOND), ("o outro pedido", OTHER), ("ambos", BOTH)],
    "ro": [("prima comandă", FIRST), ("anulați a doua", SECOND), ("cealaltă comandă", OTHER), ("amândouă", BOTH)],
    "ru": [("первый", FIRST), ("отмените второй заказ", SECOND), ("тот другой", OTHER), ("оба заказа", BOTH)],
    "sv": [("den första", FIRST), ("nummer två tack", SECOND), ("avbeställ den andra", EITHER), ("båda två", BOTH)],
    "th": [("อันแรก", FIRST), ("ยกเลิกออเดอร์ที่ 2", SECOND), ("อีกอันนึง", OTHER), ("ทั้งสองอัน", BOTH)],
    "tr": [("ilk sipariş", FIRST), ("ikincisini iptal edin", SECOND), ("diğerini iade etmek istiyorum", OTHER)],
    "uk": [("перше замовлення", FIRST), ("скасуйте друге", SECOND), ("інше замовлення", OTHER), ("обидва", BOTH)],
    "vi": [("đơn đầu tiên", FIRST), ("huỷ đơn thứ hai giúp mình", SECOND), ("đơn còn lại", OTHER), ("cả hai", BOTH)],
    "zh": [("第一个", FIRST), ("第2單", SECOND), ("另一个订单", OTHER), ("两个都取消", BOTH), ("第三筆訂單", THIRD)],
}
NOT_POINTING: dict[str, tuple[str, ...]] = {
    "ar": ("هذه المرة الثانية التي أسأل فيها", "أين طلبي؟", "سأكون هناك يوم الاثنين"),
    "bn": ("দ্বিতীয় বার জিজ্ঞেস করছি", "আমার অর্ডার কোথায়?"),
    "cs": ("čekám už druhý týden", "za prvé, kde je moje objednávka", "bydlím v druhém patře"),
    "da": ("det er anden gang jeg skriver", "for det første vil jeg vide hvor den er", "hvor er min pakke"),
    "de": ("das ist das zweite Mal, dass ich frage", "erstens: wo ist mein Paket?", "am ersten Mai bestellt"),
    "el": ("είναι η δεύτερη φορά που ρωτάω", "πού είναι η παραγγελία μου"),
    "en": ("First of all, where is it?", "I live on the second floor", "one moment", "this is the third time I ask"),
    "es": ("es la segunda vez que pregunto", "el otro día pedí una lámpara", "estaré a las dos"),
    "fa": ("بار دوم است که می‌پرسم", "سفارش من کجاست؟"),
    "fi": ("kysyn tätä toista kertaa", "missä minun tilaukseni on"),
    "fr": ("c'est la deuxième fois que je demande", "tout d'abord où est mon colis", "j'ai commandé l'autre jour"),
    "he": ("זו הפעם השנייה שאני שואל", "איפה ההזמנה שלי", "אהיה בבית ביום שני"),
    "hi": ("मैं दूसरी बार पूछ रहा हूँ", "मेरा ऑर्डर कहाँ है"),
    "hu": ("ez a második alkalom, hogy kérdezem", "hol van a rendelésem"),
    "id": ("ini kedua kalinya saya tanya", "di mana pesanan saya"),
    "it": ("è la seconda volta che chiedo", "il prima possibile per favore", "prima di tutto, dov'è?"),
    "ja": ("2回目の問い合わせです", "注文はどこですか", "一番早い方法は何ですか"),
    "ko": ("두 번째 문의입니다", "제 주문은 어디에 있나요"),
    "nl": ("dit is de tweede keer dat ik vraag", "ten eerste, waar is mijn pakket", "op de eerste verdieping"),
    "no": ("dette er andre gang jeg spør", "for det første, hvor er pakken", "jeg bor i andre etasje"),
    "pl": ("pytam już drugi raz", "po pierwsze, gdzie jest moja paczka", "mieszkam na drugim piętrze"),
    "pt": ("é a segunda vez que pergunto", "no outro dia fiz uma encomenda", "chega na segunda-feira?"),
    "ro": ("este a doua oară când întreb", "unde este comanda mea"),
    "ru": ("второй раз спрашиваю", "в первую очередь, где мой заказ", "третий день жду", "хочу другой размер"),
    "sv": ("det är andra gången jag frågar", "för det första, var är mitt paket", "jag bor på andra våningen"),
    "th": ("ถามครั้งที่สองแล้ว", "ของฉันอยู่ไหน"),
    "tr": ("ikinci kez soruyorum", "siparişim nerede", "ilk defa alışveriş yaptım"),
    "uk": ("питаю вже другий раз", "по-перше, де моє замовлення", "третій день чекаю"),
    "vi": ("tôi hỏi lần thứ hai rồi", "đơn hàng của tôi đâu", "thứ hai có giao không"),
    "zh": ("这是第二次问了", "我的订单在哪里", "等了两个星期", "第一次买你们家东西"),
}


def test_every_language_has_its_table() -> None:
    """All thirty languages have at least three sentences that point at a place and two that do not."""
    assert set(POINTING) == set(NOT_POINTING) == set(BOOK.languages)
    assert all(len(rows) >= 3 for rows in POINTING.values())
    assert all(len(rows) >= 2 for rows in NOT_POINTING.values())


@pytest.mark.parametrize("code", POINTING)
def test_what_points_at_a_place(code: str) -> None:
    """Each sentence names its place, in a thread of its language."""
    found = {text: BOOK.position(text, code) for text, _ in POINTING[code]}
    assert found == dict(POINTING[code])


@pytest.mark.parametrize("code", NOT_POINTING)
def test_what_points_at_nothing(code: str) -> None:
    """A second time, a first floor and a Monday are no places in a list."""
    assert {text: BOOK.position(text, code) for text in NOT_POINTING[code]} == dict.fromkeys(NOT_POINTING[code])


@pytest.mark.parametrize(
    ("text", "position"),
    [("the first and the second", BOTH), ("the second... no, the third one", BOTH), ("2", SECOND), ("#3", THIRD)],
)
def test_several_places_and_bare_digits(text: str, position: str) -> None:
    """Who names several places points at no single one, and a bare 1, 2 or 3 is a place."""
    assert BOOK.position(text, "en") == position


@pytest.mark.parametrize("text", ["12", "2 pieces", "A-2", "2.5", "3 May", "21/2"])
def test_digits_that_are_no_place(text: str) -> None:
    """A digit within a number, or beside a word, is none."""
    assert BOOK.position(text, "en") is None


def test_a_thread_of_one_language_and_a_message_of_another() -> None:
    """The message's own language is read first, and English always."""
    assert BOOK.position("the second one", "ru") == SECOND
    assert BOOK.position("отмените первый", "en") == FIRST


def test_positions_stand_apart() -> None:
    """What a reader finds for the intent rules holds no position."""
    assert POSITIONS < POINTERS
    text = "cancel the second one and both of the first orders"
    assert BOOK.read(text, BOOK.languages).concepts.isdisjoint(POSITIONS)


@pytest.mark.parametrize("lexicon", LEXICONS, ids=lambda lexicon: lexicon.code)
def test_every_term_is_found(lexicon: Lexicon) -> None:
    """Each way to write each term is found under its name, so that none hides another by accident."""
    assert set(lexicon.positions) == POSITIONS
    assert POSITIONS.isdisjoint(lexicon.words)
    reader = BOOK.reader(lexicon.code)
    for name, terms in lexicon.positions.items():
        for full in (full for term in terms for full in expand(spell(term.removeprefix("=")))):
            words = [token.removesuffix(STEM) for token in term_tokens(full)]
            assert name in reader.positions(words), (name, full)


def test_a_term_that_must_be_alone() -> None:
    """A term behind `=` counts where it is the whole message, polite words apart."""
    lexicon = parse_lexicon("xx", 'script = "latin"\n[consent]\npolite = ["pls"]\n[words]\nsecond = ["= (second|2)"]')
    book = LexiconBook([lexicon])
    assert {book.position(text, "xx") for text in ("Second!", "pls second pls", "2.")} == {SECOND}
    assert book.position("second floor", "xx") is None


# --- by position ---


@pytest.mark.parametrize(
    ("position", "texts", "chosen"),
    [
        (FIRST, (TWO,), LAMP),
        (SECOND, (TWO,), CHAIR),
        (THIRD, (TWO,), None),
        (THIRD, (f"{LAMP}, {TABLE}, {CHAIR}",), CHAIR),
        (BOTH, (TWO,), None),
        (FIRST, (f"Your order {LAMP} is on its way.",), None),
        # A later message about one of them does not hide the list.
        (FIRST, (TWO, f"where is {CHAIR}?", f"{CHAIR} is on its way."), LAMP),
        # The latest list counts, not the one before.
        (FIRST, (f"{TABLE} and {LAMP}", "hm", f"{CHAIR} and {LAMP}"), CHAIR),
        (FIRST, (TWO, *["hello"] * 6), None),
        # The newest mention is the list: nothing was spoken of last.
        (OTHER, (TWO,), None),
        (OTHER, (TWO, f"where is {LAMP}?"), CHAIR),
        (OTHER, (TWO, f"where is {LAMP}?", f"It comes with {CHAIR}.", "ah"), LAMP),
        (OTHER, (TWO, f"and {TABLE}?"), None),
        (OTHER, (TWO, f"where is {CHAIR}?", f"{TABLE} is here."), LAMP),
        (OTHER, (f"{LAMP}, {CHAIR}, {TABLE}", f"where is {CHAIR}?"), None),
        (OTHER, (f"Your order {LAMP} is on its way.",), None),
        (EITHER, (TWO,), CHAIR),
        (EITHER, (TWO, f"where is {CHAIR}?"), LAMP),
        (EITHER, (f"{LAMP}, {CHAIR}, {TABLE}", f"where is {CHAIR}?"), CHAIR),
        (None, (TWO,), None),
        (None, (TWO, f"where is {CHAIR}?"), CHAIR),
    ],
)
def test_spoken_of(position: Position | None, texts: tuple[str, ...], chosen: str | None) -> None:
    """A place is one in the latest message that names several orders, and nobody guesses where there is none."""
    assert spoken_of(said(*texts), ALL, position) == chosen


def test_the_other_of_two_without_a_list() -> None:
    """Where a thread knows two orders only, the other is the one that was not spoken of last."""
    thread = said(f"{LAMP} is here.", f"and {CHAIR}?")
    assert spoken_of(thread, (CHAIR, LAMP), OTHER) == LAMP
    assert spoken_of(thread, ALL, OTHER) is None


def test_both_parts_of_the_only_order() -> None:
    """Where a thread knows one order, "both" are two things in it."""
    assert spoken_of(said(f"{LAMP}: 2 lamps"), (LAMP,), BOTH) == LAMP


def test_a_number_is_found_however_it_is_written() -> None:
    """Case, blanks and hyphens do not matter, and a number within a longer one is not it."""
    assert spoken_of(said("ord 1002 or #ORD-1001?"), ("ORD-1001", "ORD-1002"), FIRST) == "ORD-1002"
    assert spoken_of(said("10021 and 1003"), ("1002", "1003", "10021"), FIRST) == "10021"
    assert spoken_of(said("10021"), ("1002", "10021"), SECOND) is None


# --- by goods ---

BEHIND = f"You have two orders:\n{LAMP} — Desk lamp, brass\n{CHAIR} — Office chair"
BEFORE = f"Your desk lamp is {LAMP}, your office chair is {CHAIR}. Which one do you mean?"


@pytest.mark.parametrize(
    ("listed", "text", "language", "chosen"),
    [
        (BEHIND, "the lamp one", "en", LAMP),
        (BEHIND, "cancel the chair please", "en", CHAIR),
        (BEHIND, "the lamps", "en", LAMP),
        (BEHIND, "the table", "en", None),
        (BEHIND, "the lamp, or the chair", "en", None),
        (BEFORE, "the lamp", "en", LAMP),
        (BEFORE, "the chair one", "en", CHAIR),
        (f"{LAMP} (lamp), {CHAIR} (chair)", "the chair", "en", CHAIR),
        (f"{LAMP} desk lamp and {CHAIR} chair", "the lamp", "en", LAMP),
        (f"Lamp ({LAMP})\nChair ({CHAIR})", "the chair", "en", CHAIR),
        (f"{LAMP}: desk lamp\n{CHAIR}: floor lamp", "the lamp", "en", None),
        (f"{LAMP}: desk lamp\n{CHAIR}: floor lamp", "the desk lamp", "en", LAMP),
        # What an order is and how it stands are no goods.
        (f"{LAMP}: delivered\n{CHAIR}: your order was shipped", "when will my order be delivered?", "en", None),
        (f"{LAMP}: Lampe\n{CHAIR}: Stuhl", "die Lampe bitte stornieren", "de", LAMP),
        (f"{LAMP}: настольная лампа\n{CHAIR}: кресло", "отмените лампу", "ru", LAMP),
        (f"{LAMP}: lámpara\n{CHAIR}: silla", "la de la lampara", "es", LAMP),
        (f"{LAMP}: مصباح\n{CHAIR}: كرسي", "الكرسي", "ar", CHAIR),
        (f"{LAMP}：台灯\n{CHAIR}：办公椅", "取消台灯那个", "zh", LAMP),
        (f"{LAMP} 台灯\n{CHAIR} 台历", "取消那个", "zh", None),
        (f"{LAMP} デスクランプ\n{CHAIR} 椅子セット", "デスクランプの方", "ja", LAMP),
        (f"{LAMP} 램프\n{CHAIR} 의자", "의자를 취소해 주세요", "ko", CHAIR),
        (f"{LAMP} โคมไฟ\n{CHAIR} เก้าอี้", "ยกเลิกเก้าอี้", "th", CHAIR),
        (f"{LAMP}: lamp", "the lamp", "en", None),
    ],
)
def test_having_goods(listed: str, text: str, language: str, chosen: str | None) -> None:
    """Goods choose the order that they stand beside, if they stand beside one only."""
    assert having_goods(said(listed), ALL, BOOK.unexplained(text, language)) == chosen


# --- in a tier ---


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("cancel the second one", CHAIR),
        ("cancel the second order", CHAIR),
        ("please cancel the lamp", LAMP),
        ("cancel both", None),
        ("cancel it", None),
        ("cancel my last order", None),
        (f"cancel {LAMP}", LAMP),
    ],
)
def test_the_rules_follow_the_place(text: str, number: str | None) -> None:
    """The rules cancel the order that a place or its goods tell, and ask where they tell none."""
    query = Query(text, "en", said(BEHIND), candidates=(LAMP, CHAIR))
    understood = RulesTier(BOOK).read(query)
    assert understood is not None
    assert understood.action == Action(ActionKind.CANCEL_ORDER, number)
