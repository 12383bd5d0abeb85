"""Typed answers: goods by name, by place and by number, reasons, skipping."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bot.domain.actions import ActionKind
from bot.domain.flow_words import FlowWords, named, picked
from bot.domain.model import Money, OrderItem, Reason, ReturnLine, Waiting, Wish
from bot.locale.flow_words import load_flow_words

CANCEL, RETURN = ActionKind.CANCEL_ORDER, ActionKind.RETURN_APPLY
WORDS = FlowWords(load_flow_words())


def item(name: str, number: str, quantity: int = 1) -> OrderItem:
    """Return an item."""
    return OrderItem(name, quantity, Money(Decimal(5), "EUR"), number)


RED, BLUE, SHOES, LAMP = item("Red mug", "1"), item("Blue mug", "2", 3), item("Running shoes", "3"), item("台灯", "4")
GOODS = (RED, BLUE, SHOES, LAMP)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("the shoes", (SHOES,)),
        ("the shoe please", (SHOES,)),
        ("no, the blue one instead", (BLUE,)),
        ("blue mug", (BLUE,)),
        ("the blue mug and the shoes", (BLUE, SHOES)),
        ("the mug", ()),
        ("the mug and the shoes", ()),
        ("我要退台灯", (LAMP,)),
        ("the hat", ()),
        ("", ()),
    ],
)
def test_goods_by_their_names(text: str, found: tuple[OrderItem, ...]) -> None:
    """A word that only one item has picks it; a word of several leaves it open, unless another word tells which."""
    assert named(text, GOODS) == found


def test_endings_do_not_matter() -> None:
    """People write names in other forms than the shop does."""
    sneakers = (item("Кроссовки", "1"), item("Рубашка", "2"))
    assert named("возврат кроссовок", sneakers) == sneakers[:1]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("1", [("1", 0)]),
        ("2 and 3, please", [("2", 0), ("3", 0)]),
        ("3 3", [("3", 0)]),
        ("٣", [("3", 0)]),
        ("5", []),
        ("0", []),
        ("I bought it 2 days ago, remember?", []),
        ("2 blue mugs", [("2", 2)]),
        ("7 blue mugs", [("2", 0)]),
        ("blue mug and shoes, 2", [("2", 0), ("3", 0)]),
    ],
)
def test_goods_by_place_and_number(text: str, lines: list[tuple[str, int]]) -> None:
    """A number alone is a place; beside one name it is how many, if there are so many."""
    assert [(line.item_id, line.quantity) for line in picked(text, GOODS)] == lines


def answer(step: Waiting, text: str, wish: Wish | None = None, **more: bool | None) -> Wish | None:
    """Read an answer about a return of the goods."""
    said = {"yes": None, "may_skip": True, **more}
    return WORDS.answer(step, text, RETURN, wish or Wish(), GOODS, yes=said["yes"], may_skip=bool(said["may_skip"]))


def test_items() -> None:
    """What is typed settles it, with what was picked before; 'that is all' needs something picked."""
    one = Wish((ReturnLine("1", 0),))
    assert answer(Waiting.ITEMS, "the shoes") == Wish((ReturnLine("3", 0),), picked=True)
    assert answer(Waiting.ITEMS, "and the shoes", one) == Wish((ReturnLine("1", 0), ReturnLine("3", 0)), picked=True)
    assert answer(Waiting.ITEMS, "that's all", one) == Wish((ReturnLine("1", 0),), picked=True)
    assert answer(Waiting.ITEMS, "yes", one, yes=True) == Wish((ReturnLine("1", 0),), picked=True)
    assert answer(Waiting.ITEMS, "done") is None
    assert answer(Waiting.ITEMS, "yes", yes=True) is None
    assert answer(Waiting.ITEMS, "no", yes=False) is None
    everything = answer(Waiting.ITEMS, "alles")
    assert everything is not None
    assert [line.quantity for line in everything.lines] == [1, 3, 1, 1]


def test_how_many() -> None:
    """A number from 1 to as many as there are, or all of them."""
    wish = Wish((ReturnLine("2", 0),), picked=True)

    def counted(text: str) -> int | None:
        found = answer(Waiting.QUANTITY, text, wish)
        return found and found.lines[0].quantity

    assert [counted(text) for text in ("2", "just 1", "all of them", "٣")] == [2, 1, 3, 3]
    assert [counted(text) for text in ("0", "4", "1 or 2", "a few")] == [None] * 4


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("it's broken", Reason.DAMAGED),
        ("es ist kaputt", Reason.DAMAGED),
        ("sent me the wrong one", Reason.WRONG_ITEM),
        ("发错货了", Reason.WRONG_ITEM),
        ("wrong size", Reason.DOES_NOT_FIT),
        ("не подошли", Reason.DOES_NOT_FIT),
        ("changed my mind", Reason.CHANGED_MIND),
        ("je n'en veux plus", Reason.CHANGED_MIND),
        ("it came too late", Reason.ARRIVED_LATE),
        ("llegó tarde", Reason.ARRIVED_LATE),
        ("سبب آخر", Reason.OTHER),
        ("कुछ और", Reason.OTHER),
        ("broken and too late", None),
        ("because", None),
    ],
)
def test_reasons(text: str, reason: Reason | None) -> None:
    """A reason in any of the languages; none where several are named."""
    assert WORDS.reason(text, RETURN) is reason
    found = answer(Waiting.REASON, text, may_skip=False)
    assert (found and found.reason) is reason


def test_a_cancellation_has_fewer_reasons() -> None:
    """What has not arrived is neither damaged nor the wrong one."""
    assert WORDS.reason("it is broken", CANCEL) is None
    assert WORDS.reason("takes too long", CANCEL) is Reason.ARRIVED_LATE


def test_skipping() -> None:
    """A word for it, or a no to a photo; only where the question may be skipped."""
    assert answer(Waiting.PHOTO, "I have no photo") == Wish(skipped=frozenset({Waiting.PHOTO}))
    assert answer(Waiting.PHOTO, "no", yes=False) == Wish(skipped=frozenset({Waiting.PHOTO}))
    assert answer(Waiting.REASON, "skip") == Wish(skipped=frozenset({Waiting.REASON}))
    assert answer(Waiting.REASON, "no", yes=False) is None
    assert answer(Waiting.PHOTO, "skip", may_skip=False) is None
    assert answer(Waiting.PHOTO, "wait a moment") is None
