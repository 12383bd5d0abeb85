from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.model import WriteResult
from bot.errors import OrderSystemDown, OrderSystemGarbled
from bot.orders import demo_database as database
from bot.orders.demo import DemoShop
from bot.orders.demo_people import ENGLISH
from bot.orders.demo_seed import invent_orders
from tests.support.demo_orders import TODAY, orders_of

EARLIER = TODAY - timedelta(days=40)


@pytest.fixture
async def shop(path: Path) -> AsyncIterator[DemoShop]:
    """A shop, made at its first call."""
    shop = DemoShop(path, today=TODAY)
    yield shop
    await shop.close()


async def test_made_once(path: Path) -> None:
    """Shops opened at the same moment on no file make it once and see the same data, and leave nothing else behind."""
    shops = [DemoShop(path.parent / "deep" / "shop.db", today=day) for day in (TODAY, EARLIER, EARLIER)]
    seen = await asyncio.gather(*(shop.orders(ENGLISH, 100) for shop in shops))
    assert seen[0] == seen[1] == seen[2]
    for shop in shops:
        await shop.close()
    assert os.listdir(path.parent / "deep") == ["shop.db"]


async def test_nothing_happens_before_the_first_call(path: Path) -> None:
    """Building and closing a shop touches no file."""
    shop = DemoShop.open(path)
    await shop.close()
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize("content", [b"", b"this is no database, though it is as long as one might be" * 100])
def test_not_a_shop(path: Path, content: bytes) -> None:
    """A file that is something else is reported, and is left as it is."""
    path.write_bytes(content)
    with pytest.raises(OrderSystemGarbled, match="demo shop"):
        asyncio.run(_ping(DemoShop.open(path)))
    assert path.read_bytes() == content


def test_no_place_for_the_file(path: Path) -> None:
    """A folder that cannot be made is reported with the file's name; when it can, the shop is made."""
    path.write_text("in the way")
    with pytest.raises(OrderSystemDown, match=r"shop\.db"):
        asyncio.run(_ping(DemoShop.open(path / "shop.db")))
    path.unlink()
    asyncio.run(_ping(DemoShop.open(path / "shop.db")))


async def _ping(shop: DemoShop) -> None:
    try:
        await shop.ping()
    finally:
        await shop.close()


async def test_damaged_row(shop: DemoShop, path: Path) -> None:
    """A row that someone broke by hand is an error of the order system, and the next order is still found."""
    await shop.ping()
    (first, second, *_) = orders_of(ENGLISH)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE orders SET total = 'a lot' WHERE number = ?", (first.number,))
    db.close()
    with pytest.raises(OrderSystemGarbled):
        await shop.order(ENGLISH, first.number)
    assert await shop.order(ENGLISH, second.number) == second


class TightShop(DemoShop):
    """A shop that waits for no lock and whose disk is full."""

    def _connect(self) -> sqlite3.Connection:
        db = super()._connect()
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")
        db.execute("PRAGMA busy_timeout = 0")
        return db


async def test_full_disk(path: Path) -> None:
    """A cancellation that finds the disk full surely did nothing."""
    shop = TightShop(path, today=TODAY)
    number = orders_of(ENGLISH)[0].number
    with pytest.raises(OrderSystemDown, match="full"):
        await shop.cancel(ENGLISH, number, key="k" * 500_000)
    order = await shop.order(ENGLISH, number)
    assert order == orders_of(ENGLISH)[0]
    assert (await shop.cancel(ENGLISH, number, key="short")).result is WriteResult.DONE
    await shop.close()


async def test_locked_file(path: Path) -> None:
    """A cancellation that finds the file held by another process did nothing, and works when the file is free."""
    shop = TightShop(path, today=TODAY)
    await shop.ping()
    number = orders_of(ENGLISH)[0].number
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(OrderSystemDown, match="locked"):
        await shop.cancel(ENGLISH, number, key="key-1")
    holder.execute("ROLLBACK")
    holder.close()
    assert (await shop.cancel(ENGLISH, number, key="key-1")).result is WriteResult.DONE
    await shop.close()


async def test_commit_held_up_by_a_reader(path: Path) -> None:
    """A commit that must wait for a reader is rolled back whole, so that the same key can be used again."""
    shop = TightShop(path, today=TODAY)
    await shop.ping()
    number = orders_of(ENGLISH)[0].number
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM orders").fetchone()
    with pytest.raises(OrderSystemDown, match="locked"):
        await shop.cancel(ENGLISH, number, key="key-1")
    reader.execute("ROLLBACK")
    reader.close()
    assert await shop.order(ENGLISH, number) == orders_of(ENGLISH)[0]
    assert (await shop.cancel(ENGLISH, number, key="key-1")).result is WriteResult.DONE
    await shop.close()


async def test_order_rules_hold_in_the_file(shop: DemoShop, path: Path) -> None:
    """The file itself refuses a status that does not exist, whoever writes it."""
    await shop.ping()
    db = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE orders SET status = 'lost'")
    db.close()


def test_made_meanwhile(path: Path) -> None:
    """A shop that another process has just made, and may be using, is never replaced by one's own."""
    for today in (TODAY, EARLIER):
        database._create(path, today)
    db = sqlite3.connect(path)
    (newest,) = db.execute("SELECT max(placed_at) FROM orders").fetchone()
    db.close()
    assert newest == invent_orders(TODAY)[-1].placed_at.isoformat()


async def test_disk_that_failed(path: Path) -> None:
    """After a failure of the file the next call opens it anew, so that a disk that is well again is used again."""
    shop = TightShop(path, today=TODAY)
    await shop.ping()
    first = shop._connection
    with pytest.raises(OrderSystemDown):
        await shop.cancel(ENGLISH, orders_of(ENGLISH)[0].number, key="k" * 500_000)
    await shop.ping()
    assert shop._connection is not first
    await shop.close()
