"""A customer's orders out of the index, as the desk understands them. Every query names the customer."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from bot.domain.model import Money, Order, OrderItem, OrderStatus
from bot.errors import OrderSystemGarbled
from bot.orders.csv_index import Index, tail_of
from bot.orders.csv_options import CsvOptions
from bot.orders.csv_order import Entry
from bot.orders.phones import to_e164


class Reading:
    """Asks the index. Used by one thread."""

    def __init__(self, options: CsvOptions, index: Index, now: Callable[[], datetime]) -> None:
        self._options = options
        self._index = index
        self._now = now

    def order(self, customer: str, number: str, returning: Collection[str]) -> Order | None:
        """Return a customer's order of this plain number, as the export has it.

        Args:
            returning: the plain numbers of orders whose return was asked for, of which the export may not know yet.

        Raises:
            OrderSystemGarbled: when the export's line cannot be read.
        """
        entry = self._index.order_of(customer, number)
        return None if entry is None else self._order(entry, returning)

    def orders(self, customer: str, limit: int, returning: Collection[str]) -> list[Order]:
        """Return a customer's newest orders, newest first; see `order`."""
        return [self._order(entry, returning) for entry in self._index.orders_of(customer, limit)]

    def by_phone(self, phone: str) -> tuple[str, str] | None:
        """Return (customer id, name) of the only customer with this E.164 number."""
        found: dict[str, str] = {}
        for customer, name, written in self._index.with_tail(tail_of(phone) or "-"):
            if customer not in found and to_e164(written, self._options.phone_region) == phone:
                found[customer] = name
        return found.popitem() if len(found) == 1 else None

    def by_order(self, number: str, email: str | None, last4: str | None) -> str | None:
        """Return whose order this is, if every proof that is given is right, and at least one is given."""
        entry = self._index.holder_of(number)
        if entry is None or (email is None and last4 is None):
            return None
        if email is not None and (not entry.email or email.strip().casefold() != entry.email):
            return None
        if last4 is not None and (len(last4) != 4 or last4 != tail_of(entry.phone)[-4:]):
            return None
        return entry.customer

    def holder(self, number: str) -> tuple[str, str] | None:
        """Return (customer id, name) of an order, without any proof."""
        entry = self._index.holder_of(number)
        return None if entry is None else (entry.customer, entry.name)

    def contact(self, customer: str, number: str) -> Entry | None:
        """Return the customer's order as the export tells it, for a line that a person reads."""
        return self._index.order_of(customer, number)

    def _order(self, entry: Entry, returning: Collection[str]) -> Order:
        if entry.problem:
            raise OrderSystemGarbled(f"an order of the export cannot be told: {entry.problem}")
        items = entry.items if entry.items != "[]" else self._index.items_of(entry.number)
        order = Order(
            entry.shown,
            entry.customer,
            OrderStatus(entry.status),
            datetime.fromisoformat(entry.placed),
            Money(Decimal(entry.total), entry.currency),
            _items(json.loads(items), entry.currency),
            shipped_at=_time(entry.shipped),
            delivered_at=_time(entry.delivered),
            expected_at=_time(entry.expected),
            carrier=entry.carrier,
            tracking=entry.tracking,
            payment=entry.payment,
        )
        order = self._arrived(order)
        if order.status is OrderStatus.DELIVERED and entry.number in returning:
            return replace(order, status=OrderStatus.RETURN_REQUESTED)
        return order

    def _arrived(self, order: Order) -> Order:
        """Take what was sent off for delivered after the days that the shop names: few exports tell of an arrival."""
        days = self._options.delivered_after_days
        if not days or order.status is not OrderStatus.SHIPPED or order.shipped_at is None:
            return order
        arrived = order.shipped_at + timedelta(days=days)
        return replace(order, status=OrderStatus.DELIVERED, delivered_at=arrived) if arrived <= self._now() else order


def _items(rows: Sequence[Sequence[str | int]], currency: str) -> tuple[OrderItem, ...]:
    return tuple(
        OrderItem(
            str(name), int(quantity), Money(Decimal(str(price)), currency), id=str(item_id), category=str(category)
        )
        for item_id, name, quantity, price, category in rows
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
