"""PostgreSQL fails at every moment of a call, and the adapter says exactly what is known of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.domain.actions import ActionKind
from bot.domain.model import WriteResult
from bot.errors import OrderSystemDown, OrderSystemError, OrderSystemTimeout
from bot.orders.sql import SqlShop
from bot.orders.testing import scope_of
from tests.orders.sql.conftest import Oscar
from tests.support.postgresql import PostgresqlServer
from tests.support.postgresql_line import Break, PostgresqlLine

pytestmark = pytest.mark.timeout(600)

CANCEL = ActionKind.CANCEL_ORDER


class Shop:
    """A shop behind a line that can break."""

    def __init__(self, oscar: Oscar, server: PostgresqlServer, line: PostgresqlLine) -> None:
        self.line = line
        self.numbers = oscar.numbers
        self.mine = scope_of(oscar.numbers["customer"])
        self.server = server
        self._oscar = oscar
        self.database = oscar.database.rpartition("/")[2]

    def open(self, **options: Any) -> SqlShop:
        """Return an adapter at the near end of the line."""
        return self._oscar.open(url=self.server.url(self.database, self.line.port), **options)

    def effects(self) -> int:
        """Return how often the pending order was cancelled."""
        query = (
            "SELECT count(*) FROM order_orderstatuschange c JOIN order_order o ON o.id = c.order_id WHERE number = %s"
        )
        with self.server.connect(self.database) as connection:
            return int(connection.execute(query, (self.numbers["pending"],)).fetchone()[0])  # type: ignore[index] (a count)

    async def cancel(self, adapter: SqlShop, key: str = "key-1") -> Any:
        """Cancel the pending order."""
        return await adapter.cancel(self.mine, self.numbers["pending"], key=key)

    async def outcome(self, adapter: SqlShop) -> Any:
        """Read back what became of it."""
        return await adapter.outcome(self.mine, self.numbers["pending"], CANCEL, key="key-1")


@pytest.fixture
async def shop(postgresql_oscar: Oscar, postgresql_server: PostgresqlServer) -> AsyncIterator[Shop]:
    """Return a shop of the test's own."""
    async with PostgresqlLine(postgresql_server.port).laid() as line:
        yield Shop(postgresql_oscar, postgresql_server, line)


@pytest.mark.parametrize("when", [Break.IN_WRITE, Break.REFUSED])
async def test_gone_before_the_commit(shop: Shop, when: Break) -> None:
    """A server that goes away before the commit did nothing; that is said, and the same key is done later."""
    adapter = shop.open()
    await adapter.ping()
    shop.line.fail(when)
    with pytest.raises(OrderSystemDown):
        await shop.cancel(adapter)
    assert shop.effects() == 0
    shop.line.heal()
    assert await shop.outcome(adapter) is None
    assert (await shop.cancel(adapter)).result is WriteResult.DONE
    assert shop.effects() == 1
    await adapter.close()


@pytest.mark.parametrize("when", [Break.BEFORE_COMMIT, Break.AFTER_COMMIT])
async def test_gone_in_the_commit(shop: Shop, when: Break) -> None:
    """Whether a commit that nobody answered was done is read back and not claimed; its key is done once."""
    adapter = shop.open()
    shop.line.fail(when)
    with pytest.raises(OrderSystemTimeout):
        await shop.cancel(adapter)
    done = 1 if when is Break.AFTER_COMMIT else 0
    assert shop.effects() == done
    shop.line.heal()
    told = await shop.outcome(adapter)
    assert (told is not None) == bool(done)
    answer = await shop.cancel(adapter)
    assert answer.result is WriteResult.DONE
    assert told in (None, answer)
    assert shop.effects() == 1
    await adapter.close()


async def test_silent_after_the_commit(shop: Shop) -> None:
    """A commit that was done, whose answer never comes, may have been done, and is read back over a new connection."""
    adapter = shop.open(timeout_s=3)
    shop.line.fail(Break.SILENT_AFTER_COMMIT)
    with pytest.raises(OrderSystemTimeout):
        await shop.cancel(adapter)
    assert shop.effects() == 1
    await adapter.close()
    shop.line.heal()
    again = shop.open()
    assert (await shop.outcome(again)).result is WriteResult.DONE
    await again.close()


@pytest.mark.parametrize("write", [False, True])
async def test_silent_server(shop: Shop, write: bool) -> None:
    """A server that does not answer any more holds nobody up for ever, and when it is back it is asked anew."""
    adapter = shop.open(timeout_s=2)
    await adapter.ping()
    shop.line.fail(Break.SILENT)
    with pytest.raises(OrderSystemDown):
        await (shop.cancel(adapter) if write else adapter.orders(shop.mine, 5))
    assert shop.effects() == 0
    shop.line.heal()
    await adapter.close()
    again = shop.open()
    assert await shop.outcome(again) is None
    assert len(await again.orders(shop.mine, 5)) == 5
    await again.close()


async def test_order_held_by_the_shop(shop: Shop) -> None:
    """While the shop's own program holds the order, a write gives up and did nothing, and reads go on."""
    adapter = shop.open(timeout_s=1)
    with shop.server.connect(shop.database) as other, other.transaction():
        other.execute("SELECT id FROM order_order WHERE number = %s FOR UPDATE", (shop.numbers["pending"],))
        with pytest.raises(OrderSystemDown):
            await shop.cancel(adapter)
    await adapter.close()
    adapter = shop.open()
    assert shop.effects() == 0
    assert await adapter.order(shop.mine, shop.numbers["pending"]) is not None
    assert (await shop.cancel(adapter)).result is WriteResult.DONE
    await adapter.close()


async def test_caller_goes_away(shop: Shop) -> None:
    """A write whose caller gives up while it waits is taken back, although the order becomes free afterwards."""
    adapter = shop.open()
    await adapter.ping()
    with shop.server.connect(shop.database) as other:
        with other.transaction():
            other.execute("SELECT id FROM order_order WHERE number = %s FOR UPDATE", (shop.numbers["pending"],))
            task = asyncio.create_task(shop.cancel(adapter))
            await asyncio.to_thread(wait_for_a_waiter, other)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        # It comes to its turn behind the write that was given up.
        assert await shop.outcome(adapter) is None
    assert shop.effects() == 0
    await adapter.close()


def wait_for_a_waiter(connection: Any) -> None:
    """Return when somebody waits for a lock."""
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    while connection.execute(query).fetchone()[0] == 0:
        connection.execute("SELECT pg_sleep(0.02)")


async def test_questions_cannot_change_anything(shop: Shop) -> None:
    """The connection for questions is one that the server itself lets change nothing, and has a time limit."""
    adapter = shop.open(timeout_s=3)
    names = ("transaction_read_only", "statement_timeout", "lock_timeout", "TimeZone")
    found = await adapter._reader.run(lambda db: [db.exec_driver_sql(f"SHOW {name}").scalar() for name in names])
    assert found == ["on", "3s", "3s", "UTC"]
    await adapter.close()


async def test_no_such_server(shop: Shop) -> None:
    """A server that cannot be reached, and a database that does not exist, are down, not empty."""
    for url in (shop.server.url("nowhere"), "postgresql://shopkeeper@127.0.0.1:1/shop"):
        adapter = shop._oscar.open(url=url)
        with pytest.raises(OrderSystemDown):
            await adapter.ping()
        with pytest.raises(OrderSystemError):
            await adapter.orders(shop.mine, 5)
        await adapter.close()
