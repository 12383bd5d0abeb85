"""django-oscar passes the contract of an order system, with the mapping that is shipped."""

from __future__ import annotations

import pytest

from bot.domain.model import WriteResult
from bot.domain.ports import OrderAdapter
from bot.orders.testing import ContractShop, OrderAdapterContract
from tests.orders.sql.conftest import Oscar

# Making the shop runs all of its migrations.
pytestmark = pytest.mark.timeout(600)


class TestOscar(OrderAdapterContract):
    """In both databases, with the table of keys that the adapter makes."""

    @pytest.fixture
    def shop(self, oscar: Oscar) -> ContractShop:
        return oscar.contract()


class TestOscarWithoutLedger(OrderAdapterContract):
    """In a database that may get no table of ours."""

    @pytest.fixture
    def shop(self, sqlite_oscar: Oscar) -> ContractShop:
        return sqlite_oscar.contract(lambda: sqlite_oscar.open(ledger="", create_table=False))

    async def test_key_belongs_to_one_request(self, adapter: OrderAdapter, shop: ContractShop) -> None:
        """Without a ledger a key means nothing: each request is judged by its own order's state."""
        done = await adapter.cancel(shop.mine, shop.pending, key="key-1")
        assert done.result is WriteResult.DONE
        refused = await adapter.cancel(shop.mine, shop.shipped, key="key-1")
        assert refused.result is WriteResult.REFUSED
        assert (await adapter.cancel(shop.theirs, shop.pending, key="key-1")).result is WriteResult.REFUSED
