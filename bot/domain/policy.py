"""Facts in, decision out: may this be done? No clock, no I/O, no model.

The default rules are those of careful shops: identify first; change nothing without an explicit yes; cancel only what
has not been packed; take back only what was delivered, within the window.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.actions import ActionKind
from bot.domain.model import Order, OrderStatus, Scope


class Decision(StrEnum):
    """What may happen next."""

    VERIFY = "verify"  # first find out who this is
    SHOW = "show"  # tell what the order system knows
    CONFIRM = "confirm"  # ask for an explicit yes
    ACT = "act"  # it was confirmed: do it
    CHOOSE = "choose"  # several orders fit: ask which
    NOT_FOUND = "not_found"  # no such order, or not this customer's: the two look the same
    NO_ORDERS = "no_orders"  # the customer has none at all
    NONE_FIT = "none_fit"  # the customer has orders, but none in a state for this
    ALREADY = "already"  # it is done already
    TOO_LATE_TO_CANCEL = "too_late_to_cancel"
    NOT_DELIVERED_YET = "not_delivered_yet"
    WINDOW_CLOSED = "window_closed"
    IS_CANCELLED = "is_cancelled"


@dataclass(frozen=True, slots=True)
class Rules:
    """The shop's rules."""

    return_window_days: int = 30
    cancellable: frozenset[OrderStatus] = frozenset({OrderStatus.PENDING})


_DONE_ALREADY = {
    ActionKind.CANCEL_ORDER: frozenset({OrderStatus.CANCELLED}),
    ActionKind.RETURN_APPLY: frozenset({OrderStatus.RETURN_REQUESTED, OrderStatus.RETURNED}),
}


def decide(
    action: ActionKind, scope: Scope | None, order: Order | None, *, confirmed: bool, now: datetime, rules: Rules
) -> Decision:
    """Decide about one order.

    Args:
        order: what the desk returned for this scope; None when there is none of that number.
        confirmed: the customer pressed yes to exactly this action on exactly this order.
        now: aware, UTC.
    """
    if scope is None:
        return Decision.VERIFY
    if order is None or order.customer_id != scope.customer_id:
        return Decision.NOT_FOUND
    if action is ActionKind.QUERY_ORDER:
        return Decision.SHOW
    if refusal := _refusal(action, order, now, rules):
        return refusal
    return Decision.ACT if confirmed else Decision.CONFIRM


def _refusal(action: ActionKind, order: Order, now: datetime, rules: Rules) -> Decision | None:
    if order.status in _DONE_ALREADY[action]:
        return Decision.ALREADY
    if action is ActionKind.CANCEL_ORDER:
        return None if order.status in rules.cancellable else Decision.TOO_LATE_TO_CANCEL
    if order.status is OrderStatus.CANCELLED:
        return Decision.IS_CANCELLED
    if order.status is not OrderStatus.DELIVERED:
        return Decision.NOT_DELIVERED_YET
    closes = (order.delivered_at or order.placed_at) + timedelta(days=rules.return_window_days)
    return Decision.WINDOW_CLOSED if now > closes else None


def choose(
    action: ActionKind,
    orders: Sequence[Order],
    *,
    latest: bool,
    now: datetime,
    rules: Rules,
    named: Collection[str] = (),
) -> tuple[Decision, tuple[Order, ...]]:
    """Find the order that a customer means who named no number, or several.

    Args:
        orders: all of the customer's, newest first.
        latest: the customer said 'my last order'.
        named: the numbers, among those of `orders`, that the customer wrote: it is one of these, and where none fits,
            the customer hears why of the one they choose.

    Returns:
        SHOW with exactly one order when it is clear which, CHOOSE with several, or NO_ORDERS / NONE_FIT.
    """
    if not orders:
        return Decision.NO_ORDERS, ()
    if latest:
        return Decision.SHOW, (orders[0],)
    fitting = tuple(order for order in orders if _fits(action, order, now, rules))
    if written := tuple(order for order in orders if order.number in named):
        fitting = tuple(order for order in fitting if order in written) or written
    if not fitting:
        return Decision.NONE_FIT, tuple(orders)
    return (Decision.SHOW if len(fitting) == 1 else Decision.CHOOSE), fitting


def _fits(action: ActionKind, order: Order, now: datetime, rules: Rules) -> bool:
    return not action.is_write or _refusal(action, order, now, rules) is None
