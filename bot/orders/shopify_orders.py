"""Reads Shopify's orders as orders of ours, and the note that a cancellation by Deskhand leaves on them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from bot.domain.model import Money, Order, OrderItem, OrderStatus, WriteAnswer, WriteResult
from bot.errors import OrderSystemGarbled
from bot.orders.web_keys import mark_of
from bot.orders.web_reading import Fields

_FULFILMENT = {
    "UNFULFILLED": OrderStatus.PENDING,
    "OPEN": OrderStatus.PENDING,
    "ON_HOLD": OrderStatus.PENDING,
    "SCHEDULED": OrderStatus.PENDING,
    "REQUEST_DECLINED": OrderStatus.PENDING,
    "RESTOCKED": OrderStatus.PENDING,
    "PENDING_FULFILLMENT": OrderStatus.PROCESSED,
    "IN_PROGRESS": OrderStatus.PROCESSED,
    "PARTIALLY_FULFILLED": OrderStatus.SHIPPED,
    "FULFILLED": OrderStatus.SHIPPED,
}
"""Shopify's state of fulfilment -> ours, before it is looked at whether the parcels have come."""

_RETURNS = {
    "RETURN_REQUESTED": OrderStatus.RETURN_REQUESTED,
    "IN_PROGRESS": OrderStatus.RETURN_REQUESTED,
    "INSPECTION_COMPLETE": OrderStatus.RETURNED,
    "RETURNED": OrderStatus.RETURNED,
    "RETURN_FAILED": None,
    "NO_RETURN": None,
}
_ARRIVED = {"DELIVERED", "PICKED_UP"}
_NOTHING_CAME_OF_IT = {"CANCELED", "FAILURE", "LABEL_VOIDED"}
_NOTE = re.compile(r"Deskhand (?P<mark>[0-9a-f]{32}), to pay back: (?:none|(?P<amount>[0-9.]+) (?P<currency>[A-Z]{3}))")


@dataclass(frozen=True, slots=True)
class ShopifyOrder:
    """An order as the shop tells it.

    `gid` is Shopify's own name of it, `owed` what was paid and not yet paid back, `note` the staff's note on its
    cancellation, and `next_lines` the place where the rest of its lines begins, if there is any.
    """

    gid: str
    order: Order
    owed: Money | None
    note: str
    next_lines: str | None


def read_order(data: Fields) -> ShopifyOrder:
    """Read one order with its first lines.

    Raises:
        OrderSystemGarbled: naming the field that is missing or wrong, or a state that is not known.
    """
    status = _status(data)
    parcels = _parcels(data)
    tracking = next((info for parcel in reversed(parcels) for info in parcel.each("trackingInfo")), None)
    arrived = [
        parcel.time_or_none("deliveredAt") or parcel.time("createdAt") for parcel in parcels if _has_come(parcel)
    ]
    expected = [time for parcel in parcels if (time := parcel.time_or_none("estimatedDeliveryAt")) is not None]
    lines = data.part("lineItems")
    order = Order(
        number=data.text("name"),
        customer_id=id_of(data.part("customer").text("id")),
        status=status,
        placed_at=data.time("createdAt"),
        total=_money(data, "totalPriceSet"),
        items=read_lines(lines),
        shipped_at=min((parcel.time("createdAt") for parcel in parcels), default=None),
        # Only the last parcel completes an order.
        delivered_at=max(arrived) if arrived and len(arrived) == len(parcels) else None,
        expected_at=max(expected, default=None),
        carrier=None if tracking is None else tracking.text_or_none("company"),
        tracking=None if tracking is None else tracking.text_or_none("number"),
        payment=", ".join(data.texts("paymentGatewayNames")) or None,
    )
    owed = _money(data, "netPaymentSet")
    cancellation = data.part_or_none("cancellation")
    return ShopifyOrder(
        gid=data.text("id"),
        order=order,
        owed=owed if owed.amount > 0 else None,
        note="" if cancellation is None else cancellation.text_or_none("staffNote") or "",
        next_lines=next_page(lines),
    )


def read_lines(page: Fields) -> tuple[OrderItem, ...]:
    """Read one page of an order's lines."""
    return tuple(
        OrderItem(
            name=line.text("name"),
            quantity=line.whole("quantity"),
            price=_money(line, "discountedUnitPriceSet"),
            id=id_of(line.text("id")),
            category=_category(line),
        )
        for line in page.each("nodes")
        # A line that was edited away stays, with no pieces.
        if line.whole("quantity") != 0
    )


def next_page(page: Fields) -> str | None:
    """Return where the next page begins, None after the last one."""
    info = page.part("pageInfo")
    return info.text("endCursor") if info.flag("hasNextPage") else None


def id_of(gid: str) -> str:
    """Return the number at the end of a global id such as "gid://shopify/Order/7"."""
    tail = gid.rpartition("/")[2]
    if not tail.isdecimal():
        raise OrderSystemGarbled("the order system's answer makes no sense: an id is not one of Shopify's")
    return tail


def note_for(key: str, owed: Money | None) -> str:
    """Return the staff's note of a cancellation: whose key it was, and what its answer said."""
    return f"Deskhand {mark_of(key)}, to pay back: {f'{owed.amount} {owed.currency}' if owed else 'none'}"


def answer_in(note: str, key: str) -> WriteAnswer | None:
    """Return the answer that a note holds for this key; None where the note is another's, or a person's."""
    found = _NOTE.search(note)
    if found is None or found["mark"] != mark_of(key):
        return None
    refund = Money(Decimal(found["amount"]), found["currency"]) if found["amount"] else None
    return WriteAnswer(WriteResult.DONE, refund=refund, detail="cancelled")


def _status(data: Fields) -> OrderStatus:
    if data.text_or_none("cancelledAt") is not None:
        return OrderStatus.CANCELLED
    returning = data.text("returnStatus")
    if returning not in _RETURNS:
        raise OrderSystemGarbled(f"Shopify's state of a return {returning!r} is not known here")
    if (back := _RETURNS[returning]) is not None:
        return back
    if data.text_or_none("displayFinancialStatus") == "REFUNDED":
        return OrderStatus.RETURNED
    fulfilment = data.text("displayFulfillmentStatus")
    if fulfilment not in _FULFILMENT:
        raise OrderSystemGarbled(f"Shopify's state of fulfilment {fulfilment!r} is not known here")
    parcels = _parcels(data)
    if fulfilment == "FULFILLED" and parcels and all(_has_come(parcel) for parcel in parcels):
        return OrderStatus.DELIVERED
    return _FULFILMENT[fulfilment]


def _parcels(data: Fields) -> list[Fields]:
    return [parcel for parcel in data.each("fulfillments") if parcel.raw("displayStatus") not in _NOTHING_CAME_OF_IT]


def _has_come(parcel: Fields) -> bool:
    return parcel.raw("displayStatus") in _ARRIVED or parcel.text_or_none("deliveredAt") is not None


def _money(data: Fields, name: str) -> Money:
    # What the customer saw and paid, not what the shop keeps its books in.
    return data.part(name).money("presentmentMoney", "amount", "currencyCode")


def _category(line: Fields) -> str:
    product = line.part_or_none("product")
    return "" if product is None else product.text_or_none("productType") or ""
