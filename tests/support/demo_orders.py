"""The demo shop's orders as the tests of the desk know them."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.domain.model import Order, OrderStatus
from bot.orders.demo_people import CHINESE, ENGLISH
from bot.orders.demo_seed import invent_orders
from tests.support.faulty_adapter import FaultyAdapter
from tests.support.scopes import scope_of

TODAY = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)


def orders_of(customer_id: str, today: datetime = TODAY) -> list[Order]:
    """Return a customer's orders as they were invented, newest first."""
    return [order for order in reversed(invent_orders(today)) if order.customer_id == customer_id]


EMILY = scope_of(ENGLISH, "Emily Carter")
ORDERS = orders_of(ENGLISH)
PENDING = ORDERS[0]
DELIVERED = next(order for order in ORDERS if order.status is OrderStatus.DELIVERED)
GOING_BACK = next(item for item in DELIVERED.items if item.returnable)
FOREIGN = orders_of(CHINESE)[0]


async def status(shop: FaultyAdapter, number: str) -> OrderStatus:
    """Return what the shop itself, asked past all faults, says of an order."""
    order = await shop.inner.order(EMILY, number)
    assert order is not None
    return order.status
