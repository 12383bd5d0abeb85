"""The next question of a cancellation or a return, and what an answer makes of the wish."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.actions import ActionKind
from bot.domain.flow import (
    Asking,
    counting,
    fitted,
    is_open,
    next_step,
    of_another,
    with_all,
    with_item,
    with_quantity,
    without_step,
)
from bot.domain.model import Dialogue, MessageRef, Money, OrderItem, Reason, ReturnLine, Waiting, Wish

CANCEL, RETURN = ActionKind.CANCEL_ORDER, ActionKind.RETURN_APPLY
SHOES = OrderItem("Red shoes", 2, Money(Decimal(40), "EUR"), "1")
MUG = OrderItem("Blue mug", 1, Money(Decimal(5), "EUR"), "2")
BOTH = (SHOES, MUG)
PHOTO = MessageRef(7, 1)


def step(wish: Wish, *choices: OrderItem, kind: ActionKind = RETURN, photos: bool = True, **asking: object) -> Waiting:
    """Return the next question."""
    return next_step(kind, fitted(wish, choices), choices, replace(Asking(), **asking), can_send_photo=photos)


def test_one_question_after_the_other() -> None:
    """Items, how many, why, a photo where the reason wants one, and then nothing is left but the summary."""
    wish = Wish()
    assert step(wish, *BOTH) is Waiting.ITEMS
    wish = with_item(wish, "1")
    assert step(wish, *BOTH) is Waiting.ITEMS, "more may follow"
    wish = fitted(replace(wish, picked=True), BOTH)
    assert step(wish, *BOTH) is Waiting.QUANTITY
    assert counting(wish) == ReturnLine("1", 0)
    wish = with_quantity(wish, 2)
    assert step(wish, *BOTH) is Waiting.REASON
    assert step(replace(wish, reason=Reason.CHANGED_MIND), *BOTH) is Waiting.CONFIRMATION
    assert step(replace(wish, reason=Reason.OTHER), *BOTH) is Waiting.NOTE
    assert step(replace(wish, reason=Reason.OTHER, note="so"), *BOTH) is Waiting.CONFIRMATION
    wish = replace(wish, reason=Reason.DAMAGED)
    assert step(wish, *BOTH) is Waiting.PHOTO
    assert step(replace(wish, photo=PHOTO), *BOTH) is Waiting.CONFIRMATION
    assert step(without_step(wish, Waiting.PHOTO), *BOTH) is Waiting.CONFIRMATION


def test_what_goes_without_saying_is_not_asked() -> None:
    """The only item is picked, the only piece counted; an order whose items have no ids goes back as a whole."""
    assert step(Wish(), MUG) is Waiting.REASON
    assert fitted(Wish(), (MUG,)).lines == (ReturnLine("2", 1),)
    assert step(Wish(), SHOES) is Waiting.QUANTITY
    assert step(Wish()) is Waiting.REASON
    assert step(with_all(Wish(), BOTH), *BOTH) is Waiting.REASON


def test_what_the_shop_does_not_ask() -> None:
    """Reasons and photos are asked for as the shop wants it, and no photo where none can be sent."""
    assert step(Wish(), return_reason=False) is Waiting.CONFIRMATION
    assert step(Wish(reason=Reason.DAMAGED), photo_for=frozenset()) is Waiting.CONFIRMATION
    assert step(Wish(reason=Reason.DAMAGED), photos=False) is Waiting.CONFIRMATION
    assert step(Wish(), kind=CANCEL) is Waiting.CONFIRMATION
    assert step(Wish(), kind=CANCEL, cancel_reason=True) is Waiting.REASON
    assert step(without_step(Wish(), Waiting.REASON), kind=CANCEL, cancel_reason=True) is Waiting.CONFIRMATION
    assert step(Wish(reason=Reason.ARRIVED_LATE), kind=CANCEL, photo_for=frozenset(Reason)) is Waiting.CONFIRMATION


def test_what_may_be_skipped() -> None:
    """A cancellation's reason may, and a photo unless the shop needs it."""
    assert Asking().may_skip(Waiting.REASON, CANCEL)
    assert not Asking().may_skip(Waiting.REASON, RETURN)
    assert Asking().may_skip(Waiting.PHOTO, RETURN)
    assert not Asking(photo_needed=True).may_skip(Waiting.PHOTO, RETURN)
    assert not any(Asking().may_skip(one, RETURN) for one in (Waiting.ITEMS, Waiting.QUANTITY, Waiting.NOTE))


def test_what_cannot_go_back_any_more_is_left_out() -> None:
    """Lines of items that are not offered, or of more pieces than there are, go; when none is left it is asked anew."""
    wish = Wish((ReturnLine("2", 1), ReturnLine("9", 1), ReturnLine("1", 3)), picked=True)
    assert fitted(wish, BOTH).lines == (ReturnLine("2", 1),)
    assert step(Wish((ReturnLine("9", 1),), picked=True), *BOTH) is Waiting.ITEMS
    assert fitted(wish, ()).lines == ()


def test_picked_again_is_taken_out() -> None:
    """An item that is picked twice does not go back after all; the order's sequence is kept."""
    wish = with_item(with_item(Wish(), "2"), "1")
    assert [line.item_id for line in fitted(wish, BOTH).lines] == ["1", "2"]
    assert with_item(wish, "2").lines == (ReturnLine("1", 0),)


def test_what_stays_true_of_another_order() -> None:
    """Why it goes back stays; the goods, and the photo of them, do not."""
    wish = Wish((ReturnLine("1", 2),), True, Reason.OTHER, "so", PHOTO, frozenset({Waiting.PHOTO, Waiting.REASON}))
    assert of_another(wish) == Wish(reason=Reason.OTHER, note="so", skipped=frozenset({Waiting.REASON}))


@pytest.mark.parametrize(
    ("dialogue", "expected"),
    [
        (Dialogue(), False),
        (Dialogue(Waiting.ITEMS, RETURN, "ORD1"), True),
        (Dialogue(Waiting.CONFIRMATION, CANCEL, "ORD1"), True),
        (Dialogue(Waiting.CONFIRMATION, CANCEL), False),
        (Dialogue(Waiting.REASON, None, "ORD1"), False),
        (Dialogue(Waiting.MEANING, RETURN, "ORD1"), False),
        (Dialogue(Waiting.ORDER_NUMBER, RETURN, "ORD1"), False),
    ],
)
def test_whether_a_write_is_talked_about(dialogue: Dialogue, expected: bool) -> None:
    """Only the flow's own questions and its summary count, about a known order."""
    assert is_open(dialogue) is expected
