from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.domain.actions import ActionKind
from bot.domain.ports import OrderAdapter
from bot.orders.testing import ContractShop, FaultContract, OrderAdapterContract
from bot.orders.testing.outcomes import WRITES, order_for, write
from tests.support.woocommerce_shop import woocommerce_shop


class TestWooCommerce(OrderAdapterContract, FaultContract):
    """A shop whose order numbers are WooCommerce's own ids."""

    @pytest.fixture
    async def shop(self) -> AsyncIterator[ContractShop]:
        async with woocommerce_shop() as shop:
            yield shop.contract()


class TestNumberedByPlugin(OrderAdapterContract):
    """A shop where a plugin gives orders numbers of its own."""

    @pytest.fixture
    async def shop(self) -> AsyncIterator[ContractShop]:
        async with woocommerce_shop() as shop:
            yield shop.contract(numbers="plugin")


class TestPaysBack(OrderAdapterContract):
    """A shop where a cancelled order is paid back at once, so that no key may be sent twice."""

    @pytest.fixture
    async def shop(self) -> AsyncIterator[ContractShop]:
        async with woocommerce_shop() as shop:
            yield shop.contract(refund=True)

    @pytest.mark.parametrize("action", WRITES)
    async def test_outcome_of_another_key(self, adapter: OrderAdapter, shop: ContractShop, action: ActionKind) -> None:
        """No key may be sent twice, but each leaves its mark: what another has done is surely not this one's."""
        await write(adapter, action, shop, order_for(action, shop), "key-1")
        assert await adapter.outcome(shop.mine, order_for(action, shop), action, key="key-2") is None
