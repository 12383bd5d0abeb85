"""The order system fails in every way it can, and the adapter tells the truth about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from bot.domain.actions import ActionKind
from bot.domain.model import WriteAnswer
from bot.domain.ports import OrderAdapter
from bot.errors import OrderSystemDown, OrderSystemError, OrderSystemGarbled, OrderSystemTimeout
from bot.orders.desk import OrderDesk
from bot.orders.testing.outcomes import WRITES, order_for
from bot.orders.testing.shop import ContractShop, Fault, FaultyTransport, Kind, WithAdapter

PATIENCE_S, IMPATIENCE_S = 20.0, 0.3
SILENT = (Fault.HANG, Fault.LATE, Fault.SLOW_PAGE)
"""Faults after which no answer comes, so that the test need not wait for long."""

WITH_EFFECT = (Fault.LATE, Fault.GARBAGE, Fault.PARTIAL)

READ_FAULTS = {
    Fault.REFUSED: OrderSystemDown,
    Fault.HANG: OrderSystemTimeout,
    Fault.SERVER_ERROR: OrderSystemError,
    Fault.GARBAGE: OrderSystemGarbled,
}
READS = ("orders", "order", "customer_of", "identify_by_phone", "identify_by_order", "outcome", "ping")


def desk_of(adapter: OrderAdapter, fault: Fault) -> OrderDesk:
    """Return a desk that tries once, and waits for an answer that may come, not for one that never does."""
    return OrderDesk(adapter, timeout_s=IMPATIENCE_S if fault in SILENT else PATIENCE_S, read_retries=0)


def reading(desk: OrderDesk, method: str, shop: ContractShop) -> Callable[[], Awaitable[object]]:
    """Return the call of a method that reads, through the desk."""
    mine = desk.for_customer(shop.mine)
    return {
        "orders": lambda: mine.list(100),
        "order": lambda: mine.find(shop.pending),
        "customer_of": lambda: desk.customer_of(shop.pending),
        "identify_by_phone": lambda: desk.identify_by_phone(shop.phone),
        "identify_by_order": lambda: desk.identify_by_order(shop.pending, email=shop.email),
        "outcome": lambda: mine.outcome(ActionKind.CANCEL_ORDER, shop.pending, "key-1"),
        "ping": desk.ping,
    }[method]


class FaultContract(WithAdapter):
    """What an adapter says when its order system fails. The shop it is given has a `transport`."""

    @pytest.fixture
    def transport(self, shop: ContractShop) -> FaultyTransport:
        """Return what can be told to fail."""
        assert shop.transport is not None, "FaultContract needs a ContractShop with its transport"
        return shop.transport

    @pytest.mark.parametrize("method", READS)
    @pytest.mark.parametrize("fault", READ_FAULTS)
    async def test_failing_read(
        self, adapter: OrderAdapter, shop: ContractShop, transport: FaultyTransport, fault: Fault, method: str
    ) -> None:
        """A question that fails is an error, never 'no such order' or 'nobody'; when all is well, it is answered."""
        bring(transport, fault, Kind.READ)
        # A ping only tells that somebody answers, be it nonsense.
        if method != "ping" or fault is not Fault.GARBAGE:
            with pytest.raises(READ_FAULTS[fault]):
                await reading(desk_of(adapter, fault), method, shop)()
        transport.heal()
        answer = await reading(desk_of(adapter, Fault.REFUSED), method, shop)()
        assert (answer is None) == (method in ("outcome", "ping"))

    @pytest.mark.parametrize("method", ["orders", "order"])
    @pytest.mark.parametrize("fault", [Fault.WRONG_CURRENCY, Fault.MISSING_FIELD])
    async def test_wrong_fields(
        self, adapter: OrderAdapter, shop: ContractShop, transport: FaultyTransport, fault: Fault, method: str
    ) -> None:
        """An order without a currency that exists, or without a field that it must have, makes no sense."""
        bring(transport, fault, Kind.READ)
        with pytest.raises(OrderSystemGarbled):
            await reading(desk_of(adapter, fault), method, shop)()

    async def test_slow_page(self, adapter: OrderAdapter, shop: ContractShop, transport: FaultyTransport) -> None:
        """A listing whose second page does not come is an error, never a shorter listing."""
        everything = await adapter.orders(shop.mine, 100)
        bring(transport, Fault.SLOW_PAGE, Kind.READ)
        with pytest.raises(OrderSystemError):
            await reading(desk_of(adapter, Fault.SLOW_PAGE), "orders", shop)()
        transport.heal()
        assert await adapter.orders(shop.mine, 100) == everything

    @pytest.mark.parametrize("action", WRITES)
    @pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.HANG, Fault.SERVER_ERROR])
    async def test_write_without_effect(
        self, adapter: OrderAdapter, shop: ContractShop, transport: FaultyTransport, fault: Fault, action: ActionKind
    ) -> None:
        """A write that failed without effect is an error, reads back as nothing, and is then done with its key."""
        number = order_for(action, shop)
        bring(transport, fault, Kind.WRITE)
        with pytest.raises(OrderSystemDown if fault is Fault.REFUSED else OrderSystemError):
            await desk_of(adapter, fault).for_customer(shop.mine).write(action, number, "key-1")
        assert transport.effects(number) == 0
        transport.heal()
        mine = desk_of(adapter, Fault.REFUSED).for_customer(shop.mine)
        assert await mine.outcome(action, number, "key-1") is None
        assert (await mine.write(action, number, "key-1")).result is shop.taken
        assert transport.effects(number) == 1

    @pytest.mark.parametrize("action", WRITES)
    @pytest.mark.parametrize("fault", WITH_EFFECT)
    async def test_write_with_effect(
        self, adapter: OrderAdapter, shop: ContractShop, transport: FaultyTransport, fault: Fault, action: ActionKind
    ) -> None:
        """A write that was done although it failed is never said to be surely undone or refused, nor done again."""
        number = order_for(action, shop)
        bring(transport, fault, Kind.WRITE)
        answer = await told(desk_of(adapter, fault).for_customer(shop.mine).write(action, number, "key-1"))
        assert not isinstance(answer, OrderSystemDown), "something was done"
        # An adapter that reads back may tell the truth at once.
        assert isinstance(answer, OrderSystemError) or (answer is not None and answer.result is shop.taken)
        assert transport.effects(number) == 1
        transport.heal()
        await assert_told_and_not_repeated(adapter, shop, action, fault)
        assert transport.effects(number) == 1


def bring(transport: FaultyTransport, fault: Fault, kind: Kind) -> None:
    """Let the transport fail, or skip the test where it cannot fail so."""
    if fault not in transport.faults:
        pytest.skip(f"this transport has no fault {fault}")
    transport.fail(fault, kind)


async def told(call: Awaitable[WriteAnswer | None]) -> WriteAnswer | OrderSystemError | None:
    """Return what a call is answered, be it an error."""
    try:
        return await call
    except OrderSystemError as error:
        return error


async def assert_told_and_not_repeated(
    adapter: OrderAdapter, shop: ContractShop, action: ActionKind, fault: Fault
) -> None:
    """Read back what was done, and send the same key again: after half a write a person may be needed for either."""
    mine, number = desk_of(adapter, Fault.REFUSED).for_customer(shop.mine), order_for(action, shop)
    found = await told(mine.outcome(action, number, "key-1"))
    again = await told(mine.write(action, number, "key-1"))
    for answer in (found, again):
        if isinstance(answer, OrderSystemGarbled):
            assert fault is Fault.PARTIAL, "what was done whole can be told"
        else:
            assert isinstance(answer, WriteAnswer)
            assert answer.result is shop.taken or (answer is again and not adapter.honours_keys)
