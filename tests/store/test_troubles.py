"""Full, locked and read-only databases, and a process that is killed: each has its own error, and nothing is lost."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from bot.errors import StoreBusy, StoreError, StoreFull, StoreReadOnly
from bot.store.database import Database
from bot.store.engines import sqlite_module, store_error
from tests.support.store import Stores, remember, settled, stores, text, update, url_of

PAGE = "x" * 4096
CYCLES = 30


async def fill_up(store: Stores) -> None:
    """Leave no room in the database, as on a full disk: SQLite itself then refuses to grow the file."""

    def work(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    await store.database.write(work)


async def make_room(store: Stores) -> None:
    """Let it grow again."""
    await store.database.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count=1000000").scalar())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the database from another connection, as another process does."""
    other = sqlite_module().connect(str(path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


async def test_full_disk(store: Stores) -> None:
    """A write that finds no space fails as StoreFull with its remedy, and the same write works when there is some."""
    await store.database.write(remember("before"))
    await fill_up(store)
    with pytest.raises(StoreFull, match="free some space; nothing was lost"):
        await store.database.write(remember("big", PAGE))
    await make_room(store)
    await store.database.write(remember("big", PAGE))
    assert await store.sql("SELECT name FROM facts ORDER BY name") == [("before",), ("big",)]
    assert await store.one("PRAGMA integrity_check") == "ok"


async def test_full_disk_in_a_batch(store: Stores) -> None:
    """On a full disk writes that still fit are kept, the others fail, and no waiter is forgotten."""
    await fill_up(store)
    results = await settled(store.database.write(remember(f"f{n}", PAGE * (n % 2))) for n in range(20))
    assert [type(result) for result in results] == [type(None), StoreFull] * 10
    assert await store.one("SELECT count(*) FROM facts") == 10


async def test_full_disk_loses_no_update(store: Stores) -> None:
    """An update that could not be stored is stored when it comes again, and a turn that could not be closed closes."""
    await fill_up(store)
    with pytest.raises(StoreFull):
        await store.inbox.commit([update(1, PAGE)])
    assert list(await store.inbox.pending()) == []
    await make_room(store)
    (item,) = await store.inbox.commit([update(1, PAGE)])
    assert [waiting.payload for waiting in await store.inbox.pending()] == [item.payload]
    assert (await store.threads.open(text())).history == ()


async def test_locked_by_another_process(url: str, path: Path) -> None:
    """While another process holds the database a write fails as StoreBusy after its wait; afterwards it works."""
    database = Database.open(url, busy_timeout_s=0.05)
    try:
        with locked(path), pytest.raises(StoreBusy, match="Another process"):
            await database.write(remember("a"))
        await database.write(remember("a"))
    finally:
        await database.close()


async def test_locked_costs_one_wait_for_all(url: str, path: Path) -> None:
    """What waits for the lock together fails together: nobody waits for the lock again on another's behalf."""
    database = Database.open(url, busy_timeout_s=0.05)
    waits: list[int] = []
    event.listen(database._engine, "handle_error", lambda _: waits.append(1))
    try:
        with locked(path):
            results = await settled(database.write(remember(f"f{number}")) for number in range(50))
    finally:
        await database.close()
    assert {type(result) for result in results} == {StoreBusy}
    assert 1 <= len(waits) < 10, "the first alone, the rest as one batch or very few"


@pytest.mark.parametrize("place", ["/proc/deskhand.db", "/proc/new/deskhand.db", "{tmp}", "{tmp}/file/deskhand.db"])
def test_a_place_that_cannot_hold_a_database(place: str, tmp_path: Path) -> None:
    """A folder that takes no files, one that cannot be made, and a folder in the file's place: all said at once."""
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreReadOnly):
        Database.open(url_of(Path(place.format(tmp=tmp_path))))


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """A file of something else is refused, and left as it is."""
    path = tmp_path / "letter.db"
    path.write_text("Dear customer, " * 100)
    with pytest.raises(StoreError, match="not a database"):
        Database.open(url_of(path))
    assert path.read_text() == "Dear customer, " * 100


def test_read_only_file(path: Path) -> None:
    """A database that this user may not write is StoreReadOnly, with the remedy, and not an empty new one."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        own = Path(shutil.copy(path, folder))
        own.chmod(0o644 if os.getuid() == 0 else 0o444)
        command = [sys.executable, "-m", "tests.support.kill_store_writer", "deny", str(own)]
        if os.getuid() != 0:
            pytest.skip("only root can make a process of another user")
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert said.startswith("StoreReadOnly The database cannot be written: check the file's owner")


def test_full_folder() -> None:
    """A folder that cannot be made for want of space is StoreFull, as the file itself would be."""
    assert isinstance(store_error(OSError(errno.ENOSPC, "No space left on device", "/data")), StoreFull)
    assert isinstance(store_error(OSError(errno.EROFS, "Read-only file system", "/data")), StoreReadOnly)


async def test_killed_while_it_writes(path: Path) -> None:
    """Killed again and again in a stream of writes, a store holds every write that was acknowledged, and is whole."""
    command = [sys.executable, "-m", "tests.support.kill_store_writer", "cycles", str(path), str(CYCLES)]
    run = partial(subprocess.run, command, capture_output=True, text=True, timeout=90, check=True)
    promised = (await asyncio.to_thread(run)).stdout.split()
    assert {name.partition("-")[0] for name in promised} == {f"c{cycle}" for cycle in range(CYCLES)}
    async with stores(url_of(path)) as store:
        kept = {name for (name,) in await store.sql("SELECT name FROM facts")}
        assert await store.one("PRAGMA integrity_check") == "ok"
    assert set(promised) - kept == set()
