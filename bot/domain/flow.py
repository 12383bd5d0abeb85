"""What is still to be asked before a cancellation or a return can be proposed. Facts in, the next question out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.actions import ActionKind
from bot.domain.model import Dialogue, OrderItem, Reason, ReturnLine, Waiting, Wish

STEPS = frozenset({Waiting.ITEMS, Waiting.QUANTITY, Waiting.REASON, Waiting.NOTE, Waiting.PHOTO})
"""The questions that come before the summary."""

REASONS = {
    ActionKind.RETURN_APPLY: tuple(Reason),
    ActionKind.CANCEL_ORDER: (Reason.CHANGED_MIND, Reason.ARRIVED_LATE, Reason.OTHER),
}
"""Which reasons there are for what."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What the shop wants to know.

    The reason of a cancellation may be left out; `photo_for` are the reasons for which a photo is asked for, and
    `photo_needed` that there is no return without it.
    """

    return_reason: bool = True
    cancel_reason: bool = False
    photo_for: frozenset[Reason] = frozenset({Reason.DAMAGED, Reason.WRONG_ITEM})
    photo_needed: bool = False

    def reason(self, kind: ActionKind) -> bool:
        """Whether the reason of such a write is asked for."""
        return self.return_reason if kind is ActionKind.RETURN_APPLY else self.cancel_reason

    def may_skip(self, step: Waiting, kind: ActionKind) -> bool:
        """Whether a question may be left unanswered."""
        if step is Waiting.PHOTO:
            return not self.photo_needed
        return step is Waiting.REASON and kind is ActionKind.CANCEL_ORDER


def is_open(dialogue: Dialogue) -> bool:
    """Whether a write of a known order is being talked about: a question of the flow is open, or its summary."""
    talked = dialogue.waiting in STEPS or dialogue.waiting is Waiting.CONFIRMATION
    return talked and dialogue.action is not None and dialogue.order_id is not None


def fitted(wish: Wish, choices: Sequence[OrderItem]) -> Wish:
    """Return the wish as far as it can be fulfilled, with what goes without saying.

    What cannot go back (any more) is left out; the only item there is needs no picking, the only piece no counting.
    """
    items = {item.id: item for item in choices}
    lines = [line for line in wish.lines if line.item_id in items and line.quantity <= items[line.item_id].quantity]
    if len(choices) == 1 and not lines:
        lines = [ReturnLine(choices[0].id, 0)]
    counted = tuple(
        replace(line, quantity=1) if items[line.item_id].quantity == 1 else line
        for line in sorted(lines, key=lambda line: list(items).index(line.item_id))
    )
    return replace(wish, lines=counted, picked=bool(counted) and (wish.picked or len(choices) == 1))


def next_step(
    kind: ActionKind, wish: Wish, choices: Sequence[OrderItem], asking: Asking, *, can_send_photo: bool
) -> Waiting:
    """Return the question that comes next, CONFIRMATION when nothing is left to be asked.

    Args:
        wish: as `fitted` returns it.
        choices: the items that may go back; none where the order goes back as a whole, or is cancelled.
    """
    if choices and not wish.picked:
        return Waiting.ITEMS
    if any(not line.quantity for line in wish.lines):
        return Waiting.QUANTITY
    if asking.reason(kind) and wish.reason is None and Waiting.REASON not in wish.skipped:
        return Waiting.REASON
    if wish.reason is Reason.OTHER and not wish.note:
        return Waiting.NOTE
    missing = wish.photo is None and Waiting.PHOTO not in wish.skipped
    if kind is ActionKind.RETURN_APPLY and wish.reason in asking.photo_for and missing and can_send_photo:
        return Waiting.PHOTO
    return Waiting.CONFIRMATION


# --- what an answer makes of a wish ---


def with_all(wish: Wish, choices: Sequence[OrderItem]) -> Wish:
    """Return the wish for all that may go back."""
    return replace(wish, lines=tuple(ReturnLine(item.id, item.quantity) for item in choices), picked=True)


def with_item(wish: Wish, item_id: str) -> Wish:
    """Return the wish with an item more, or without it if it was picked before."""
    others = tuple(line for line in wish.lines if line.item_id != item_id)
    lines = others if len(others) < len(wish.lines) else (*others, ReturnLine(item_id, 0))
    return replace(wish, lines=lines)


def with_quantity(wish: Wish, quantity: int) -> Wish:
    """Return the wish with so many pieces of the item that is being counted."""
    counted = counting(wish)
    lines = tuple(replace(line, quantity=quantity) if line is counted else line for line in wish.lines)
    return replace(wish, lines=lines)


def counting(wish: Wish) -> ReturnLine | None:
    """Return the line of which it was not said how many pieces go back, the first such."""
    return next((line for line in wish.lines if not line.quantity), None)


def without_step(wish: Wish, step: Waiting) -> Wish:
    """Return the wish with a question that is not answered."""
    return replace(wish, skipped=wish.skipped | {step})


def of_another(wish: Wish) -> Wish:
    """Return what stays true of a wish that turns out to be about another order: why, and nothing of the goods."""
    return Wish(reason=wish.reason, note=wish.note, skipped=wish.skipped - {Waiting.PHOTO})
