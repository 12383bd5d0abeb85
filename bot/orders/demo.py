"""The demo shop: an order system in one SQLite file, so that everything can be tried without a shop of one's own.

It stands for any order system outside Deskhand. So it has its own file and its own connection, keeps its own rules
(cancel what is pending, take back what was delivered), and knows nothing of threads, ledgers or policies.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from bot.domain.actions import ActionKind
from bot.domain.model import Order, Reason, ReturnLine, Scope, WriteAnswer
from bot.domain.ports import Identity
from bot.errors import OrderSystemDown, OrderSystemError, OrderSystemGarbled
from bot.orders import demo_database as database
from bot.orders import demo_file as file
from bot.orders.checks import checked_order
from bot.orders.demo_writes import Request, write_once, written
from bot.orders.numbers import plain

T = TypeVar("T")

DEFAULT_PATH = "data/demo-shop.db"


@dataclass(frozen=True, slots=True)
class Person:
    """A customer of the demo shop, with everything the demo page may show; `orders` are newest first."""

    id: str
    name: str
    language: str
    phone: str
    email: str
    orders: tuple[Order, ...]


class DemoShop:
    """The adapter `demo`. Nothing is opened before the first call.

    Args:
        path: the SQLite file; it is made and filled with invented customers when it is missing.
        today: aware; the day around which invented orders are dated.
    """

    name: ClassVar[str] = "demo"
    number_shapes: Sequence[str] = (r"ORD\d{11}",)
    honours_keys: bool = True

    def __init__(self, path: Path | str, *, today: datetime) -> None:
        self._path = Path(path)
        self._today = today.astimezone(UTC)
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        # One thread owns the connection, so calls are served one at a time and the event loop never waits for a disk.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="demo-shop")

    @classmethod
    def open(cls, path: Path | str) -> DemoShop:
        """Return the shop in this file; if it must be made, its orders are dated around now."""
        return cls(path, today=datetime.now(UTC))

    @classmethod
    def from_options(cls, options: Mapping[str, Any], base_dir: Path) -> DemoShop:
        """Build it from the configuration's table: `path`, taken from `base_dir` when it is relative.

        Raises:
            ValueError: naming the option that is unknown or wrong.
        """
        if unknown := sorted(options.keys() - {"path"}):
            raise ValueError(f"orders.demo has no option {unknown[0]!r}; it has: path")
        path = options.get("path", DEFAULT_PATH)
        if not isinstance(path, str) or not path.strip():
            raise ValueError(f'orders.demo.path must be a file name such as "{DEFAULT_PATH}"')
        return cls.open(base_dir / path)

    async def identify_by_phone(self, phone: str) -> tuple[str, str] | None:
        """Return (customer id, name) of the only customer with this E.164 number, or None."""
        return await self._call(lambda db: database.customer_by_phone(db, phone))

    async def identify_by_order(self, number: str, *, email: str | None, phone_last4: str | None) -> str | None:
        """Return whose order this is, if what is given of e-mail and last four digits is right, and something is."""
        return await self._call(lambda db: database.customer_by_order(db, plain(number), email, phone_last4))

    async def customer_of(self, number: str) -> Identity | None:
        """Return (customer id, name) of the customer whose order this is."""
        return await self._call(lambda db: database.customer_of(db, plain(number)))

    async def orders(self, scope: Scope, limit: int) -> Sequence[Order]:
        """Return the customer's orders, newest first."""
        return await self._call(lambda db: database.orders_of(db, scope.customer_id, limit))

    async def order(self, scope: Scope, number: str) -> Order | None:
        """Return the customer's order of this number; None if there is none, or it is not theirs."""
        return await self._call(lambda db: database.order_of(db, scope.customer_id, plain(number)))

    async def cancel(self, scope: Scope, number: str, *, key: str, reason: Reason | None = None) -> WriteAnswer:
        """Cancel a pending order and say what is refunded, once per key.

        Raises:
            OrderSystemGarbled: when the key was used for something else.
        """
        request = Request(ActionKind.CANCEL_ORDER, scope.customer_id, plain(number), key, reason)
        return await self._call(lambda db: write_once(db, request))

    async def request_return(
        self, scope: Scope, number: str, *, key: str, reason: Reason | None = None, lines: Sequence[ReturnLine] = ()
    ) -> WriteAnswer:
        """Open a return of a delivered order, or of some of its lines, and say its RMA, once per key; see `cancel`."""
        request = Request(ActionKind.RETURN_APPLY, scope.customer_id, plain(number), key, reason, lines)
        return await self._call(lambda db: write_once(db, request))

    async def outcome(self, scope: Scope, number: str, action: ActionKind, *, key: str) -> WriteAnswer | None:
        """Return what the write of this key was answered; None when it never came in."""
        request = Request(action, scope.customer_id, plain(number), key)
        return await self._call(lambda db: written(db, request))

    async def examine(self) -> Sequence[str]:
        """Read the newest order, and say what is wrong with it."""
        return await self._call(_examine)

    async def people(self) -> tuple[Person, ...]:
        """Return every customer with their orders. Only for the demo page: the bot never asks this."""
        return await self._call(_people)

    async def ping(self) -> None:
        """Raise OrderSystemError unless the file can be read."""
        await self._call(file.check)

    async def close(self) -> None:
        """Close the file; later calls raise OrderSystemDown."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    async def _call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            raise OrderSystemDown("the demo shop is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do it in the shop's thread. Every change is a transaction, so an error before its commit left nothing."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            return work(self._connection)
        except OrderSystemError:
            raise
        except (sqlite3.OperationalError, OSError) as error:
            # The next call opens the file anew: a disk that failed leaves a connection that fails for ever.
            self._disconnect()
            raise OrderSystemDown(f"the demo shop cannot use {self._path}: {error}") from error
        except (sqlite3.Error, ValueError, ArithmeticError) as error:
            raise OrderSystemGarbled(f"the demo shop cannot make sense of {self._path}: {error}") from error

    def _connect(self) -> sqlite3.Connection:
        return file.connect(self._path, self._today)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _people(db: sqlite3.Connection) -> tuple[Person, ...]:
    return tuple(
        Person(*row, orders=tuple(database.orders_of(db, row[0], limit=1000))) for row in database.customers(db)
    )


def _examine(db: sqlite3.Connection) -> Sequence[str]:
    order = database.newest_order(db)
    if order is None:
        return ["The demo shop has no orders; move its file away and a new one is made"]
    try:
        checked_order(order)
    except OrderSystemGarbled as error:
        return [str(error)]
    return []
