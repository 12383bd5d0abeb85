"""One writer with group commit, readers beside it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import IntegrityError

from bot.errors import StoreError, StoreReadOnly
from bot.store.database import MAX_BATCH, Database
from bot.store.engines import sqlite_module, sqlite_note
from tests.support.store import Stores, remember, settled, stores


class Gate:
    """A unit of work that holds the writer until it is opened, so that what comes meanwhile makes one batch."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def __call__(self, _: Connection) -> None:
        self.reached.set()
        assert self.open.wait(30)


async def held(database: Database) -> tuple[Gate, asyncio.Task[None]]:
    """Bring the writer to a gate."""
    gate = Gate()
    task = asyncio.create_task(database.write(gate))
    assert await asyncio.to_thread(gate.reached.wait, 30)
    return gate, task


async def queued(database: Database, *units: object) -> list[asyncio.Task[object]]:
    """Queue units of work behind what holds the writer."""
    tasks = [asyncio.create_task(database.write(unit)) for unit in units]  # type: ignore[arg-type]
    await asyncio.sleep(0)  # Each task has its first step now, in which it queues its unit.
    return tasks


async def names(store: Stores) -> list[str]:
    """Return the facts' names in the order in which they were written."""
    return [name for (name,) in await store.sql("SELECT name FROM facts ORDER BY rowid")]


async def test_writes_that_come_together_share_a_commit(store: Stores) -> None:
    """What is queued while the disk is busy is committed at once, and each waiter still gets its own result."""
    commits: list[int] = []
    event.listen(store.database._engine, "commit", lambda _: commits.append(1))
    gate, first = await held(store.database)

    def numbered(number: int) -> object:
        return lambda c: c.exec_driver_sql(
            "INSERT INTO facts VALUES (?, ?) RETURNING value", (f"f{number}", number)
        ).scalar()

    tasks = await queued(store.database, *(numbered(number) for number in range(MAX_BATCH + 36)))
    gate.open.set()
    await first
    assert await asyncio.gather(*tasks) == [str(number) for number in range(MAX_BATCH + 36)]
    assert len(commits) == 3, "the gate's, a full batch, and the rest"


async def test_order_is_kept(store: Stores) -> None:
    """Units are worked off in the order in which they were queued, across batches."""
    gate, first = await held(store.database)
    wanted = [f"f{number}" for number in range(2 * MAX_BATCH)]
    tasks = await queued(store.database, *map(remember, wanted))
    gate.open.set()
    await asyncio.gather(first, *tasks)
    assert await names(store) == wanted


async def test_a_failing_unit_hurts_no_other(store: Stores) -> None:
    """In a batch, a unit that breaks a rule and one that raises fail alone; the others are all committed."""
    gate, first = await held(store.database)

    def broken(connection: Connection) -> None:
        remember("half")(connection)
        raise LookupError("a mistake of ours")

    tasks = await queued(store.database, remember("a"), remember("a"), broken, remember("b"))
    gate.open.set()
    await first
    results = await settled(tasks)
    assert [type(result) for result in results] == [type(None), IntegrityError, LookupError, type(None)]
    assert await names(store) == ["a", "b"], "and nothing of the broken ones"


async def test_items_of_a_joint_work_are_done_at_once(store: Stores) -> None:
    """What waits for the same joint work is given to it together; one that fails is done alone and hurts no other."""
    given: list[list[str]] = []

    def joint(connection: Connection, items: Sequence[str]) -> None:
        given.append(list(items))
        for item in items:
            remember(item)(connection)

    async def all_of(*items: str) -> list[object]:
        gate, first = await held(store.database)
        tasks = [asyncio.create_task(store.database.write_jointly(joint, item)) for item in items]
        await asyncio.sleep(0)  # Each task has queued its item now.
        gate.open.set()
        await first
        return await settled(tasks)

    assert await all_of("a", "b", "c") == [None, None, None]
    assert given == [["a", "b", "c"]]
    results = await all_of("d", "a", "e")
    assert [type(result) for result in results] == [type(None), IntegrityError, type(None)]
    assert await names(store) == ["a", "b", "c", "d", "e"]


async def test_a_mistake_of_ours_is_no_trouble_of_the_database(store: Stores) -> None:
    """A broken rule of the schema is no StoreError: waiting for the database would not heal it."""
    await store.database.write(remember("a"))
    with pytest.raises(IntegrityError) as caught:
        await store.database.write(remember("a", "a secret of a customer"))
    assert not isinstance(caught.value, StoreError)
    assert "secret" not in str(caught.value), "parameters stay out of messages"


async def test_a_write_is_read_at_once(store: Stores) -> None:
    """A reader that starts after a write returned sees it."""
    for number in range(50):
        await store.database.write(remember(f"f{number}"))
        assert await store.one("SELECT count(*) FROM facts") == number + 1


async def test_readers_cannot_write(store: Stores) -> None:
    """A statement that changes something is refused on a reading connection."""
    with pytest.raises(StoreReadOnly):
        await store.database.read(remember("a"))
    assert await names(store) == []


async def test_a_waiter_that_goes_away_does_not_take_its_write_along(store: Stores) -> None:
    """Cancelling whoever waits changes nothing for the write, nor for those behind it."""
    gate, first = await held(store.database)
    gone, stays = await queued(store.database, remember("gone"), remember("stays"))
    gone.cancel()
    gate.open.set()
    results = await settled([first, gone, stays])
    assert isinstance(results[1], asyncio.CancelledError)
    assert await names(store) == ["gone", "stays"]


async def test_close_finishes_what_is_queued(url: str) -> None:
    """Whatever was queued before `close` is on the disk when it returns, and its waiters know."""
    database = Database.open(url)
    gate, first = await held(database)
    tasks = await queued(database, *(remember(f"f{number}") for number in range(2 * MAX_BATCH + 7)))
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    gate.open.set()
    await asyncio.gather(closing, first, *tasks)
    async with stores(url) as store:
        assert await store.one("SELECT count(*) FROM facts") == 2 * MAX_BATCH + 7


async def test_closed_is_closed(url: str) -> None:
    """Closing twice is harmless, and a later write says what is wrong instead of waiting for ever."""
    database = Database.open(url)
    await database.close()
    await database.close()
    with pytest.raises(StoreError, match="closed"):
        await database.write(remember("a"))


async def test_nothing_is_left_behind(url: str, path: Path) -> None:
    """After `close` no thread runs, and the log of the database is merged into its file."""
    database = Database.open(url)
    await database.write(remember("a"))
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("store-")]
    await database.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("store-")]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


async def test_settings_of_sqlite(store: Stores) -> None:
    """The writer has exactly the settings that survive a power cut and forget what is deleted."""

    def settings(connection: Connection) -> dict[str, object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}

    full = 2
    assert await store.database.write(settings) == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 5000,
    }
    assert await store.database.read(lambda c: c.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar()) == 0


async def test_one_connection_writes(store: Stores) -> None:
    """Every write runs on the same connection in the same thread, however many come at once."""

    def where(connection: Connection) -> tuple[int, str]:
        return id(connection.connection.dbapi_connection), threading.current_thread().name

    assert len(set(await asyncio.gather(*(store.database.write(where) for _ in range(200))))) == 1


async def test_a_write_takes_the_lock_before_it_reads(store: Stores, path: Path) -> None:
    """A transaction that reads first and writes then holds the lock from its start: it never fails in the middle."""
    other = sqlite_module().connect(str(path), timeout=0, isolation_level=None, check_same_thread=False)

    def work(connection: Connection) -> str:
        connection.exec_driver_sql("SELECT count(*) FROM facts").scalar()
        with pytest.raises(sqlite_module().OperationalError, match="locked"):
            other.execute("INSERT INTO facts VALUES ('other', '')")
        remember("mine")(connection)
        return "done"

    assert await store.database.write(work) == "done"
    other.close()
    assert await names(store) == ["mine"]


def test_the_note_says_what_keeps_the_log_safe() -> None:
    """The SQLite in use is named, with what keeps its write-ahead log from the old fault."""
    assert sqlite_module().sqlite_version in sqlite_note()
    assert "is fixed in it" in sqlite_note() or "one connection does all writing" in sqlite_note()
