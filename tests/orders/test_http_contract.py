from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.orders.http import HttpShop
from bot.orders.testing import ContractShop, FaultContract, OrderAdapterContract
from tests.support.http_mappings import flat, keyless, nested
from tests.support.http_shop import HttpShopServer
from tests.support.http_shop_data import DELIVERED, PENDING, SHIPPED, STRANGERS_DELIVERED, STRANGERS_PENDING


@pytest.fixture
def keeps_keys() -> bool:
    """Whether the shop keeps keys."""
    return True


@pytest.fixture
def server(tmp_path: Path, keeps_keys: bool) -> Iterator[HttpShopServer]:
    """The shop behind the adapter."""
    with HttpShopServer(tmp_path / "shop.db", keeps_keys=keeps_keys) as server:
        yield server


def contract_shop(
    server: HttpShopServer, mapping: Callable[[str], dict[str, Any]], **differences: bool
) -> ContractShop:
    """Return what the contract must know."""
    options = mapping(server.origin)
    return ContractShop(
        open=lambda: HttpShop.from_options(options, Path()),
        customer_id="7",
        name="Ana Ruiz",
        phone="+12025550142",
        email="ana@example.com",
        pending=PENDING,
        delivered=DELIVERED,
        shipped=SHIPPED,
        stranger_id="8",
        strangers_email="ben@example.com",
        strangers_pending=STRANGERS_PENDING,
        strangers_delivered=STRANGERS_DELIVERED,
        shared_phone="+12025550144",
        transport=server,
        **differences,
    )


class TestNested(OrderAdapterContract, FaultContract):
    """The guide's example: nested answers, cursors, cents, milliseconds, keys in a header."""

    @pytest.fixture
    def shop(self, server: HttpShopServer) -> ContractShop:
        return contract_shop(server, nested)


class TestFlat(OrderAdapterContract, FaultContract):
    """Flat answers, a Link header, decimal amounts, local times, keys in the body."""

    @pytest.fixture
    def shop(self, server: HttpShopServer) -> ContractShop:
        return contract_shop(server, flat, takes_lines=False)


class TestKeyless(OrderAdapterContract, FaultContract):
    """The flat shop as one that keeps no keys: the order's state is all that tells."""

    @pytest.fixture
    def keeps_keys(self) -> bool:
        return False

    @pytest.fixture
    def shop(self, server: HttpShopServer) -> ContractShop:
        return contract_shop(server, keyless, takes_lines=False)
