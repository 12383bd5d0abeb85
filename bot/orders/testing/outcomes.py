"""Reading back what became of a write: in every state, for its own customer, and without changing anything."""

from __future__ import annotations

import pytest

from bot.domain.actions import ActionKind
from bot.domain.model import WriteAnswer, WriteResult
from bot.domain.ports import OrderAdapter
from bot.errors import OrderSystemGarbled
from bot.orders.checks import checked_answer
from bot.orders.testing.shop import UNKNOWN_NUMBER, ContractShop, WithAdapter

WRITES = (ActionKind.CANCEL_ORDER, ActionKind.RETURN_APPLY)


def order_for(action: ActionKind, shop: ContractShop) -> str:
    """Return the customer's order that this can be done to."""
    return shop.pending if action is ActionKind.CANCEL_ORDER else shop.delivered


async def write(adapter: OrderAdapter, action: ActionKind, shop: ContractShop, number: str, key: str) -> WriteAnswer:
    """Cancel or take back, for the customer."""
    if action is ActionKind.CANCEL_ORDER:
        return await adapter.cancel(shop.mine, number, key=key)
    return await adapter.request_return(shop.mine, number, key=key)


class OutcomeContract(WithAdapter):
    """What every adapter can tell afterwards."""

    @pytest.mark.parametrize("action", WRITES)
    async def test_outcome_of_nothing(self, adapter: OrderAdapter, shop: ContractShop, action: ActionKind) -> None:
        """A write that never came in surely had no effect, and asking for it leaves everything as it is."""
        before = await adapter.orders(shop.mine, 100)
        for number in (order_for(action, shop), shop.shipped):
            assert await adapter.outcome(shop.mine, number, action, key="key-1") is None
        assert await adapter.orders(shop.mine, 100) == before
        assert (await write(adapter, action, shop, order_for(action, shop), "key-1")).result is shop.taken

    @pytest.mark.parametrize("action", WRITES)
    async def test_outcome_of_what_was_done(
        self, adapter: OrderAdapter, shop: ContractShop, action: ActionKind
    ) -> None:
        """What was done is told, as it was answered where keys are kept, however often and in whatever spelling."""
        number = order_for(action, shop)
        first = await write(adapter, action, shop, number, "key-1")
        before = await adapter.orders(shop.mine, 100)
        for spelling in (number, f"# {number.lower()}"):
            found = await adapter.outcome(shop.mine, spelling, action, key="key-1")
            assert found is not None
            assert checked_answer(found).result is shop.taken
            assert found == first or (found.detail and not adapter.honours_keys)
        assert await adapter.orders(shop.mine, 100) == before

    @pytest.mark.parametrize("action", WRITES)
    async def test_outcome_after_reopening(self, shop: ContractShop, action: ActionKind) -> None:
        """A program that was killed after a write learns from a new connection that it was done."""
        adapter = shop.open()
        await write(adapter, action, shop, order_for(action, shop), "key-1")
        await adapter.close()
        adapter = shop.open()
        try:
            found = await adapter.outcome(shop.mine, order_for(action, shop), action, key="key-1")
        finally:
            await adapter.close()
        assert found is not None
        assert found.result is shop.taken

    @pytest.mark.parametrize("action", WRITES)
    async def test_outcome_of_a_refusal(self, adapter: OrderAdapter, shop: ContractShop, action: ActionKind) -> None:
        """A write that was refused is never said to be done."""
        refused = await write(adapter, action, shop, shop.shipped, "key-1")
        assert refused.result is WriteResult.REFUSED
        found = await adapter.outcome(shop.mine, shop.shipped, action, key="key-1")
        assert found is None or found == refused

    @pytest.mark.parametrize("action", WRITES)
    async def test_outcome_of_another_key(self, adapter: OrderAdapter, shop: ContractShop, action: ActionKind) -> None:
        """Where keys are kept, what another key has done is not this one's; where not, the order's state is all."""
        number = order_for(action, shop)
        await write(adapter, action, shop, number, "key-1")
        found = await adapter.outcome(shop.mine, number, action, key="key-2")
        assert (found is None) == adapter.honours_keys

    @pytest.mark.parametrize("action", WRITES)
    async def test_outcome_is_its_customers(
        self, adapter: OrderAdapter, shop: ContractShop, action: ActionKind
    ) -> None:
        """A stranger learns nothing of a write: their question is answered as for an order that does not exist."""
        number = order_for(action, shop)
        await write(adapter, action, shop, number, "key-1")
        for missing in (number, UNKNOWN_NUMBER):
            assert await adapter.outcome(shop.theirs, missing, action, key="key-2") is None

    async def test_outcome_of_another_request(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """A key that is asked for with another customer, order or action is never said to be done."""
        await adapter.cancel(shop.mine, shop.pending, key="key-1")
        for scope, number, action in (
            (shop.theirs, shop.pending, ActionKind.CANCEL_ORDER),
            (shop.theirs, shop.strangers_pending, ActionKind.CANCEL_ORDER),
            (shop.mine, shop.shipped, ActionKind.CANCEL_ORDER),
            (shop.mine, shop.pending, ActionKind.RETURN_APPLY),
        ):
            try:
                found = await adapter.outcome(scope, number, action, key="key-1")
            except OrderSystemGarbled:
                continue
            assert found is None

    @pytest.mark.parametrize("number", ["", " ", "%", "*", "#", "' OR 1=1 --", "\x00", "\ud800", "9" * 5000])
    async def test_outcome_of_hostile_numbers(self, adapter: OrderAdapter, shop: ContractShop, number: str) -> None:
        """A text that is no order number had no effect."""
        await adapter.cancel(shop.mine, shop.pending, key="key-1")
        assert await adapter.outcome(shop.mine, number, ActionKind.CANCEL_ORDER, key="key-2") is None
