from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bot.domain.actions import ActionKind
from bot.errors import OrderSystemDown, OrderSystemGarbled, OrderSystemTimeout
from bot.orders.desk import OrderDesk
from tests.support.demo_orders import EMILY, PENDING
from tests.support.faulty_adapter import FaultyAdapter, down, garbage, hang, raising, slow

READS: list[tuple[str, Callable[[OrderDesk], Any]]] = [
    ("orders", lambda desk: desk.for_customer(EMILY).list()),
    ("order", lambda desk: desk.for_customer(EMILY).find(PENDING.number)),
    ("identify_by_phone", lambda desk: desk.identify_by_phone("+12025550142")),
    ("identify_by_order", lambda desk: desk.identify_by_order(PENDING.number, phone_last4="0142")),
    ("customer_of", lambda desk: desk.customer_of(PENDING.number)),
]


@pytest.mark.parametrize(("method", "read"), READS)
async def test_reads_are_repeated(
    shop: FaultyAdapter, desk: OrderDesk, pauses: list[float], method: str, read: Callable[[OrderDesk], Any]
) -> None:
    """A read is tried twice more, after pauses that grow, when the system is down or slow; then it answers."""
    shop.plan(method, down(), raising(OrderSystemTimeout()))
    assert await read(desk)
    assert shop.tries(method) == 3
    assert len(pauses) == 2
    assert 0 < pauses[0] < pauses[1]


@pytest.mark.parametrize(("method", "read"), READS)
async def test_reads_give_up(
    shop: FaultyAdapter, desk: OrderDesk, method: str, read: Callable[[OrderDesk], Any]
) -> None:
    """A read that keeps failing ends with the last failure."""
    shop.always(method, down())
    with pytest.raises(OrderSystemDown):
        await read(desk)
    assert shop.tries(method) == 3


@pytest.mark.parametrize(("method", "read"), READS)
async def test_reads_that_hang(
    shop: FaultyAdapter, hasty: OrderDesk, method: str, read: Callable[[OrderDesk], Any]
) -> None:
    """A read that never answers ends at its time limit."""
    shop.always(method, hang())
    with pytest.raises(OrderSystemTimeout):
        await read(hasty)


@pytest.mark.parametrize(("method", "read"), READS)
async def test_foreign_exceptions(
    shop: FaultyAdapter, desk: OrderDesk, method: str, read: Callable[[OrderDesk], Any]
) -> None:
    """Whatever an adapter raises becomes an order system error that keeps its cause, and is not tried again."""
    shop.plan(method, raising(KeyError("customer@example.com")))
    with pytest.raises(OrderSystemGarbled) as caught:
        await read(desk)
    assert isinstance(caught.value.__cause__, KeyError)
    assert "example.com" not in str(caught.value)
    assert shop.tries(method) == 1


async def test_adapters_own_timeout(shop: FaultyAdapter, desk: OrderDesk) -> None:
    """A library's own time-out inside an adapter is a time-out, and is repeated like one."""
    shop.plan("orders", raising(TimeoutError()))
    assert await desk.for_customer(EMILY).list(1) == (PENDING,)


async def test_slow_answer_in_time(shop: FaultyAdapter, desk: OrderDesk) -> None:
    """An answer that is late, but within the limit, is used, and nothing is tried twice."""
    entered, go = asyncio.Event(), asyncio.Event()
    shop.plan("orders", slow(go, entered))
    listing = asyncio.create_task(desk.for_customer(EMILY).list(1))
    await entered.wait()
    go.set()
    assert await listing == (PENDING,)
    assert shop.tries("orders") == 1


async def test_giving_up_is_not_an_error_of_the_order_system(shop: FaultyAdapter, desk: OrderDesk) -> None:
    """A turn that is cancelled during a call, as at shutdown, stays cancelled."""
    entered = asyncio.Event()
    shop.plan("orders", hang(entered))
    listing = asyncio.create_task(desk.for_customer(EMILY).list())
    await entered.wait()
    listing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listing
    assert shop.tries("orders") == 1


async def test_ping_and_close_fail_at_once(shop: FaultyAdapter, desk: OrderDesk) -> None:
    """Health is about this moment: a ping is not repeated, and what a close raises is mapped, too."""
    shop.plan("ping", down())
    shop.plan("close", raising(RuntimeError()))
    with pytest.raises(OrderSystemDown):
        await desk.ping()
    with pytest.raises(OrderSystemGarbled):
        await desk.close()
    assert (shop.tries("ping"), shop.tries("close")) == (1, 1)


async def test_examination(shop: FaultyAdapter, desk: OrderDesk) -> None:
    """What the adapter finds wrong is passed on; an examination that fails is not repeated."""
    assert await desk.examine() == []
    shop.plan("examine", garbage(["no column total"]), down(), garbage("fine"), garbage([5]))
    assert await desk.examine() == ["no column total"]
    with pytest.raises(OrderSystemDown):
        await desk.examine()
    for _ in range(2):
        with pytest.raises(OrderSystemGarbled, match="examination"):
            await desk.examine()
    assert shop.tries("examine") == 5


async def test_outcome_that_stays_unknown(shop: FaultyAdapter, desk: OrderDesk) -> None:
    """Where even the reading back fails, nothing is claimed, and nonsense is no answer."""
    mine = desk.for_customer(EMILY)
    shop.plan("outcome", down(), down(), down(), garbage("done"))
    for error in (OrderSystemDown, OrderSystemGarbled):
        with pytest.raises(error):
            await mine.outcome(ActionKind.CANCEL_ORDER, PENDING.number, "key-1")
    assert shop.tries("outcome") == 4
