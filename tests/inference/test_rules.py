from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime

import pytest

from bot.conversation.replies import Replies
from bot.domain.actions import Action, ActionKind
from bot.domain.language import LexiconBook
from bot.domain.model import Author, Message, Query
from bot.domain.order_numbers import OrderNumbers
from bot.errors import PassReason, TierPassed
from bot.inference.rules import RulesTier
from bot.locale.catalogue import SUPPORTED, best, catalogue
from bot.locale.lexicons import load_lexicons
from tests.support.sentences import languages, sentences

BOOK = LexiconBook(load_lexicons())
NUMBERS = OrderNumbers()
TIER = RulesTier(BOOK)
QUERY, CANCEL, RETURN = ActionKind.QUERY_ORDER, ActionKind.CANCEL_ORDER, ActionKind.RETURN_APPLY
HANDOFF, UNKNOWN = ActionKind.HANDOFF, ActionKind.UNKNOWN
WHEN = datetime(2026, 11, 1, tzinfo=UTC)


def said(*texts: str) -> tuple[Message, ...]:
    """Return a thread in which the customer and the bot take turns, the customer first."""
    authors = (Author.CUSTOMER, Author.BOT)
    return tuple(Message(authors[place % 2], text, WHEN, place + 1) for place, text in enumerate(texts))


def understood(text: str, history: tuple[Message, ...] = (), language: str | None = None) -> Action | None:
    """Ask the rules as a turn asks them: in the language that the message shows, with the thread's order numbers."""
    home = language or best(BOOK.detect(text), SUPPORTED)
    found = TIER.read(Query(text, home, history, candidates=NUMBERS.candidates(text, history)))
    return found.action if found else None


def kind(text: str, history: tuple[Message, ...] = (), language: str | None = None) -> ActionKind:
    """Return the action's kind; what the rules pass on counts as unknown."""
    action = understood(text, history, language)
    return action.kind if action else UNKNOWN


# --- sentences ---


@pytest.mark.parametrize("language", languages())
def test_sentences(language: str) -> None:
    """Each sentence of a language's table is understood as the table says."""
    table = list(sentences(language))
    wrong = [f"{text!r}: {kind(text)}, not {wanted}" for wanted, text in table if kind(text) is not wanted]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", languages())
def test_the_tables_are_worth_something(language: str) -> None:
    """Each language's table tries every action, and near misses as well."""
    count = Counter(wanted for wanted, _ in sentences(language))
    assert min(count[wanted] for wanted in ActionKind) >= 2
    assert count[UNKNOWN] >= sum(count.values()) // 3


@pytest.mark.parametrize(
    ("text", "wanted", "order"),
    [
        ("查询订单号 ORD20241112001 的状态", QUERY, "ORD20241112001"),
        ("cancel my last order", CANCEL, None),
        ("quiero devolver el pedido ORD20241112001", RETURN, "ORD20241112001"),
        ("where is my order", QUERY, None),
        ("I want to talk to a human", HANDOFF, None),
        ("我要转人工", HANDOFF, None),
        ("скоро придет мой заказ?", QUERY, None),
        ("Ich möchte meine Bestellung stornieren", CANCEL, None),
        ("mera order kahan hai", QUERY, None),
        ("أين طلبي", QUERY, None),
        ("je veux parler à quelqu'un", HANDOFF, None),
    ],
)
@pytest.mark.parametrize("home", SUPPORTED)
def test_what_the_readme_promises(text: str, wanted: ActionKind, order: str | None, home: str) -> None:
    """The best known sentences are understood whatever language the thread had before."""
    action = understood(text, language=home)
    assert action is not None
    assert (action.kind, action.order_id) == (wanted, order)


@pytest.mark.parametrize("language", SUPPORTED)
def test_the_bots_own_examples(language: str) -> None:
    """What /help and the clarification tell the customer to write is understood in every language."""
    replies = Replies(catalogue, "Shop", "UTC")
    bullets = [line[1:].strip() for line in replies.help(language).splitlines() if line.startswith("•")]
    quoted = re.findall("[“„«](.+?)[”“»]", replies.clarify(language))
    assert [kind(text, language=language) for text in bullets] == [QUERY, CANCEL, RETURN]
    assert [kind(text, language=language) for text in quoted] == [QUERY, CANCEL]


@pytest.mark.parametrize("language", SUPPORTED)
def test_labels_written_instead_of_pressed(language: str) -> None:
    """Whoever writes what stands on a button means the same."""
    replies = Replies(catalogue, "Shop", "UTC")
    assert kind(replies.handoff_button(language), language=language) is HANDOFF
    for action in (CANCEL, RETURN):
        assert BOOK.consent(replies.yes_button(language, action), language) is True
        assert BOOK.consent(replies.no_button(language, action), language) is False


# --- which order ---


def test_a_number_alone_goes_on_with_what_was_under_way() -> None:
    """A bare number after 'I want to cancel' is the order to cancel; out of the blue it is a question about it."""
    assert understood("883421", said("i want to cancel an order", "Which one?")) == Action(CANCEL, "883421")
    assert understood("883421") == Action(QUERY, "883421")
    assert understood("it's 883421 thanks", said("quiero devolver algo", "¿Qué pedido?")) == Action(RETURN, "883421")


def test_it_is_the_one_order_of_the_last_messages() -> None:
    """'It' is the order that the thread speaks of, when there is but one."""
    about_one = said("where is order A-2291?", "A-2291 was shipped.")
    assert understood("ok cancel it then", about_one) == Action(CANCEL, "A-2291")
    about_two = said("where are A-2291 and A-2292?", "Both were shipped.")
    assert understood("cancel it", about_two) == Action(CANCEL, None)


def test_the_last_order_is_not_the_one_spoken_of() -> None:
    """'My last order' leaves the number to the order desk, whatever was spoken of before."""
    assert understood("cancel my last order", said("where is A-2291?", "On its way.")) == Action(CANCEL, None)


def test_a_number_must_stand_in_the_thread() -> None:
    """No number is ever made up: with none written there is none."""
    assert understood("cancel my order please") == Action(CANCEL, None)
    assert understood("cancel ORD20241112001") == Action(CANCEL, "ORD20241112001")


def test_of_two_numbers_nobody_can_know() -> None:
    """With two numbers alike the order is left open; a phone number beside an order number does not matter."""
    assert understood("cancel orders 883421 and 883422") == Action(CANCEL, None)
    assert understood("cancel ORD20241112001, my number is 5551234") == Action(CANCEL, "ORD20241112001")


@pytest.mark.parametrize("number", ["RETURN-10023", "HUMAN77215", "CANCEL883421"])
def test_letters_of_a_number_are_no_words(number: str) -> None:
    """A number that spells a word does not stand for the word."""
    assert understood(f"where is my order {number}") == Action(QUERY, number)


def test_a_reason_goes_on_with_what_was_under_way() -> None:
    """A reason given when asked belongs to the cancellation; without one under way it is not enough."""
    assert kind("ordered by mistake", said("cancel order 883421", "Why?")) is CANCEL
    assert kind("it is too expensive") is UNKNOWN


def test_a_change_of_mind_ends_what_was_under_way() -> None:
    """Taking it back is never taken for a yes."""
    for text in ("no, don't cancel it", "I changed my mind, keep my order", "no"):
        assert kind(text, said("cancel order 883421", "Shall I cancel it?")) is UNKNOWN


# --- the tier ---


async def test_what_is_not_settled_is_passed_on() -> None:
    """The tier passes with a reason where words do not settle it, and answers with its name where they do."""
    with pytest.raises(TierPassed) as passed:
        await TIER.understand(Query("the weather is lovely today", "en"))
    assert passed.value.reason is PassReason.NO_MATCH
    answer = await RulesTier(BOOK, "words").understand(Query("where is my order", "en"))
    assert (answer.tier, answer.action.kind) == ("words", QUERY)


@pytest.mark.parametrize(
    "text", ["wher is my ordr", "i want to cancle my oder", "plz retrun my pakage", "WHERE IS MY ORDER???", "w h e r e"]
)
def test_slips_of_the_pen(text: str) -> None:
    """A letter too many or too few does not hide a plain wish; letters apart are not guessed at."""
    wanted = {"w": QUERY, "i": CANCEL, "p": RETURN, "W": QUERY}
    assert kind(text) is (UNKNOWN if text == "w h e r e" else wanted[text[0]])


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "piece",
    ["a", "1", " ", "order ", "order no. ", "a1", "don't ", "不要取消", "취소", "\ufdfa", "\ud800", "\u202e", "\0",
     "e\u0301", "cancel cancel, ", "A-12 ", "$1 ", "👍", "ऑर्डर ", "الطلب ", "@", "http://"],
)  # fmt: skip
def test_hostile_texts(piece: str) -> None:
    """32 KB of anything are answered or passed on, soon."""
    text = piece * (32_768 // len(piece))
    assert understood(text, said(text)) is None or isinstance(understood(text), Action)


def test_a_long_letter_is_read_at_both_ends() -> None:
    """A wish at the end of a very long letter is still heard."""
    assert kind("Lovely shop. " * 2000 + "Please cancel my order.") is CANCEL
