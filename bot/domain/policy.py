"""Facts in, decision out: may this be done? No clock, no I/O, no model.

The default rules are those of careful shops: identify first; change nothing without an explicit yes; cancel only what
has not been packed; take back only what was delivered, within the window.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bot.domain.actions import ActionKind
from bot.domain.model import Money, Order, OrderStatus, ReturnLine, Scope
from bot.domain.returns import Backward, ReturnRules, amount_of, going_back


class Decision(StrEnum):
    """What may happen next."""

    VERIFY = "verify"  # first find out who this is
    SHOW = "show"  # tell what the order system knows
    CONFIRM = "confirm"  # ask for an explicit yes
    APPROVE = "approve"  # it was confirmed, and a person of the shop has to agree
    ACT = "act"  # it was confirmed, and approved where that is needed: do it
    CHOOSE = "choose"  # several orders fit: ask which
    NOT_FOUND = "not_found"  # no such order, or not this customer's: the two look the same
    NO_ORDERS = "no_orders"  # the customer has none at all
    NONE_FIT = "none_fit"  # the customer has orders, but none in a state for this
    ALREADY = "already"  # it is done already
    TOO_LATE_TO_CANCEL = "too_late_to_cancel"
    NOT_DELIVERED_YET = "not_delivered_yet"
    WINDOW_CLOSED = "window_closed"
    NOT_RETURNABLE = "not_returnable"  # such goods are not taken back
    IS_CANCELLED = "is_cancelled"


@dataclass(frozen=True, slots=True)
class Approval:
    """When a person of the shop has to agree to what a customer has confirmed: always, never, or above an amount."""

    always: bool = False
    above: Money | None = None

    @classmethod
    def read(cls, text: str) -> Approval:
        """Read it as the settings write it: "always", "never", or "above 100 EUR"; ValueError for anything else."""
        if text in ("always", "never"):
            return cls(always=text == "always")
        parts = text.split(" ")
        if len(parts) != 3 or parts[0] != "above":
            raise ValueError(f"{text!r} is no rule for approvals")
        return cls(above=Money(Decimal(parts[1]), parts[2]))

    def needed(self, amount: Money) -> bool:
        """Whether it is; an amount in another currency cannot be compared, so a person looks at it."""
        if self.above is None:
            return self.always
        return amount.currency != self.above.currency or amount.amount > self.above.amount


@dataclass(frozen=True, slots=True)
class Rules:
    """The shop's rules."""

    returns: ReturnRules = field(default_factory=ReturnRules)
    cancellable: frozenset[OrderStatus] = frozenset({OrderStatus.PENDING})
    approvals: Mapping[ActionKind, Approval] = field(default_factory=dict)


_DONE_ALREADY = {
    ActionKind.CANCEL_ORDER: frozenset({OrderStatus.CANCELLED}),
    ActionKind.RETURN_APPLY: frozenset({OrderStatus.RETURN_REQUESTED, OrderStatus.RETURNED}),
}
_BACKWARD = {
    Backward.WINDOW_CLOSED: Decision.WINDOW_CLOSED,
    Backward.NOT_TAKEN: Decision.NOT_RETURNABLE,
}


def decide(
    action: ActionKind,
    scope: Scope | None,
    order: Order | None,
    *,
    confirmed: bool,
    now: datetime,
    rules: Rules,
    lines: Sequence[ReturnLine] = (),
    approved: bool = False,
) -> Decision:
    """Decide about one order.

    Args:
        order: what the desk returned for this scope; None when there is none of that number.
        confirmed: the customer pressed yes to exactly this action on exactly this order, and these lines.
        now: aware, UTC.
        lines: what goes back. Without any it is all of the order; as long as nothing is confirmed, as much of it as may
            go back (`lines_to_return` names it).
        approved: a person of the shop has agreed.
    """
    if scope is None:
        return Decision.VERIFY
    if order is None or order.customer_id != scope.customer_id:
        return Decision.NOT_FOUND
    if action is ActionKind.QUERY_ORDER:
        return Decision.SHOW
    if not confirmed and not lines:
        lines = lines_to_return(action, order, now, rules)
    if refusal := _refusal(action, order, lines, now, rules):
        return refusal
    if not confirmed:
        return Decision.CONFIRM
    needed = rules.approvals.get(action, Approval()).needed(amount_of(order, lines))
    return Decision.APPROVE if needed and not approved else Decision.ACT


def lines_to_return(action: ActionKind, order: Order, now: datetime, rules: Rules) -> tuple[ReturnLine, ...]:
    """Return the lines that may go back, where that is only a part of the order; none for all of it, or nothing."""
    return going_back(order, now, rules.returns) if action is ActionKind.RETURN_APPLY else ()


def _refusal(
    action: ActionKind, order: Order, lines: Sequence[ReturnLine], now: datetime, rules: Rules
) -> Decision | None:
    if order.status in _DONE_ALREADY[action]:
        return Decision.ALREADY
    if action is ActionKind.CANCEL_ORDER:
        return None if order.status in rules.cancellable else Decision.TOO_LATE_TO_CANCEL
    if order.status is OrderStatus.CANCELLED:
        return Decision.IS_CANCELLED
    if order.status is not OrderStatus.DELIVERED:
        return Decision.NOT_DELIVERED_YET
    kept = rules.returns.why_not(order, lines, now)
    return _BACKWARD[kept] if kept else None


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
    lines = lines_to_return(action, order, now, rules)
    return not action.is_write or _refusal(action, order, lines, now, rules) is None
