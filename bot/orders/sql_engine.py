"""Connections to a shop's database, each with its time limits: SQLite and PostgreSQL.

The shop's own programs use the database at the same time, so nothing is set that would outlive the connection.
"""

from __future__ import annotations

import math
import socket
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from bot.errors import OrderSystemDown, OrderSystemError, OrderSystemGarbled, OrderSystemTimeout
from bot.orders.sql_settings import SqlSettings

_MILLISECONDS = 1000
_WORDS = 200
# Of PostgreSQL's classes of errors: values, rules, names and features, of which none is another at the next try.
_MISFITS = ("22", "23", "3F", "42", "0A", "P0")
_SQLITE_MISFITS = ("no such", "syntax error", "has no column", "ambiguous")
# And those that end a connection, which may have got as far as the commit.
_UNSURE_CLASSES = ("08", "57", "58", "XX")


def make_engine(settings: SqlSettings, *, writes: bool) -> Engine:
    """Return an engine without a pool, for one connection that is held; only one that `writes` can change anything."""
    if settings.url.get_backend_name() == "sqlite":
        return _sqlite(settings, writes=writes)
    return _postgresql(settings, writes=writes)


def interrupt(connection: Any) -> None:
    """Break off what a driver's connection is waiting for in another thread; it is of no use afterwards."""
    if isinstance(connection, sqlite3.Connection):
        connection.interrupt()
        return
    # The thread that waits for the server sees the end of the line at once, whatever the server does.
    with socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as line:
        line.shutdown(socket.SHUT_RDWR)


def order_error(error: Exception) -> OrderSystemError:
    """Return what an error before the commit means: nothing was done, and it may go better later, or never will."""
    if isinstance(error, OrderSystemError):
        return error
    if _may_go_better(error):
        return OrderSystemDown(f"the shop's database did not do it, and nothing was changed: {first_words(error)}")
    return OrderSystemGarbled(f"the shop's database and its mapping do not fit: {first_words(error)}")


def _may_go_better(error: Exception) -> bool:
    if not isinstance(error, DBAPIError):
        return isinstance(error, OSError)
    if isinstance(error.orig, sqlite3.Error):
        # SQLite calls a missing table or column an operational error, too.
        return isinstance(error, OperationalError) and not any(part in str(error.orig) for part in _SQLITE_MISFITS)
    state = sqlstate(error)
    return not state.startswith(_MISFITS) if state else isinstance(error, OperationalError | InterfaceError)


def commit_error(error: Exception, connection: Any) -> OrderSystemError:
    """Return what an error of the commit itself means; `connection` is the driver's."""
    words = first_words(error)
    if isinstance(connection, sqlite3.Connection):
        sure = connection.in_transaction
    else:
        state = sqlstate(error)
        sure = bool(state) and not state.startswith(_UNSURE_CLASSES)
    if is_refusal(error):
        return OrderSystemGarbled(
            f"the statements break a rule of the shop's database, and nothing was changed: {words}"
        )
    if sure:
        return OrderSystemDown(f"the shop's database did not commit it, and nothing was changed: {words}")
    return OrderSystemTimeout(f"the shop's database went away during the commit; it may have been done: {words}")


def is_refusal(error: Exception) -> bool:
    """Tell whether the database refused a change by a rule of the shop's: a constraint, or a trigger that raises."""
    if not isinstance(error, DBAPIError):
        return False
    return isinstance(error.orig, sqlite3.IntegrityError) or sqlstate(error).startswith(("23", "P0001"))


def sqlstate(error: Exception) -> str:
    """Return PostgreSQL's code of an error, or ""."""
    return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")


def first_words(error: Exception) -> str:
    """Return the first line of what the database says: the next ones repeat rows."""
    found = error.orig if isinstance(error, DBAPIError) else error
    lines = str(found).strip().splitlines()
    return lines[0][:_WORDS] if lines and isinstance(error, SQLAlchemyError | OSError) else type(error).__name__


# --- SQLite ---


def _sqlite(settings: SqlSettings, *, writes: bool) -> Engine:
    path = Path(str(settings.url.database)).resolve()

    def connect() -> sqlite3.Connection:
        # "rw" makes no file where there is none, and can still read one that may only be read.
        return sqlite3.connect(
            f"{path.as_uri()}?mode=rw",
            uri=True,
            timeout=settings.timeout_s,
            isolation_level=None,
            check_same_thread=False,
        )

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    # A transaction that reads before it writes must hold the lock from the start.
    _on_begin(engine, "BEGIN IMMEDIATE" if writes else "BEGIN")
    # Checkpoints are left to the shop: two writers that both make them can spoil the file in older SQLites.
    pragmas = ("foreign_keys=ON", "synchronous=FULL") if writes else ("query_only=ON",)
    event.listen(engine, "connect", partial(_pragmas, (*pragmas, "wal_autocheckpoint=0")))
    return engine


def _on_begin(engine: Engine, statement: str) -> None:
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    event.listen(engine, "begin", begin)


def _pragmas(pragmas: tuple[str, ...], connection: sqlite3.Connection, _record: object) -> None:
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")


# --- PostgreSQL ---


def _postgresql(settings: SqlSettings, *, writes: bool) -> Engine:
    engine = create_engine(
        settings.url,
        poolclass=NullPool,
        hide_parameters=True,
        # All that is read for one answer is of one moment.
        isolation_level="READ COMMITTED" if writes else "REPEATABLE READ",
        connect_args={
            "connect_timeout": max(2, math.ceil(settings.timeout_s)),
            "application_name": "deskhand",
            # A pooler in between may hand every transaction to another server process.
            "prepare_threshold": None,
        },
    )
    event.listen(engine, "connect", _postgresql_session(settings, writes=writes))
    return engine


def _postgresql_session(settings: SqlSettings, *, writes: bool) -> Callable[[Any, object], None]:
    limit = str(math.ceil(settings.timeout_s * _MILLISECONDS))
    session = {
        "statement_timeout": limit,
        "lock_timeout": limit,
        # Should this machine go away in the middle, the order is soon free again.
        "idle_in_transaction_session_timeout": limit,
        "TimeZone": settings.zone.key,
        "default_transaction_read_only": "off" if writes else "on",
    }

    def begin(connection: Any, _record: object) -> None:
        for name, value in session.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        connection.commit()

    return begin
