"""The FAQ tier: the shop's own words for the same question or nearly the same, and silence otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.faq import FaqTier
from bot.domain.actions import ActionKind
from bot.domain.model import FaqEntry, Query
from bot.errors import PassReason, TierPassed

SHIPPING = FaqEntry("en", ("Do you ship abroad?", "Can you send it to another country?"), "Yes, within the EU.")
HOURS = FaqEntry("en", ("Do you deliver within 24 hours?",), "In big cities.")
CANCELLING = FaqEntry("en", ("How do I cancel my order?",), "Write: cancel, and its number.")
RETURNS = FaqEntry("en", ("Where is my parcel if I sent it back?",), "On its way to us.")
GERMAN = FaqEntry("de", ("Wie lange dauert die Lieferung?",), "Zwei Tage.")
CHINESE = FaqEntry("zh", ("你们可以寄到国外吗？", "一个包裹一般需要几天才能送到国外的客户手里？"), "可以，欧盟境内。")
SPANISH = FaqEntry("es", ("¿Hacen envíos al extranjero?",), "Sí, en la UE.")
HINDI = FaqEntry("hi", ("क्या आप विदेश भेजते हैं?",), "हाँ।")
TIER = FaqTier([SHIPPING, HOURS, CANCELLING, RETURNS, GERMAN, CHINESE, SPANISH, HINDI])


def found(text: str, language: str = "en", tier: FaqTier = TIER) -> str | None:
    """Return the answer that a message gets."""
    match = tier.find(text, language)
    return match[0].answer if match else None


@pytest.mark.parametrize(
    "text",
    [
        "Do you ship abroad?",
        "do you ship abroad",
        "DO YOU SHIP ABROAD!!!",
        "  Do   you\nship abroad ?  ",
        "Ｄｏ you ship abroad？",
        "Do you ship abroad? \U0001f64f",
        "“Do you ship abroad?”",
        "can you send it to another country",
    ],
)
def test_the_same_question(text: str) -> None:
    """Case, signs, emoji, widths and spaces do not make another question, and every wording counts."""
    match = TIER.find(text, "en")
    assert match == (SHIPPING, 1.0)


@pytest.mark.parametrize("language", ["en", "de", "ar", ""])
def test_the_same_question_in_whatever_language(language: str) -> None:
    """An exact question is answered in its own language, even when the message was taken for another one."""
    assert found("Wie lange dauert die Lieferung", language) == "Zwei Tage."
    assert found("你们可以寄到国外吗", language) == "可以，欧盟境内。"


def test_the_same_question_in_two_languages() -> None:
    """Where two languages write the question alike, the customer's comes first, then the one that was named first."""
    tier = FaqTier([FaqEntry("en", ("Garantie?",), "English"), FaqEntry("de", ("Garantie?",), "Deutsch")])
    assert found("garantie", "de", tier) == "Deutsch"
    assert found("garantie", "fr", tier) == "English"


@pytest.mark.parametrize(
    ("text", "language", "answer"),
    [
        ("do you ship abroad please", "en", SHIPPING.answer),
        ("do you shipp abroad", "en", SHIPPING.answer),
        ("how do i cancel my orders", "en", CANCELLING.answer),
        ("Hacen envios al extranjero", "es", SPANISH.answer),
        ("wie lange dauert denn die Lieferung", "de", GERMAN.answer),
        ("一个包裹一般需要几天才能送到国外的客户手里呢", "zh", CHINESE.answer),
        ("क्या आप विदेश भेजते है", "hi", HINDI.answer),
    ],
)
def test_nearly_the_same_question(text: str, language: str, answer: str) -> None:
    """A typo, a forgotten accent or a polite word more make no difference."""
    match = TIER.find(text, language)
    assert match is not None
    assert match[0].answer == answer
    assert TIER.threshold <= match[1] < 1


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "你们可以寄到国内吗",
        "I want to cancel",
        "do you sell lamps",
        "Do you ship? My parcel was sent abroad, and nobody told me where it is",
        "do you ship abroad " * 20,
        "",
        "?!",
        "\U0001f44d",
        "x" * 10_000,
    ],
)
def test_another_question(text: str) -> None:
    """What only resembles a question is left to the tiers that understand."""
    assert found(text) is None


def test_near_only_in_the_messages_language() -> None:
    """A near match in another language is chance, and is not answered."""
    assert found("wie lange dauert denn die Lieferung", "en") is None


@pytest.mark.parametrize(
    "text",
    [
        "How do I cancel my order 4711",
        "how do i cancel my order ORD20241112001?",
        "How do I cancel my order #88?",
        "Where is my parcel 20241112001 if I sent it back?",
    ],
)
def test_a_message_that_names_an_order_is_not_hijacked(text: str) -> None:
    """A message about one order is for the tiers that can act on it, however much it reads like a question."""
    assert found(text) is None


def test_another_number_is_another_question() -> None:
    """A question about 48 hours is not answered with what holds for 24."""
    assert found("Do you deliver in 24 hours?") == HOURS.answer
    assert found("Do you deliver within 48 hours?") is None


def test_a_question_of_signs_alone_matches_nothing() -> None:
    """An entry without a letter would answer every message without one; it is left out."""
    tier = FaqTier([FaqEntry("en", ("???", "\U0001f44d"), "never")])
    assert tier.find("\U0001f60a", "en") is None
    assert tier.find("", "en") is None


async def test_as_a_tier() -> None:
    """It answers with the entry's text and its own name, and passes on what it does not know."""
    understood = await TIER.understand(Query("do you ship abroad?", "en"))
    assert (understood.action.kind, understood.action.message) == (ActionKind.UNKNOWN, SHIPPING.answer)
    assert (understood.tier, understood.confidence) == ("faq", 1.0)
    with pytest.raises(TierPassed) as passed:
        await TIER.understand(Query("where is ORD1?", "en"))
    assert passed.value.reason is PassReason.NO_MATCH


def test_loading_replaces_everything() -> None:
    """New entries serve at once, and old ones no more."""
    tier = FaqTier([SHIPPING])
    tier.load([GERMAN])
    assert tier.size == 1
    assert found("do you ship abroad", "en", tier) is None
    assert found("do you ship abroad please", "en", tier) is None
    assert found("wie lange dauert denn die Lieferung", "de", tier) == GERMAN.answer
    assert FaqTier().find("anything", "en") is None


def dice(a: str, b: str) -> float:
    """Return how near two plain questions are, the slow way."""
    first, second = ({f"  {text} "[i : i + 3] for i in range(len(text) + 1)} for text in (a, b))
    return 2 * len(first & second) / (len(first) + len(second))


KNOWN = ("do", "you", "ship", "send", "my", "the", "order", "abroad", "parcel", "when", "shipp", "sending")
WORDS = st.lists(st.sampled_from(KNOWN), min_size=1)
QUESTIONS = st.lists(WORDS.map(" ".join), min_size=1, max_size=12)


@given(QUESTIONS, WORDS.map(" ".join))
def test_the_nearest_of_all(questions: list[str], message: str) -> None:
    """Whatever the search leaves out on its way, it finds the nearest question, if any is near enough."""
    tier = FaqTier([FaqEntry("en", (question,), question) for question in questions])
    nearest = max(dice(message, question) for question in questions)
    match = tier.find(message, "en")
    assert (match is not None) == (nearest >= tier.threshold)
    if match:
        assert match[1] == pytest.approx(nearest)
        assert dice(message, match[0].answer) == pytest.approx(nearest)


def test_a_thousand_entries() -> None:
    """Among a thousand entries of three wordings, the right one is found, exact and near, and a stranger is not."""
    words = [f"{a}{b}" for a in ("lamp", "mug", "chair", "table", "rug") for b in ("red", "blue", "green", "old")]
    entries = [
        FaqEntry(
            "en",
            tuple(
                f"{ask} the {words[n % 20]} {words[n // 20 % 20]} {words[n * 7 % 20]} {chr(97 + n // 400)}"
                for ask in asks
            ),
            f"answer {n}",
        )
        for n in range(1000)
        for asks in [("how do I clean", "what is the best care for", "may I wash")]
    ]
    tier = FaqTier(entries)
    assert tier.size == 1000
    for number in (0, 499, 999):
        wording = entries[number].questions[1]
        assert found(f"{wording}??", tier=tier) == f"answer {number}"
        near = found(wording.replace("best", "bst"), tier=tier)
        assert near == f"answer {number}"
    assert found("I would like to speak to somebody about my order", tier=tier) is None
