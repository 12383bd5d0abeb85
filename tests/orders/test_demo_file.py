from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.model import OrderStatus, Reason, ReturnLine, WriteResult
from bot.errors import OrderSystemDown, OrderSystemGarbled
from bot.orders import demo_file as file
from bot.orders.demo import DemoShop
from bot.orders.demo_people import ENGLISH
from bot.orders.demo_seed import invent_orders
from tests.support.demo_orders import DELIVERED, EMILY, GOING_BACK, TODAY, orders_of

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
    seen = await asyncio.gather(*(shop.orders(EMILY, 100) for shop in shops))
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
        await shop.order(EMILY, first.number)
    assert await shop.order(EMILY, second.number) == second


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
        await shop.cancel(EMILY, number, key="k" * 500_000)
    order = await shop.order(EMILY, number)
    assert order == orders_of(ENGLISH)[0]
    assert (await shop.cancel(EMILY, number, key="short")).result is WriteResult.DONE
    await shop.close()


async def test_locked_file(path: Path) -> None:
    """A cancellation that finds the file held by another process did nothing, and works when the file is free."""
    shop = TightShop(path, today=TODAY)
    await shop.ping()
    number = orders_of(ENGLISH)[0].number
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(OrderSystemDown, match="locked"):
        await shop.cancel(EMILY, number, key="key-1")
    holder.execute("ROLLBACK")
    holder.close()
    assert (await shop.cancel(EMILY, number, key="key-1")).result is WriteResult.DONE
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
        await shop.cancel(EMILY, number, key="key-1")
    reader.execute("ROLLBACK")
    reader.close()
    assert await shop.order(EMILY, number) == orders_of(ENGLISH)[0]
    assert (await shop.cancel(EMILY, number, key="key-1")).result is WriteResult.DONE
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
        file._create(path, today)
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
        await shop.cancel(EMILY, orders_of(ENGLISH)[0].number, key="k" * 500_000)
    await shop.ping()
    assert shop._connection is not first
    await shop.close()


def _age(path: Path) -> None:
    """Take from a shop's file what came after version 1."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("DROP TABLE returned_lines")
        for table, column in [("orders", "payment"), ("writes", "reason")]:
            db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        for column in ("id", "category", "returnable"):
            db.execute(f"ALTER TABLE items DROP COLUMN {column}")
        db.execute("PRAGMA user_version = 1")


async def test_file_of_version_1(path: Path) -> None:
    """A shop that an earlier version made opens with all its orders and keys, and knows what is new."""
    shop = DemoShop(path, today=TODAY)
    first, second, *rest = orders_of(ENGLISH)
    done = await shop.cancel(EMILY, first.number, key="key-1")
    await shop.close()
    _age(path)
    shops = [DemoShop(path, today=TODAY) for _ in range(3)]
    seen = await asyncio.gather(*(shop.orders(EMILY, 100) for shop in shops))
    for listed in seen:
        assert listed == [replace(first, status=OrderStatus.CANCELLED), second, *rest]
    shop = shops[0]
    assert await shop.cancel(EMILY, first.number, key="key-1") == done
    assert (await shop.cancel(EMILY, second.number, key="key-2", reason=Reason.OTHER)).result is WriteResult.DONE
    for each in shops:
        await each.close()


async def test_reason_and_lines_are_kept(shop: DemoShop, path: Path) -> None:
    """What a customer said about a return stands in the file, and a refused one leaves no lines."""
    line = ReturnLine(GOING_BACK.id, 1)
    refused = await shop.request_return(EMILY, orders_of(ENGLISH)[0].number, key="key-1", lines=[line])
    done = await shop.request_return(EMILY, DELIVERED.number, key="key-2", reason=Reason.DAMAGED, lines=[line])
    assert (refused.result, done.result) == (WriteResult.REFUSED, WriteResult.DONE)
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT key, reason FROM writes").fetchall() == [("key-1", None), ("key-2", "damaged")]
        assert db.execute("SELECT * FROM returned_lines").fetchall() == [("key-2", line.item_id, 1)]


async def test_examine(shop: DemoShop, path: Path) -> None:
    """An examination says in words what is wrong with the newest order, or that there is none."""
    assert await shop.examine() == []
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE orders SET currency = 'euro'")
        assert await shop.examine() == [
            "the order system's answer makes no sense: order.total.currency is not an ISO 4217 code"
        ]
        for table in ("items", "orders"):
            db.execute(f"DELETE FROM {table}")
    (sentence,) = await shop.examine()
    assert "no orders" in sentence
