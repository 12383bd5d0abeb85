from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from bot.domain.actions import ActionKind
from bot.domain.model import Order, OrderStatus, WriteResult
from bot.errors import OrderSystemDown, OrderSystemGarbled
from bot.orders.demo_people import CHINESE, ENGLISH, SPANISH
from bot.orders.demo_seed import SPECIAL_NUMBER, invent_orders
from bot.orders.desk import CustomerDesk, OrderDesk
from tests.support.demo_orders import DELIVERED, EMILY, FOREIGN, ORDERS, PENDING, TODAY, status
from tests.support.faulty_adapter import FaultyAdapter, garbage
from tests.support.scopes import PROOF, scope_of


async def test_reads(mine: CustomerDesk) -> None:
    """A customer's desk lists their newest orders and finds each of them, however its number is written."""
    assert await mine.list(3) == tuple(ORDERS[:3])
    assert await mine.find(f"# {PENDING.number.lower()}") == PENDING


async def test_writes(shop: FaultyAdapter, mine: CustomerDesk) -> None:
    """An action that changes something is done with its key, and one that does not is a mistake of the caller."""
    cancelled = await mine.write(ActionKind.CANCEL_ORDER, PENDING.number, "key-1")
    returned = await mine.write(ActionKind.RETURN_APPLY, DELIVERED.number, "key-2")
    assert (cancelled.result, cancelled.refund) == (WriteResult.DONE, PENDING.total)
    assert returned.reference is not None
    assert await status(shop, PENDING.number) is OrderStatus.CANCELLED
    assert await status(shop, DELIVERED.number) is OrderStatus.RETURN_REQUESTED
    for action in (ActionKind.QUERY_ORDER, ActionKind.HANDOFF, ActionKind.UNKNOWN):
        with pytest.raises(ValueError, match=action.value):
            await mine.write(action, PENDING.number, "key-3")


async def test_identify(desk: OrderDesk) -> None:
    """A phone, or an order number with a proof, leads to its customer."""
    assert await desk.identify_by_phone("+12025550142") == (ENGLISH, "Emily Carter")
    assert await desk.identify_by_phone("+447700900119") is None
    assert await desk.identify_by_order(SPECIAL_NUMBER, email="XIAOWEN.wang@example.com") == (CHINESE, "")
    assert await desk.identify_by_order(SPECIAL_NUMBER, phone_last4="0102") == (CHINESE, "")
    assert await desk.identify_by_order(SPECIAL_NUMBER, phone_last4="0103") is None


async def test_customer_of(desk: OrderDesk) -> None:
    """The shop's own command learns whose an order is, without any proof."""
    assert await desk.customer_of(f"# {PENDING.number.lower()}") == (ENGLISH, "Emily Carter")
    assert await desk.customer_of("ORD20200101999") is None


async def test_shapes_ping_close(shop: FaultyAdapter, desk: OrderDesk) -> None:
    """The desk passes on the shop's number shapes, its health, and that it is to be closed."""
    assert desk.number_shapes == (r"ORD\d{11}",)
    await desk.ping()
    await desk.close()
    with pytest.raises(OrderSystemDown):
        await desk.ping()


async def test_every_call_carries_the_customer(shop: FaultyAdapter, mine: CustomerDesk) -> None:
    """Every call of a customer's desk gives that customer's scope to the adapter."""
    await mine.list()
    await mine.find(FOREIGN.number)
    await mine.cancel(FOREIGN.number, "key-1")
    await mine.request_return(FOREIGN.number, "key-2")
    await mine.outcome(ActionKind.CANCEL_ORDER, FOREIGN.number, "key-3")
    assert [arguments[0] for _, arguments, _ in shop.calls] == [EMILY] * 5


async def test_foreign_order_is_withheld(
    shop: FaultyAdapter, mine: CustomerDesk, caplog: pytest.LogCaptureFixture
) -> None:
    """An adapter that returns another customer's order is told on in the log, and the customer gets nothing."""
    shop.plan("order", garbage(FOREIGN))
    shop.plan("orders", garbage([FOREIGN, *ORDERS]))
    with caplog.at_level(logging.INFO):
        assert await mine.find(FOREIGN.number) is None
        assert await mine.list(100) == tuple(ORDERS)
    assert [record.message for record in caplog.records] == ["orders.scope_violation"] * 2
    assert FOREIGN.number not in str([record.__dict__ for record in caplog.records])


@pytest.mark.parametrize("scope", [ENGLISH, (ENGLISH, "Emily Carter"), PROOF, None])
def test_no_desk_without_a_scope(desk: OrderDesk, scope: Any) -> None:
    """Nothing but the scope of a customer opens a customer's desk."""
    with pytest.raises(TypeError, match="scope"):
        desk.for_customer(scope)


@pytest.mark.parametrize("number", ["", "  ", "#", "%", "\ud800", "9" * 65])
async def test_what_is_no_number_is_not_asked_for(shop: FaultyAdapter, desk: OrderDesk, number: str) -> None:
    """A text that cannot be an order number never reaches the adapter, which might take it for all numbers."""
    mine = desk.for_customer(EMILY)
    assert await mine.find(number) is None
    assert (await mine.cancel(number, "key-1")).result is WriteResult.REFUSED
    assert (await mine.request_return(number, "key-1")).result is WriteResult.REFUSED
    assert await mine.outcome(ActionKind.CANCEL_ORDER, number, "key-1") is None
    assert await desk.customer_of(number) is None
    assert await desk.identify_by_order(number, email="emily.carter@example.com") is None
    assert shop.calls == []


@pytest.mark.parametrize("proof", [{}, {"email": ""}, {"email": " "}, {"email": None, "phone_last4": None}])
@pytest.mark.parametrize("last4", [{}, {"phone_last4": ""}, {"phone_last4": "12"}, {"phone_last4": "____"}])
async def test_no_proof_is_not_asked_for(
    shop: FaultyAdapter, desk: OrderDesk, proof: dict[str, Any], last4: dict[str, Any]
) -> None:
    """An order number without a proof, or with half a one, identifies nobody, whatever the adapter would say."""
    shop.always("identify_by_order", garbage(ENGLISH))
    assert await desk.identify_by_order(PENDING.number, **{**proof, **last4}) is None
    assert shop.calls == []


async def test_list_is_sorted_and_cut(shop: FaultyAdapter, mine: CustomerDesk) -> None:
    """'My last order' is the newest one, even if an adapter lists the oldest first or ignores the limit."""
    shop.always("orders", garbage(ORDERS[::-1]))
    assert await mine.list(2) == tuple(ORDERS[:2])


async def test_wrong_order_of_the_same_customer(shop: FaultyAdapter, mine: CustomerDesk) -> None:
    """An adapter that answers with another number than the one asked for makes no sense."""
    shop.plan("order", garbage(DELIVERED))
    with pytest.raises(OrderSystemGarbled, match=r"order\.number"):
        await mine.find(PENDING.number)


async def test_customers_side_by_side(desk: OrderDesk) -> None:
    """Three customers who look at the same numbers at the same moment each see their own orders only."""
    numbers = [order.number for order in invent_orders(TODAY)]
    desks = [desk.for_customer(scope_of(customer)) for customer in (ENGLISH, CHINESE, SPANISH)]
    found = await asyncio.gather(*(each.find(number) for each in desks for number in numbers))
    for index, each in enumerate(desks):
        seen: list[Order] = [order for order in found[index * len(numbers) :][: len(numbers)] if order is not None]
        assert {order.customer_id for order in seen} == {each.scope.customer_id}
        assert len(seen) == len(await each.list(100))
