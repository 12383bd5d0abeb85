from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.orders.demo import DemoShop
from bot.orders.desk import CustomerDesk, OrderDesk
from tests.support.demo_orders import EMILY, TODAY
from tests.support.faulty_adapter import FaultyAdapter


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a shop is to be made."""
    return tmp_path / "shop.db"


@pytest.fixture
async def shop(path: Path) -> AsyncIterator[FaultyAdapter]:
    """A real demo shop that fails when a test plans it."""
    shop = FaultyAdapter(DemoShop(path, today=TODAY))
    yield shop
    await shop.inner.close()


@pytest.fixture
def pauses() -> list[float]:
    """The pauses between tries, in seconds, that the desk took."""
    return []


@pytest.fixture
def desk(shop: FaultyAdapter, pauses: list[float]) -> OrderDesk:
    """A desk that does not really wait between tries."""

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    return OrderDesk(shop, sleep=sleep)


@pytest.fixture
def hasty(shop: FaultyAdapter) -> OrderDesk:
    """A desk that gives up at the first turn of the event loop."""
    return OrderDesk(shop, timeout_s=0, read_retries=0)


@pytest.fixture
def mine(desk: OrderDesk) -> CustomerDesk:
    """The desk of the English customer."""
    return desk.for_customer(EMILY)
