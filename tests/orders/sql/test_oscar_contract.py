"""django-oscar passes the contract of an order system, with the mapping that is shipped."""

from __future__ import annotations

import pytest

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
