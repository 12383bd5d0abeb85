"""Reads WooCommerce's orders (REST v3) as orders of ours, with the marks that Deskhand's own writes leave on them.

A write leaves one entry in the order's meta data, named after the action and the key: `deskhand_cancel_order_<mark>`.
WordPress numbers these entries as they come, so of two that claim one order the lower number was first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from bot.domain.actions import ActionKind
from bot.domain.model import Money, Order, OrderItem, OrderStatus, WriteAnswer, WriteResult
from bot.errors import OrderSystemGarbled
from bot.orders.web_keys import mark_of
from bot.orders.web_reading import Fields, each

HIDDEN = "hidden"
"""A state whose orders nobody is shown: deleted ones, and carts that were never sent off."""

STATES: Mapping[str, str] = {
    "pending": OrderStatus.PENDING,
    "on-hold": OrderStatus.PENDING,
    # Paid and waiting to be sent: a shop that packs at once says "processed" instead.
    "processing": OrderStatus.PENDING,
    "partial-shipped": OrderStatus.SHIPPED,
    "shipped": OrderStatus.SHIPPED,
    "completed": OrderStatus.DELIVERED,
    "delivered": OrderStatus.DELIVERED,
    "cancelled": OrderStatus.CANCELLED,
    "failed": OrderStatus.CANCELLED,
    "refunded": OrderStatus.RETURNED,
    "trash": HIDDEN,
    "auto-draft": HIDDEN,
    "checkout-draft": HIDDEN,
}

_MARKED = {action: f"deskhand_{action.value}_" for action in (ActionKind.CANCEL_ORDER, ActionKind.RETURN_APPLY)}
# The official shipment tracking extension and the usual plugins keep parcels under this name.
_PARCELS = "_wc_shipment_tracking_items"


@dataclass(frozen=True, slots=True)
class Mark:
    """What one write left: whose key it was, and the answer that the key gets."""

    id: int
    mark: str
    answer: WriteAnswer


@dataclass(frozen=True, slots=True)
class WooOrder:
    """An order as the shop tells it, or None as `order` where nobody is to see it.

    `owed` is what was paid and not yet paid back; `marks` are Deskhand's own writes, the first one first.
    """

    id: int
    customer: int
    state: str
    order: Order | None
    owed: Money | None
    marks: Mapping[ActionKind, tuple[Mark, ...]]

    def mark(self, action: ActionKind, key: str) -> Mark | None:
        """Return what the write of this key left."""
        return next((mark for mark in self.marks[action] if mark.mark == mark_of(key)), None)


def read_order(data: Fields, states: Mapping[str, str]) -> WooOrder:
    """Read one order; `states` says what each state of the shop means to us.

    Raises:
        OrderSystemGarbled: naming the field that is missing or wrong, or the state that is not mapped.
    """
    state = data.text("status").removeprefix("wc-")
    if state not in states:
        raise OrderSystemGarbled(f"the shop's order state {state!r} is not mapped: add it to orders.woocommerce.states")
    marks = {action: _marks(data, action) for action in _MARKED}
    meant = states[state]
    if state == "refunded" and marks[ActionKind.CANCEL_ORDER]:
        # Paying a cancelled order back in full makes WooCommerce call it refunded.
        meant = OrderStatus.CANCELLED
    order = None if meant == HIDDEN else _order(data, OrderStatus(meant))
    return WooOrder(data.whole("id"), data.whole("customer_id"), state, order, _owed(data), marks)


def meta_entry(action: ActionKind, key: str, answer: WriteAnswer) -> dict[str, str]:
    """Return the entry that marks an order as written with this key."""
    value = {
        "reference": answer.reference,
        "refund": answer.refund and str(answer.refund.amount),
        "currency": answer.refund and answer.refund.currency,
        "detail": answer.detail,
    }
    return {"key": _MARKED[action] + mark_of(key), "value": json.dumps(value)}


def _order(data: Fields, status: OrderStatus) -> Order:
    currency = data.text("currency")
    completed = data.time_or_none("date_completed_gmt")
    parcel = _parcel(data)
    return Order(
        number=data.text("number"),
        customer_id=str(data.whole("customer_id")),
        status=status,
        placed_at=data.time("date_created_gmt"),
        total=Money(data.amount("total"), currency),
        # A line of which nothing is left is none to the customer.
        items=tuple(_item(line, currency) for line in data.each("line_items") if line.whole("quantity") != 0),
        shipped_at=_sent_at(parcel) or completed,
        delivered_at=None if status is OrderStatus.SHIPPED else completed,
        carrier=_told(parcel, "tracking_provider") or _told(parcel, "custom_tracking_provider"),
        tracking=_told(parcel, "tracking_number"),
        payment=data.text_or_none("payment_method_title"),
    )


def _item(line: Fields, currency: str) -> OrderItem:
    quantity = line.whole("quantity")
    total = line.amount("total") + line.amount("total_tax")
    return OrderItem(
        name=line.text("name"),
        quantity=quantity,
        # A third of ten is shown with as many places as the shop's own amounts have.
        price=Money((total / quantity).quantize(Decimal(1).scaleb(int(total.as_tuple().exponent))), currency),
        id=line.text("id"),
    )


def _owed(data: Fields) -> Money | None:
    if data.time_or_none("date_paid_gmt") is None:
        return None
    # Refunds are told as negative amounts.
    owed = data.amount("total") + sum(refund.amount("total") for refund in data.each("refunds"))
    return Money(owed, data.text("currency")) if owed > 0 else None


def _marks(data: Fields, action: ActionKind) -> tuple[Mark, ...]:
    name = _MARKED[action]
    found = [entry for entry in data.each("meta_data") if str(entry.raw("key")).startswith(name)]
    marks = [
        Mark(entry.whole("id"), entry.text("key").removeprefix(name), _answer(entry.text("value"))) for entry in found
    ]
    return tuple(sorted(marks, key=lambda mark: mark.id))


def _answer(value: str) -> WriteAnswer:
    try:
        data = Fields(json.loads(value), "meta_data")
    except ValueError as error:
        raise OrderSystemGarbled("a mark of Deskhand's in the order's meta data was changed by somebody") from error
    amount = data.text_or_none("refund")
    refund = None if amount is None else Money(data.amount("refund"), data.text("currency"))
    return WriteAnswer(WriteResult.DONE, data.text_or_none("reference"), refund, data.text_or_none("detail") or "")


def _parcel(data: Fields) -> Fields | None:
    """Return the last parcel of an order."""
    for entry in data.each("meta_data"):
        if entry.raw("key") == _PARCELS and entry.raw("value"):
            return each(entry.raw("value"), _PARCELS)[-1]
    return None


def _told(parcel: Fields | None, name: str) -> str | None:
    return None if parcel is None else parcel.text_or_none(name)


def _sent_at(parcel: Fields | None) -> datetime | None:
    """Return when a parcel was sent; it is kept in seconds since 1970, as a number or as text."""
    seconds = _told(parcel, "date_shipped")
    return datetime.fromtimestamp(int(seconds), UTC) if seconds and seconds.isdecimal() else None
