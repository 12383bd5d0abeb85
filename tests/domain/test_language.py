from __future__ import annotations

import pytest

from bot.domain.language import LexiconBook
from bot.domain.lexicon import Lexicon
from bot.domain.terms import STEM, expand, term_tokens
from bot.errors import ConfigError
from bot.locale.lexicons import load_lexicons, parse_lexicon
from tests.support.sentences import languages, sentences

LEXICONS = load_lexicons()
BOOK = LexiconBook(LEXICONS)


def by_code(lexicon: Lexicon) -> str:
    """Return what a lexicon is called in the name of a test."""
    return lexicon.code


# --- which language ---


@pytest.mark.parametrize("language", languages())
def test_the_language_of_sentences(language: str) -> None:
    """At least nine of ten short sentences show their language, and hardly any is taken for another one."""
    found = [BOOK.detect(text) for _, text in sentences(language)]
    assert found.count(language) >= 0.9 * len(found)
    assert len(found) - found.count(language) - found.count(None) <= 0.05 * len(found)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("where is my order", "en"),
        ("wo ist meine bestellung", "de"),
        ("gde moi zakaz", "ru"),
        ("kahan hai mera order bhai", "hi"),
        ("我的訂單在哪裡", "zh"),
        ("注文はどこですか", "ja"),
        ("내 주문 어디 있어요", "ko"),
        ("Where is my Bestellung ORD20241112001, please tell me", "en"),
        ("أين الطلب order 883421", "ar"),
        ("мой iPhone 15 Pro Max где?", "ru"),
        ("OÙ EST MA COMMANDE", "fr"),
        ("onde está a minha encomenda?", "pt"),
        ("¿dónde está mi encomienda?", "es"),
        ("dov'è il mio ordine?", "it"),
    ],
)
def test_the_language_of_one_message(text: str, language: str) -> None:
    """Scripts, letters and small words tell the language, whatever brand names and numbers stand among them."""
    assert BOOK.detect(text) == language


@pytest.mark.parametrize("text", ["", " ", "ok", "883421", "ORD20241112001", "👍👍", "!!!", "a@b.example", "\ud800\0"])
def test_a_message_that_does_not_tell(text: str) -> None:
    """The thread's language stands where a message shows none; without one nothing is claimed."""
    assert BOOK.detect(text, "hi") == "hi"
    assert BOOK.detect(text) is None


def test_the_threads_language_wins_a_tie() -> None:
    """`pedido` is Spanish and Portuguese: the thread decides, and a plain sentence overrules the thread."""
    assert BOOK.detect("cancelar pedido", "pt") == "pt"
    assert BOOK.detect("cancelar pedido", "es") == "es"
    assert BOOK.detect("where is my parcel, please?", "es") == "en"


def test_an_address_is_no_language() -> None:
    """The words in an e-mail address or a link do not count."""
    assert BOOK.detect("wo.ist.meine@bestellung.example https://ich.mochte.example/stornieren") is None


# --- yes and no ---


@pytest.mark.parametrize("lexicon", LEXICONS, ids=by_code)
def test_every_yes_and_every_no(lexicon: Lexicon) -> None:
    """Each language's words for yes and no decide in a thread of that language, also in capitals and with a mark."""
    for wanted, terms in ((True, lexicon.yes), (False, lexicon.no)):
        assert terms
        for text in (full for term in terms for full in expand(term)):
            assert BOOK.consent(text, lexicon.code) is wanted, text
            assert BOOK.consent(f" {text.upper()}! ", lexicon.code) is wanted, text


@pytest.mark.parametrize("lexicon", LEXICONS, ids=by_code)
def test_a_yes_is_never_a_no_elsewhere(lexicon: Lexicon) -> None:
    """Where the thread's language is not known, a word may be left undecided, but it never turns round."""
    for wanted, terms in ((True, lexicon.yes), (False, lexicon.no)):
        for text in (full for term in terms for full in expand(term)):
            assert BOOK.consent(text) in (wanted, None), text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("yes", True), ("Yes!!", True), ("yes please", True), ("yeah, cancel it", True), ("ok", True), ("👍", True),
        ("是的，取消吧", True), ("sí, por favor", True), ("да, отмените", True), ("ja bitte", True), ("oui", True),
        ("نعم من فضلك", True), ("हाँ कर दो", True), ("haan ji", True), ("ok 👍", True), ("ＹＥＳ", True),
        ("はい", True),
        ("no", False), ("no thanks", False), ("不用了", False), ("нет, спасибо", False), ("nein danke", False),
        ("non merci", False), ("لا شكرا", False), ("नहीं", False), ("👎", False), ("never mind", False),
        ("아니요", False),
    ],
)  # fmt: skip
def test_plain_answers(text: str, wanted: bool) -> None:
    """A message that is a yes or a no and nothing else is one, in every language."""
    assert BOOK.consent(text) is wanted


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "?", "yes?", "yes, but not the shoes", "yes if it is free", "ok thanks", "yes no", "no wait yes",
        "👍👎",
        "yes and cancel 883421 too", "yes, what about the other one", "I said yes to my wife", "maybe", "hello",
        "是吗？", "可以吗", "如果免费就可以", "sí, pero mañana", "да, но не все", "ja, aber erst morgen",
        "oui mais non",
        "نعم ولكن ليس الآن", "हाँ लेकिन कल", "yes " * 30, "not yes", "yes I want to talk to a human", "sure thing not",
        "no problem", "why yes", "cancel", "1", "thanks", "y\0e", "да нет", "okay then where is it",
    ],
)  # fmt: skip
def test_everything_else_is_no_answer(text: str) -> None:
    """A question, a condition, a mixture, a longer sentence and mere politeness decide nothing."""
    assert BOOK.consent(text) is None


def test_a_word_of_two_languages() -> None:
    """A word that agrees in one language and thanks in another counts by the thread's language only."""
    polish = Lexicon("pl", "latin", yes=("tak",), no=("nie",))
    danish = Lexicon("da", "latin", yes=("ja", "ja tak"), no=("nej",), words={"thanks": ("tak",)})
    book = LexiconBook([polish, danish])
    assert book.consent("tak", "pl") is True
    assert book.consent("tak", "da") is None
    assert book.consent("tak") is None
    assert book.consent("ja tak") is True


# --- a greeting, thanks ---


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("hello", "hello"), ("Hi there!", "hello"), ("👋", "hello"), ("good morning everyone", "hello"),
        ("您好，在吗", "hello"), ("السلام عليكم", "hello"), ("Здравствуйте!", "hello"), ("hola buenas tardes", "hello"),
        ("नमस्ते", "hello"), ("Guten Tag", "hello"), ("bonjour", "hello"), ("こんにちは", "hello"),
        ("안녕하세요", "hello"),
        ("are you a bot?", "hello"), ("gracias", "thanks"), ("谢谢", "thanks"), ("спасибо!", "thanks"),
        ("thank you so much for your help 🙏", "thanks"), ("🙏", "thanks"), ("vielen Dank", "thanks"),
        ("bye", "thanks"),
        ("merci beaucoup", "thanks"), ("شكرا جزيلا لكم", "thanks"), ("धन्यवाद", "thanks"), ("hi, thanks!", "thanks"),
        ("ありがとうございました", "thanks"), ("감사합니다", "thanks"),
        ("muito obrigado", "thanks"), ("Grazie mille", "thanks"),
    ],
)  # fmt: skip
def test_greetings(text: str, wanted: str) -> None:
    """A message that only greets or thanks is known in every language."""
    assert BOOK.greets(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["", " ", "hello, where is my order", "thanks for nothing, cancel it", "你", "there", "yes", "no", "883421", "hi 5",
     "谢谢，帮我退货", "спасибо, а где заказ?", "merci de l'annuler", "hello " * 30, "hello world", "👍",
     "gracias pero no"],
)  # fmt: skip
def test_more_than_a_greeting(text: str) -> None:
    """Whoever says anything else beside it wants more than a greeting."""
    assert BOOK.greets(text) is None


@pytest.mark.parametrize("lexicon", LEXICONS, ids=by_code)
def test_each_language_greets(lexicon: Lexicon) -> None:
    """Each language's own greetings and thanks are heard as such."""
    for concept in ("greeting", "thanks"):
        terms = [full for term in lexicon.words[concept] for full in expand(term)]
        assert terms
        assert all(BOOK.greets(text, lexicon.code) for text in terms)


# --- the last order ---


@pytest.mark.parametrize(
    "text",
    [
        "cancel my last order", "the most recent one please", "取消我最近的订单", "我上一单到哪了", "mi último pedido",
        "мой последний заказ", "meine letzte Bestellung", "ma dernière commande", "طلبي الأخير", "मेरा पिछला ऑर्डर",
        "mera last order cancel karo", "meu último pedido", "il mio ultimo ordine", "最新の注文", "마지막 주문",
    ],
)  # fmt: skip
def test_the_last_order(text: str) -> None:
    """'My last order' is heard in every language."""
    assert BOOK.means_latest(text)


@pytest.mark.parametrize(
    "text",
    ["cancel my order", "取消订单 883421", "mi pedido", "the last four digits are 1234", "at last", "где мой заказ"],
)
def test_not_the_last_order(text: str) -> None:
    """An order that is not called the last one is not."""
    assert not BOOK.means_latest(text)


# --- the files, and hostile texts ---


@pytest.mark.parametrize("lexicon", LEXICONS, ids=by_code)
def test_every_term_is_found(lexicon: Lexicon) -> None:
    """A term that nothing can match, or that is only dirt, is a slip in the file."""
    reader = BOOK.reader(lexicon.code)
    for name, terms in lexicon.words.items():
        for full in (expand(term)[0] for term in terms):
            words = [token.removesuffix(STEM) for token in term_tokens(full)]
            assert reader.read(words).concepts, (name, full)


def test_a_file_with_mistakes_is_named() -> None:
    """Whoever mends a file of words is told everything that is wrong with it at once."""
    text = 'script = "latin"\n[words]\norders = ["x"]\ncancel = "y"\nreturn = ["a (b (c))"]\n[detect]\ncommon = [""]\n'
    with pytest.raises(ConfigError) as told:
        parse_lexicon("xx", text)
    assert len(told.value.problems) == 4
    assert all("xx.toml" in problem.where for problem in told.value.problems)
    with pytest.raises(ConfigError, match="not TOML"):
        parse_lexicon("xx", "a = [")
    with pytest.raises(ConfigError, match="script is missing"):
        parse_lexicon("xx", "")
    assert parse_lexicon("xx", 'script = "latin"').words == {}


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "piece",
    ["a", "é", "1", " ", "yes ", "不", "\ufdfa", "\ud800", "\u202e", "\0", "e\u0301", "👍", "@a", "http://a", "ह"],
)
def test_hostile_texts(piece: str) -> None:
    """32 KB of anything are looked at, soon, and never taken for an answer."""
    text = piece * (32_768 // len(piece))
    assert BOOK.detect(text, "en") is not None
    assert BOOK.consent(text) is None
    assert BOOK.greets(text) is None
    assert not BOOK.means_latest(text)
