"""The demo shop's two changes, each done once per idempotency key.

The change, the key and the answer are one transaction. After a kill at any moment either all three are there, and
the same key gets the same answer, or none is, and the same key starts anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.domain.actions import ActionKind
from bot.domain.model import Money, Order, OrderStatus, Reason, ReturnLine, WriteAnswer, WriteResult
from bot.errors import OrderSystemGarbled
from bot.orders.demo_database import order_of
from bot.orders.demo_file import transaction
from bot.orders.lines import wrong_line

NO_SUCH_ORDER = WriteAnswer(WriteResult.REFUSED, detail="no such order")

_FROM_TO = {
    ActionKind.CANCEL_ORDER: (OrderStatus.PENDING, OrderStatus.CANCELLED),
    ActionKind.RETURN_APPLY: (OrderStatus.DELIVERED, OrderStatus.RETURN_REQUESTED),
}


@dataclass(frozen=True, slots=True)
class Request:
    """One write that is asked for; `number` is plain, and without `lines` a return is of all of the order."""

    action: ActionKind
    customer_id: str
    number: str
    key: str
    reason: Reason | None = None
    lines: Sequence[ReturnLine] = ()


def write_once(db: sqlite3.Connection, request: Request) -> WriteAnswer:
    """Cancel or take back an order, or repeat the answer that this key got before.

    Raises:
        OrderSystemGarbled: when the key was used for another action or order, or another customer's.
    """
    with transaction(db):
        order = order_of(db, request.customer_id, request.number)
        known = _known(db, request, order)
        if known is not None:
            return known
        if order is None:
            return NO_SUCH_ORDER
        return _write(db, request, order)


def written(db: sqlite3.Connection, request: Request) -> WriteAnswer | None:
    """Return the answer that this key got; None when it was never used.

    Raises:
        OrderSystemGarbled: when the key was used for another action or order, or another customer's.
    """
    return _known(db, request, order_of(db, request.customer_id, request.number))


def _known(db: sqlite3.Connection, request: Request, order: Order | None) -> WriteAnswer | None:
    row = db.execute(
        "SELECT action, order_number, result, reference, refund, currency, detail FROM writes WHERE key = ?",
        (request.key,),
    ).fetchone()
    if row is None:
        return None
    action, number, *answer = row
    # The order is looked up by customer, so the right number alone does not make it the same request.
    if order is None or (action, number) != (request.action.value, request.number):
        raise OrderSystemGarbled("this idempotency key was used for another request; nothing was done now")
    return _recorded(*answer)


def _write(db: sqlite3.Connection, request: Request, order: Order) -> WriteAnswer:
    answer = _answer(request, order)
    if answer.result is WriteResult.DONE:
        _, after = _FROM_TO[request.action]
        db.execute("UPDATE orders SET status = ? WHERE number = ?", (after.value, order.number))
    refund = answer.refund
    db.execute(
        "INSERT INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            request.key,
            request.action.value,
            order.number,
            answer.result.value,
            answer.reference,
            refund and str(refund.amount),
            refund and refund.currency,
            answer.detail,
            request.reason and request.reason.value,
        ),
    )
    if answer.result is WriteResult.DONE:
        lines = [(request.key, line.item_id, line.quantity) for line in request.lines]
        db.executemany("INSERT INTO returned_lines VALUES (?, ?, ?)", lines)
    return answer


def _answer(request: Request, order: Order) -> WriteAnswer:
    before, _ = _FROM_TO[request.action]
    if order.status is not before:
        return WriteAnswer(WriteResult.REFUSED, detail=f"the order is {order.status.value}, not {before.value}")
    if wrong := wrong_line(order, request.lines):
        return WriteAnswer(WriteResult.REFUSED, detail=wrong)
    # An order is cancelled or taken back at most once, so its own digits make the reference unique.
    digits = order.number.removeprefix("ORD")
    if request.action is ActionKind.CANCEL_ORDER:
        return WriteAnswer(WriteResult.DONE, reference=f"REF-{digits}", refund=order.total, detail="cancelled")
    return WriteAnswer(WriteResult.DONE, reference=f"RMA-{digits}", detail="return opened")


def _recorded(result: str, reference: str | None, refund: str | None, currency: str | None, detail: str) -> WriteAnswer:
    money = None if refund is None or currency is None else Money(Decimal(refund), currency)
    return WriteAnswer(WriteResult(result), reference=reference, refund=money, detail=detail)
