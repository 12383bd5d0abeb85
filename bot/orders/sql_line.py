"""One thread with one connection to the shop's database.

A thread, and not an asynchronous driver: SQLite has none, so both databases go the same way, nothing more is installed,
and what a call came to is known exactly. A call that is too late is either taken back before its commit, so that surely
nothing was done, or it was in its commit and may have been done.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import SQLAlchemyError

from bot.errors import OrderSystemDown, OrderSystemError, OrderSystemGarbled, OrderSystemTimeout
from bot.orders.sql_engine import commit_error, interrupt, order_error

T = TypeVar("T")

COMMIT_GRACE_S = 1.0


class _State(Enum):
    """How far a job is."""

    BEGUN = auto()
    COMMITTING = auto()
    GIVEN_UP = auto()


class _Job(Generic[T]):
    """One transaction."""

    def __init__(self, work: Callable[[Connection], T]) -> None:
        self.work = work
        self.state = _State.BEGUN


class Line:
    """Runs transactions one after the other.

    Args:
        make: makes the engine, in the thread, at the first call.
        limit_s: how long a call may take, its wait for the calls before it included.
    """

    def __init__(self, name: str, make: Callable[[], Engine], limit_s: float) -> None:
        self._make = make
        self._limit_s = limit_s
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._current: _Job[Any] | None = None
        self._engine: Engine | None = None
        self._connection: Connection | None = None
        self._driver: Any = None
        self._closed = False

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction and commit it.

        Raises:
            OrderSystemDown: surely nothing was done.
            OrderSystemTimeout: the commit may have been done.
            OrderSystemGarbled: what came back makes no sense; nothing was done.
        """
        if self._closed:
            raise OrderSystemDown("the connection to the shop's database is closed")
        job = _Job(work)
        future = asyncio.wrap_future(self._thread.submit(self._do, job))
        try:
            await asyncio.wait({future}, timeout=self._limit_s)
            if not future.done() and self._give_up(job):
                raise OrderSystemDown("the shop's database did not answer in time, and nothing was changed")
            await asyncio.wait({future}, timeout=COMMIT_GRACE_S)
            if not future.done():
                raise OrderSystemTimeout("the shop's database did not answer the commit in time")
            return future.result()
        finally:
            # Whoever waited may have gone away in the middle.
            if not future.done():
                self._give_up(job)
                future.cancel()

    async def close(self) -> None:
        """Let go of the connection. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        closing = asyncio.wrap_future(self._thread.submit(self._disconnect))
        await asyncio.wait({closing}, timeout=COMMIT_GRACE_S)
        if not closing.done():
            self._break_off()
        self._thread.shutdown(wait=False)

    # --- what may be called from any thread ---

    def _give_up(self, job: _Job[Any]) -> bool:
        """Take a job back; False when it is too late, because it commits."""
        with self._lock:
            if job.state is _State.COMMITTING:
                return False
            job.state = _State.GIVEN_UP
            if self._current is job:
                self._break_off()
            return True

    def _break_off(self) -> None:
        driver, engine = self._driver, self._engine
        if driver is not None and engine is not None:
            # It may just have broken by itself.
            with contextlib.suppress(OSError, ValueError, engine.dialect.loaded_dbapi.Error):
                interrupt(driver)

    # --- in the thread ---

    def _do(self, job: _Job[T]) -> T:
        try:
            return self._transaction(job)
        except OrderSystemError:
            raise
        # What the driver and the shop's values may raise has no list; the thread's edge gives all of it a meaning.
        except Exception as error:
            raise order_error(error) from error
        finally:
            with self._lock:
                self._current = None

    def _transaction(self, job: _Job[T]) -> T:
        connection = self._connected()
        self._enter(job, _State.BEGUN)
        try:
            transaction = connection.begin()
            result = job.work(connection)
            self._enter(job, _State.COMMITTING)
            self._commit(transaction)
            return result
        except OrderSystemGarbled:
            # The connection is well; what stands in the database is not.
            connection.rollback()
            raise
        except BaseException:
            # Nobody knows what the connection is worth now, and a new one costs little.
            self._disconnect()
            raise

    def _commit(self, transaction: RootTransaction) -> None:
        try:
            transaction.commit()
        except SQLAlchemyError as error:
            raise commit_error(error, self._driver) from error

    def _enter(self, job: _Job[Any], state: _State) -> None:
        """Go on with a job, unless it was given up: from here on the two cannot both happen."""
        with self._lock:
            if job.state is _State.GIVEN_UP:
                raise OrderSystemDown("the call was given up, and nothing was changed")
            job.state = state
            self._current = job

    def _connected(self) -> Connection:
        if self._engine is None:
            self._engine = self._make()
        if self._connection is None:
            self._connection = self._engine.connect()
            self._driver = self._connection.connection.dbapi_connection
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection, self._driver = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError, OSError):
                connection.close()
