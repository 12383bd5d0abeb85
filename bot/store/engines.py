"""Connections to the database: how they are opened, how they are tuned, and what their errors mean to us."""

from __future__ import annotations

import errno
import importlib
import sqlite3
from functools import partial
from types import ModuleType
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from bot.errors import StoreBusy, StoreError, StoreFull, StoreReadOnly

BUSY_TIMEOUT_S = 5.0
READERS = 2
_SAFE_SQLITE = ((3, 51, 3), (3, 50, 7), (3, 44, 6))


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
        "cache_size=-4000",
        "wal_autocheckpoint=4000",
    )


def _reader_pragmas(connection: Any, _record: object) -> None:
    _pragmas(connection, "busy_timeout=5000", "query_only=ON", "wal_autocheckpoint=0", "cache_size=-2000")
