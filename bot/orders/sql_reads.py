"""Reading a shop's database: orders with their lines for one customer, and who a customer is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping

from bot.domain.model import Order
from bot.domain.ports import Identity
from bot.errors import OrderSystemGarbled
from bot.orders.numbers import plain
from bot.orders.phones import to_e164
from bot.orders.sql_queries import MOST_PHONES, Queries
from bot.orders.sql_rows import Reader, customer_of, text_of
from bot.orders.sql_settings import SqlSettings

Customer = str | int
"""A customer id as the database keeps it."""


@dataclass(frozen=True, slots=True)
class Found:
    """An order, and what statements about it are given as the database holds it."""

    order: Order
    id: Any
    number: Any
    status: Any


class Reads:
    """What is asked within a transaction. Every method raises OrderSystemGarbled when a row makes no sense."""

    def __init__(self, settings: SqlSettings) -> None:
        self._settings = settings
        self.queries = Queries(settings)
        self.reader = Reader(settings)

    def orders_of(self, connection: Connection, customer: Customer, limit: int) -> list[Order]:
        """Return a customer's newest orders, newest first."""
        rows = _rows(connection, self.queries.orders_of(customer, max(limit, 0)))
        return [found.order for found in self._found(connection, customer, rows)]

    def order_of(self, connection: Connection, customer: Customer, number: str) -> Found | None:
        """Return a customer's order of this plain number.

        Raises:
            OrderSystemGarbled: also when two of the customer's orders have it.
        """
        # Two numbers of the database may be alike but for what a separator of another kind makes of them.
        rows = [
            row
            for row in _rows(connection, self.queries.order_of(customer, number))
            if plain(str(row["number_0"])) == number
        ]
        if len(rows) > 1:
            raise OrderSystemGarbled("the shop's database makes no sense: a customer has two orders of one number")
        return next(iter(self._found(connection, customer, rows)), None)

    def hold(self, connection: Connection, customer: Customer, number: str) -> None:
        """Wait for whoever else changes this order, and keep them out until the end of the transaction."""
        connection.execute(self.queries.locked_order_of(customer, number)).all()

    def identify_by_phone(self, connection: Connection, e164: str) -> Identity | None:
        """Return the only customer with this number."""
        phones = self.queries.phones
        if phones is None:
            return None
        rows = _rows(connection, self.queries.with_phone(e164))
        if len(rows) > MOST_PHONES:
            # Among so many, another customer with the very same number may have been left out.
            return None
        ids = [row["customer_0"] for row in rows if self._e164(text_of(phones.mapping, "phone", row)) == e164]
        known = _rows(connection, self.queries.customers_of(ids)) if ids else []
        return self._only(known)

    def identify_by_order(
        self, connection: Connection, number: str, email: str | None, last4: str | None
    ) -> Identity | None:
        """Return whose order this is, if what is given of e-mail and last four digits is right, and something is."""
        owners = _rows(connection, self.queries.owners_of(number))
        phones = self._phones_of_owner(connection, number)
        if len(owners) != 1 or (email is None and last4 is None):
            return None
        found, name, known_email = customer_of(self._settings.customers, owners[0])
        if email is not None and (not known_email or email.strip().casefold() != known_email.casefold()):
            return None
        if last4 is not None and not (len(last4) == 4 and any(phone.endswith(last4) for phone in phones)):
            return None
        return found, name

    def customer_of(self, connection: Connection, number: str) -> Identity | None:
        """Return whose order this is."""
        return self._only(_rows(connection, self.queries.owners_of(number)))

    def _phones_of_owner(self, connection: Connection, number: str) -> list[str]:
        phones = self.queries.phones
        if phones is None:
            return []
        rows = _rows(connection, self.queries.phones_of_owners(number))
        # Only digits are left: whatever else ends a number cannot be four digits.
        return [plain(text_of(phones.mapping, "phone", row)) for row in rows]

    def _only(self, rows: Sequence[RowMapping]) -> Identity | None:
        if len(rows) != 1:
            return None
        return customer_of(self._settings.customers, rows[0])[:2]

    def _e164(self, phone: str) -> str | None:
        return to_e164(phone, self._settings.phone_region) if self._settings.phones_as_written else phone

    def _found(self, connection: Connection, customer: Customer, rows: Sequence[RowMapping]) -> list[Found]:
        lines = self._lines(connection, customer, [row["id_0"] for row in rows])
        return [
            Found(
                self.reader.order(row, lines.get(str(row["id_0"]), ())),
                row["id_0"],
                row["number_0"],
                row.get("status_0"),
            )
            for row in rows
        ]

    def _lines(self, connection: Connection, customer: Customer, ids: Sequence[Any]) -> dict[str, list[RowMapping]]:
        lines: dict[str, list[RowMapping]] = defaultdict(list)
        if self.queries.items is not None and ids:
            for row in _rows(connection, self.queries.items_of(customer, ids)):
                lines[str(row["order_0"])].append(row)
        return lines


def _rows(connection: Connection, query: Any) -> list[RowMapping]:
    return list(connection.execute(query).mappings())
