"""One database, one writer.

SQLite 3.7.0 to 3.51.2 can corrupt a WAL database when two connections write or checkpoint. Here a single connection,
owned by one thread, does all writing and checkpointing; readers are read-only. Units of work that arrive while the disk
is busy are committed together, so that one fsync serves many turns.

The `+aiosqlite` and other async driver names are accepted; the statements themselves run on this module's own threads
through SQLAlchemy's synchronous core, so that a unit of work costs one thread hop and not several a statement.
"""

from __future__ import annotations

import asyncio
import errno
import importlib
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from bot.errors import StoreBusy, StoreError, StoreFull, StoreReadOnly

log = logging.getLogger(__name__)
T = TypeVar("T")
Work = Callable[[Connection], T]

MAX_BATCH = 64
BUSY_TIMEOUT_S = 5.0
READERS = 2
_SAFE_SQLITE = ((3, 51, 3), (3, 50, 7), (3, 44, 6))


@dataclass(slots=True)
class _Unit:
    """A unit of work and where its result goes."""

    work: Work[Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]

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
                return [(unit.work(connection), None) for unit in batch]
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


def store_error(error: BaseException) -> BaseException:
    """Map a database driver's error to ours; anything else stays what it is.

    So does a statement that breaks a rule of the schema: it is a mistake of ours, which no waiting heals.
    """
    if isinstance(error, OSError):
        kind = StoreFull if error.errno == errno.ENOSPC else StoreReadOnly
        return kind(f"The database's folder cannot be used: {error.strerror}: {error.filename}")
    if not isinstance(error, SQLAlchemyError) or isinstance(error, IntegrityError | DataError):
        return error
    words = str(error.orig if isinstance(error, DBAPIError) else error)
    kinds: tuple[tuple[tuple[str, ...], type[StoreError]], ...] = (
        (("disk is full", "No space left"), StoreFull),
        (("readonly", "read-only", "unable to open"), StoreReadOnly),
        (("locked", "busy"), StoreBusy),
    )
    for needles, found in kinds:
        if any(needle in words for needle in needles):
            return found(f"{found.__doc__} ({words})")
    return StoreError(words)


# --- engines ---


def sqlite_module() -> ModuleType:
    """Return the SQLite driver to use: the standard one, or pysqlite3 where that brings a newer library."""
    try:
        bundled = importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return sqlite3
    return bundled if bundled.sqlite_version_info > sqlite3.sqlite_version_info else sqlite3


def sqlite_note() -> str:
    """Say which SQLite serves, and what keeps its WAL safe."""
    version = sqlite_module().sqlite_version_info
    fixed = version >= _SAFE_SQLITE[0] or any(version[:2] == safe[:2] and version >= safe for safe in _SAFE_SQLITE)
    why = "the WAL fault is fixed in it" if fixed else "one connection does all writing and checkpointing"
    return f"SQLite {'.'.join(map(str, version))}: {why}"


def writer_engine(url: URL, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Engine:
    """Return an engine with a single connection that writes."""
    if url.get_backend_name() != "sqlite":
        return create_engine(_synchronous(url), hide_parameters=True, pool_size=1, max_overflow=0)
    engine = create_engine(
        url.set(drivername="sqlite"),
        module=sqlite_module(),
        hide_parameters=True,
        poolclass=StaticPool,
        connect_args={"check_same_thread": False},
    )
    _begin_immediate(engine)
    event.listen(engine, "connect", partial(_writer_pragmas, busy_timeout_s))
    return engine


def reader_engine(url: URL) -> Engine:
    """Return an engine that only reads."""
    if url.get_backend_name() != "sqlite":
        return create_engine(_synchronous(url), hide_parameters=True, pool_size=READERS, isolation_level="AUTOCOMMIT")
    engine = create_engine(
        url.set(drivername="sqlite"),
        module=sqlite_module(),
        hide_parameters=True,
        pool_size=READERS,
        connect_args={"check_same_thread": False},
        isolation_level="AUTOCOMMIT",
    )
    event.listen(engine, "connect", _reader_pragmas)
    return engine


def _synchronous(url: URL) -> URL:
    return url.set(drivername="postgresql+psycopg") if url.get_backend_name() == "postgresql" else url


def _begin_immediate(engine: Engine) -> None:
    """Make every write transaction take the lock at its start: a deferred one that reads first fails with BUSY."""

    def connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)


def _pragmas(connection: Any, *pragmas: str) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _writer_pragmas(busy_timeout_s: float, connection: Any, _record: object) -> None:
    _pragmas(
        connection,
        f"busy_timeout={1000 * busy_timeout_s:.0f}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        "cache_size=-8000",
        "wal_autocheckpoint=4000",
    )


def _reader_pragmas(connection: Any, _record: object) -> None:
    _pragmas(connection, "busy_timeout=5000", "query_only=ON", "wal_autocheckpoint=0", "cache_size=-4000")
