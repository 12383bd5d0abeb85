from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.orders.testing import ContractShop, FaultContract, OrderAdapterContract
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
