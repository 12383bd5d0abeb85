"""One database, one writer.

SQLite 3.7.0 to 3.51.2 can corrupt a WAL database when two connections write or checkpoint. Here a single connection,
owned by one thread, does all writing and checkpointing; readers are read-only. Units of work that arrive while the disk
is busy are committed together, so that one fsync serves many turns.

The `+aiosqlite` and other async driver names are accepted; the statements themselves run on this module's own threads
through SQLAlchemy's synchronous core, so that a unit of work costs one thread hop and not several a statement.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from bot.errors import StoreError
from bot.store.engines import BUSY_TIMEOUT_S, READERS, reader_engine, store_error, writer_engine

log = logging.getLogger(__name__)
T = TypeVar("T")
Work = Callable[[Connection], T]
Joint = Callable[[Connection, Sequence[T]], None]
"""Work that is cheaper for many items at once than for each alone."""

MAX_BATCH = 64


@dataclass(slots=True)
class _Unit:
    """A unit of work, or an item of a joint one, and where the result goes."""

    work: Work[Any] | None
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    joint: Joint[Any] | None = None
    item: Any = None

    def settle(self, result: Any, error: BaseException | None) -> None:
        """Hand the result over to the waiting task, unless it has gone away."""
        if self.future.done():
            return
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class Database:
    """The store's connection. Open it with `Database.open(url)`; always await `close()`."""

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self._engine = engine
        self._reader = reader
        self._queue: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._writer = threading.Thread(target=self._write_forever, name="store-write", daemon=True)
        self._writer.start()
        self._closed = False

    @classmethod
    def open(cls, url: str, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Database:
        """Open the database at a SQLAlchemy URL; a missing SQLite file and its folder are made.

        Args:
            busy_timeout_s: how long to wait for another process that holds the database.

        Raises:
            StoreError: the folder or the file cannot be used.
        """
        parsed = make_url(url)
        try:
            if parsed.database and parsed.get_backend_name() == "sqlite":
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            engine, reader = writer_engine(parsed, busy_timeout_s), reader_engine(parsed)
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError) as error:
            raise store_error(error) from error
        return cls(engine, reader)

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction and return when it is on the disk.

        `work` may run twice (alone, after its batch failed), so it must touch nothing but its connection.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(_Unit(work, loop, future))
        return await future

    async def write_jointly(self, joint: Joint[T], item: T) -> None:
        """Like `write`; items that wait for the same joint work are given to it together, in the place of the first."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._put(_Unit(None, loop, future, joint, item))
        await future

    def _put(self, unit: _Unit) -> None:
        if self._closed:
            raise StoreError("The database is closed")
        self._queue.put(unit)

    async def read(self, work: Work[T]) -> T:
        """Run `work` on a read-only connection; it sees everything committed before."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def _read(self, work: Work[T]) -> T:
        try:
            with self._reader.connect() as connection:
                return work(connection)
        except SQLAlchemyError as error:
            raise store_error(error) from error

    async def close(self) -> None:
        """Finish what is queued, then let go. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._writer.join)
        self._readers.shutdown()
        self._reader.dispose()
        self._engine.dispose()

    # --- the writer's thread ---

    def _write_forever(self) -> None:
        while (unit := self._queue.get()) is not None:
            batch = [unit, *self._drain()]
            self._settle(batch, self._commit(batch))

    def _drain(self) -> list[_Unit]:
        """Take what else is waiting, so that it shares the fsync."""
        units: list[_Unit] = []
        while len(units) < MAX_BATCH - 1:
            try:
                unit = self._queue.get_nowait()
            except queue.Empty:
                break
            if unit is None:
                self._queue.put(None)
                break
            units.append(unit)
        return units

    def _commit(self, batch: list[_Unit]) -> list[tuple[Any, BaseException | None]]:
        """Commit a batch in one transaction; if a unit fails, each alone, so that none pays for another's fault."""
        begun = False
        try:
            with self._engine.begin() as connection:
                begun = True
                return [(result, None) for result in _run(connection, batch)]
        except Exception as error:  # noqa: BLE001 (the writer's edge: it goes to the unit's own task)
            # Without a transaction it is nobody's fault, and alone each would wait as long for the lock again.
            if len(batch) == 1 or not begun:
                return [(None, store_error(error)) for _ in batch]
        return [self._commit([unit])[0] for unit in batch]

    @staticmethod
    def _settle(batch: list[_Unit], results: list[tuple[Any, BaseException | None]]) -> None:
        """Wake each event loop once, however many units it has in the batch."""

        def wake(units: list[tuple[_Unit, tuple[Any, BaseException | None]]]) -> None:
            for unit, (result, error) in units:
                unit.settle(result, error)

        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Unit, tuple[Any, BaseException | None]]]] = {}
        for unit, result in zip(batch, results, strict=True):
            by_loop.setdefault(unit.loop, []).append((unit, result))
        for loop, units in by_loop.items():
            try:
                loop.call_soon_threadsafe(wake, units)
            except RuntimeError:
                # The loop is gone, and with it everyone who waited; the work itself is committed.
                log.debug("store.waiter_gone")


def _run(connection: Connection, batch: Sequence[_Unit]) -> list[Any]:
    """Run the units in order and return their results."""
    items: dict[Joint[Any], list[Any]] = {}
    for unit in batch:
        if unit.joint is not None:
            items.setdefault(unit.joint, []).append(unit.item)
    results: list[Any] = []
    for unit in batch:
        if unit.joint is not None and unit.joint in items:
            unit.joint(connection, items.pop(unit.joint))
        results.append(unit.work(connection) if unit.work is not None else None)
    return results
