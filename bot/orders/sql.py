"""The adapter `sql`: any shop whose database is SQLite or PostgreSQL, by a mapping in TOML; see docs/orders-sql.md."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from sqlalchemy import Connection, text

from bot.domain.actions import ActionKind
from bot.domain.model import Order, Reason, ReturnLine, Scope, WriteAnswer
from bot.domain.ports import Identity
from bot.orders.numbers import plain
from bot.orders.sql_engine import make_engine
from bot.orders.sql_examine import Examination
from bot.orders.sql_line import Line
from bot.orders.sql_queries import customer_value, number_value
from bot.orders.sql_reads import Customer, Reads
from bot.orders.sql_settings import SqlSettings, read_settings
from bot.orders.sql_writes import NO_SUCH_ORDER, Request, Writes

T = TypeVar("T")

_E164 = re.compile(r"\+[0-9]{5,15}")


class SqlShop:
    """A shop's own database. Nothing is opened before the first call.

    Questions and changes have a connection each, so that a change that waits for another program delays no question.
    """

    name: ClassVar[str] = "sql"

    def __init__(self, settings: SqlSettings) -> None:
        self._settings = settings
        self._reads = Reads(settings)
        self._writes = Writes(settings, self._reads)
        self._reader = Line("orders-sql-read", partial(make_engine, settings, writes=False), settings.timeout_s)
        self._writer = Line("orders-sql-write", partial(make_engine, settings, writes=True), settings.timeout_s)
        self.number_shapes: Sequence[str] = settings.number_shapes
        self.honours_keys: bool = settings.ledger is not None

    @classmethod
    def from_options(cls, options: Mapping[str, Any], base_dir: Path) -> SqlShop:
        """Build it from the configuration's table; relative file names start from `base_dir`.

        Raises:
            ValueError: naming the option that is unknown or wrong, and the remedy.
        """
        settings = read_settings(options, base_dir)
        if settings.url.get_backend_name() == "postgresql" and importlib.util.find_spec("psycopg") is None:
            raise ValueError("orders.sql.url: PostgreSQL needs its driver: pip install 'deskhand[postgresql]'")
        return cls(settings)

    async def identify_by_phone(self, phone: str) -> Identity | None:
        """Return (customer id, name) of the only customer with this E.164 number, or None."""
        e164 = phone if _E164.fullmatch(phone) else None
        return await self._read(lambda db: None if e164 is None else self._reads.identify_by_phone(db, e164))

    async def identify_by_order(self, number: str, *, email: str | None, phone_last4: str | None) -> str | None:
        """Return whose order this is, if what is given of e-mail and last four digits is right, and something is."""
        found = await self._about(number, lambda db, at: self._reads.identify_by_order(db, at, email, phone_last4))
        return None if found is None else found[0]

    async def customer_of(self, number: str) -> Identity | None:
        """Return (customer id, name) of the customer whose order this is."""
        return await self._about(number, self._reads.customer_of)

    async def orders(self, scope: Scope, limit: int) -> Sequence[Order]:
        """Return the customer's orders, newest first."""
        customer = self._customer(scope)
        return await self._read(lambda db: [] if customer is None else self._reads.orders_of(db, customer, limit))

    async def order(self, scope: Scope, number: str) -> Order | None:
        """Return the customer's order of this number; None if there is none, or it is not theirs."""
        customer = self._customer(scope)
        if customer is None:
            return await self._read(lambda _: None)
        found = await self._about(number, lambda db, at: self._reads.order_of(db, customer, at))
        return None if found is None else found.order

    async def cancel(self, scope: Scope, number: str, *, key: str, reason: Reason | None = None) -> WriteAnswer:
        """Cancel an order with the mapping's statements, once per key.

        Raises:
            OrderSystemGarbled: when the key was used for something else.
        """
        return await self._write(ActionKind.CANCEL_ORDER, scope, number, key, reason)

    async def request_return(
        self, scope: Scope, number: str, *, key: str, reason: Reason | None = None, lines: Sequence[ReturnLine] = ()
    ) -> WriteAnswer:
        """Open a return with the mapping's statements, once per key; see `cancel`."""
        return await self._write(ActionKind.RETURN_APPLY, scope, number, key, reason, lines)

    async def outcome(self, scope: Scope, number: str, action: ActionKind, *, key: str) -> WriteAnswer | None:
        """Return what the write of this key came to; None when it surely had no effect.

        It waits for its turn on the connection that writes, behind a write that was given up a moment ago.
        """
        request = self._request(action, scope, number, key)
        return await self._writer.run(lambda db: None if request is None else self._writes.outcome(db, request))

    async def examine(self) -> Sequence[str]:
        """Say what of the mapping does not fit the database, changing nothing."""
        return await self._read(Examination(self._settings, self._reads).run)

    async def ping(self) -> None:
        """Raise OrderSystemError unless the database answers."""
        await self._read(lambda db: db.execute(text("SELECT 1")).all())

    async def close(self) -> None:
        """Let go of the connections; later calls raise OrderSystemDown."""
        await self._reader.close()
        await self._writer.close()

    async def _read(self, work: Callable[[Connection], T]) -> T:
        return await self._reader.run(work)

    async def _about(self, number: str, work: Callable[[Connection, str], T | None]) -> T | None:
        """Ask about the order of a number; one that can be none is asked for as well, so that it takes the same way."""
        found = number_value(plain(number), self._settings.number_type)
        return await self._read(lambda db: None if found is None else work(db, found))

    async def _write(
        self,
        action: ActionKind,
        scope: Scope,
        number: str,
        key: str,
        reason: Reason | None,
        lines: Sequence[ReturnLine] = (),
    ) -> WriteAnswer:
        request = self._request(action, scope, number, key, reason, lines)
        return await self._writer.run(
            lambda db: NO_SUCH_ORDER if request is None else self._writes.write_once(db, request)
        )

    def _request(
        self,
        action: ActionKind,
        scope: Scope,
        number: str,
        key: str,
        reason: Reason | None = None,
        lines: Sequence[ReturnLine] = (),
    ) -> Request | None:
        """Return what is asked for; None when no order of this shop can be meant."""
        customer, found = self._customer(scope), number_value(plain(number), self._settings.number_type)
        if customer is None or found is None:
            return None
        return Request(action, customer, found, key, reason, tuple(lines))

    def _customer(self, scope: Scope) -> Customer | None:
        return customer_value(scope.customer_id, self._settings.id_type)
