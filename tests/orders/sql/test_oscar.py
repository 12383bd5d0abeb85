"""django-oscar's own code agrees with what the mapping that is shipped reads and changes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.model import Money, OrderStatus, Reason, ReturnLine, WriteResult
from bot.orders.testing import scope_of
from tests.orders.sql.conftest import Oscar
from tests.support.oscar_run import run_oscar

# Making the shop runs all of its migrations.
pytestmark = pytest.mark.timeout(600)


async def test_everything_of_an_order_is_read(oscar: Oscar) -> None:
    """Amounts, times, lines with their kind, parcel and payment come back as the shop's own code put them in."""
    adapter = oscar.open()
    order = await adapter.order(scope_of(oscar.numbers["customer"]), oscar.numbers["delivered"])
    await adapter.close()
    assert order is not None
    assert order.status is OrderStatus.DELIVERED
    assert order.total == Money(Decimal("109.75"), "EUR")
    assert [(item.name, item.quantity, item.price, item.category, item.returnable) for item in order.items] == [
        ("Trail shoes", 1, Money(Decimal("79.90"), "EUR"), "Clothing", True),
        ("Wool socks", 3, Money(Decimal("9.95"), "EUR"), "Clothing", True),
    ]
    assert order.shipped_at == order.placed_at + timedelta(hours=40)
    assert order.delivered_at == order.placed_at + timedelta(hours=60)
    assert (order.tracking, order.payment) == ("1Z999AA10123", "Visa 4242")


async def test_cancelled_as_the_shop_does_it(oscar: Oscar) -> None:
    """After a cancellation the shop's own code finds everything as after one of its own, goods in stock included."""
    adapter, numbers = oscar.open(), oscar.numbers
    answer = await adapter.cancel(scope_of(numbers["customer"]), numbers["pending"], key="key-1")
    await adapter.close()
    assert answer.result is WriteResult.DONE
    run_oscar("cancel", oscar.database, numbers["pending_twin"])
    seen = run_oscar("show", oscar.database, numbers["pending"], numbers["pending_twin"])
    assert seen[numbers["pending"]] == seen[numbers["pending_twin"]]
    assert seen[numbers["pending"]]["status"] == "Cancelled"


async def test_the_shop_sees_a_return(oscar: Oscar) -> None:
    """The shop finds the order in its next state, which it can go on from, and a note of what goes back and why."""
    adapter, numbers = oscar.open(), oscar.numbers
    mine = scope_of(numbers["customer"])
    order = await adapter.order(mine, numbers["delivered"])
    assert order is not None
    lines = [ReturnLine(order.items[1].id, 2)]
    answer = await adapter.request_return(mine, numbers["delivered"], key="key-1", reason=Reason.DAMAGED, lines=lines)
    whole = await adapter.request_return(mine, numbers["delivered_twin"], key="key-2")
    await adapter.close()
    assert (answer.result, whole.result) == (WriteResult.DONE, WriteResult.DONE)
    seen = run_oscar("show", oscar.database, numbers["delivered"], numbers["delivered_twin"])
    found = seen[numbers["delivered"]]
    assert (found["status"], found["next"]) == ("Return requested", ["Returned"])
    assert found["changes"][-1] == ["Delivered", "Return requested"]
    assert found["notes"] == [["System", f"RMA-{order.number}: 2 x Wool socks (damaged)"]]
    assert [note for _, note in seen[numbers["delivered_twin"]]["notes"]] == [
        f"RMA-{numbers['delivered_twin']}: 1 x Trail shoes ()",
        f"RMA-{numbers['delivered_twin']}: 3 x Wool socks ()",
    ]


async def test_guests_are_nobody(oscar: Oscar) -> None:
    """The order of a guest belongs to no customer, whatever is given with its number."""
    adapter, number = oscar.open(), oscar.numbers["guests"]
    assert await adapter.customer_of(number) is None
    assert await adapter.identify_by_order(number, email="guest@example.com", phone_last4=None) is None
    await adapter.close()


async def test_a_friends_number_identifies_nobody(oscar: Oscar) -> None:
    """The telephone number to which presents were sent does not open its sender's orders."""
    adapter, number = oscar.open(), oscar.numbers["delivered"]
    assert await adapter.identify_by_order(number, email=None, phone_last4="5678") is None
    await adapter.close()
