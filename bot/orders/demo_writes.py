"""The demo shop's two changes, each done once per idempotency key.

The change, the key and the answer are one transaction. After a kill at any moment either all three are there, and
the same key gets the same answer, or none is, and the same key starts anew.
"""

from __future__ import annotations

import sqlite3
from decimal import Decimal

from bot.domain.actions import ActionKind
from bot.domain.model import Money, Order, OrderStatus, WriteAnswer, WriteResult
from bot.errors import OrderSystemGarbled
from bot.orders.demo_database import order_of, transaction

NO_SUCH_ORDER = WriteAnswer(WriteResult.REFUSED, detail="no such order")

_FROM_TO = {
    ActionKind.CANCEL_ORDER: (OrderStatus.PENDING, OrderStatus.CANCELLED),
    ActionKind.RETURN_APPLY: (OrderStatus.DELIVERED, OrderStatus.RETURN_REQUESTED),
}


def write_once(db: sqlite3.Connection, action: ActionKind, customer_id: str, number: str, key: str) -> WriteAnswer:
    """Cancel or take back an order, or repeat the answer that this key got before.

    Raises:
        OrderSystemGarbled: when the key was used for another action or order, or another customer's.
    """
    with transaction(db):
        order = order_of(db, customer_id, number)
        known = db.execute("SELECT * FROM writes WHERE key = ?", (key,)).fetchone()
        if known is not None:
            # The order is looked up by customer, so the right number alone does not make it the same request.
            if order is None or known[1:3] != (action.value, number):
                raise OrderSystemGarbled("this idempotency key was used for another request; nothing was done now")
            return _recorded(known)
        if order is None:
            return NO_SUCH_ORDER
        return _write(db, action, order, key)


def _write(db: sqlite3.Connection, action: ActionKind, order: Order, key: str) -> WriteAnswer:
    before, after = _FROM_TO[action]
    answer = _answer(action, order)
    if order.status is before:
        db.execute("UPDATE orders SET status = ? WHERE number = ?", (after.value, order.number))
    else:
        answer = WriteAnswer(WriteResult.REFUSED, detail=f"the order is {order.status.value}, not {before.value}")
    refund = answer.refund
    db.execute(
        "INSERT INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            key,
            action.value,
            order.number,
            answer.result.value,
            answer.reference,
            refund and str(refund.amount),
            refund and refund.currency,
            answer.detail,
        ),
    )
    return answer


def _answer(action: ActionKind, order: Order) -> WriteAnswer:
    # An order is cancelled or taken back at most once, so its own digits make the reference unique.
    digits = order.number.removeprefix("ORD")
    if action is ActionKind.CANCEL_ORDER:
        return WriteAnswer(WriteResult.DONE, reference=f"REF-{digits}", refund=order.total, detail="cancelled")
    return WriteAnswer(WriteResult.DONE, reference=f"RMA-{digits}", detail="return opened")


def _recorded(row: tuple[str, ...]) -> WriteAnswer:
    _, _, _, result, reference, refund, currency, detail = row
    money = None if refund is None else Money(Decimal(refund), currency)
    return WriteAnswer(WriteResult(result), reference=reference, refund=money, detail=detail)
