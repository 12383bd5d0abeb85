"""The mapping as SELECTs. Whatever is asked for a customer has the customer's id in its WHERE.

A joined column is a subquery of its own, so that no join can multiply or hide an order. Values are bound without a
type: the database knows what its columns are, and an index on them is used.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, exists, func, literal_column, or_, select, table
from sqlalchemy import column as sql_column
from sqlalchemy.types import NullType

from bot.orders.sql_mapping import Column, Condition, TableMap
from bot.orders.sql_settings import SqlSettings

SEPARATORS = "-./#_ ()+"
MOST_PHONES = 200
_LAST_DIGITS = 6
_BIGGEST = 18


class MappedTable:
    """A table of the mapping, in SQL."""

    def __init__(self, mapping: TableMap) -> None:
        self.mapping = mapping
        tables, columns = mapping.tables(), mapping.columns()
        # Queries stand within queries, so every table of the mapping has a name of its own.
        prefix = mapping.where.rpartition(".")[2]
        self._aliases = {
            owner: _table(name, columns[owner]).alias(f"{prefix}_{owner or 'row'}") for owner, name in tables.items()
        }
        self.main = self._aliases[""]

    def column(self, column: Column) -> ColumnElement[Any]:
        """Return a column: the table's own, or a subquery for that of the one joined row."""
        alias = self._aliases[column.owner]
        if not column.owner:
            own: ColumnElement[Any] = alias.c[column.name]
            return own
        join = self.mapping.joins[column.owner]
        query = select(alias.c[column.name]).correlate(self.main).limit(1)
        query = query.where(*(alias.c[mine] == self.column(theirs) for mine, theirs in join.on.items()))
        query = query.where(*(_condition(alias.c[condition.column], condition) for condition in join.where))
        if join.newest is not None:
            query = query.order_by(alias.c[join.newest].desc())
        return query.scalar_subquery()

    def field(self, name: str) -> ColumnElement[Any]:
        """Return the column of a field that is searched by."""
        return self.column(self.mapping.column(name))

    def select(self, *fields: str) -> Select[Any]:
        """Return a query for some fields, all if none are named, of the rows that count; each is labelled "field_0"."""
        columns = [
            self.column(place).label(f"{field}_{index}")
            for field in fields or self.mapping.fields
            for index, place in enumerate(self.mapping.fields[field])
            if isinstance(place, Column)
        ]
        return self.counted(select(*columns).select_from(self.main))

    def counted(self, query: Select[Any]) -> Select[Any]:
        """Keep only the rows that count."""
        return query.where(
            *(_condition(self.main.c[condition.column], condition) for condition in self.mapping.conditions)
        )


class Queries:
    """Every question the adapter asks."""

    def __init__(self, settings: SqlSettings) -> None:
        self._settings = settings
        self.orders = MappedTable(settings.orders)
        self.items = MappedTable(settings.items) if settings.items else None
        self.customers = MappedTable(settings.customers)
        self.phones = MappedTable(settings.phones) if settings.phones else None

    def orders_of(self, customer: str | int, limit: int) -> Select[Any]:
        """Return the query for a customer's newest orders."""
        orders = self.orders
        newest = [label.desc() for label in (literal_column("placed_at_0"), orders.field("id"))]
        return orders.select().where(orders.field("customer") == free(customer)).order_by(*newest).limit(limit)

    def order_of(self, customer: str | int, number: str) -> Select[Any]:
        """Return the query for a customer's order of this plain number; two rows say that it is not unique."""
        query = self.orders.select().where(self.orders.field("customer") == free(customer))
        return query.where(self._numbered(number)).limit(2)

    def locked_order_of(self, customer: str | int, number: str) -> Select[Any]:
        """Return the query that holds a customer's order until the end of the transaction."""
        orders = self.orders
        query = orders.counted(select(orders.field("id"))).where(orders.field("customer") == free(customer))
        return query.where(self._numbered(number)).with_for_update(of=orders.main)

    def items_of(self, customer: str | int, orders: Sequence[Any]) -> Select[Any]:
        """Return the query for the lines of some of a customer's orders, in the order of their ids."""
        assert self.items is not None
        theirs = self.orders.counted(select(self.orders.field("id")))
        theirs = theirs.where(self.orders.field("customer") == free(customer), _among(self.orders.field("id"), orders))
        query = self.items.select().where(self.items.field("order").in_(theirs))
        return query.order_by(self.items.field("id"))

    def owners_of(self, number: str) -> Select[Any]:
        """Return the query for the customers whose order this is; more than one says that it is not unique."""
        return self._customers(self.customers.field("id").in_(self._owner(number)))

    def phones_of_owners(self, number: str) -> Select[Any]:
        """Return the query for the telephone numbers of an order's customer."""
        assert self.phones is not None
        query = self.phones.select().where(self.phones.field("customer").in_(self._owner(number)))
        return query.limit(MOST_PHONES)

    def with_phone(self, e164: str) -> Select[Any]:
        """Return the query for customers whose number may be this one: the last digits are the same."""
        assert self.phones is not None
        phone = self.phones.field("phone")
        query = self.phones.select().distinct().limit(MOST_PHONES + 1)
        if not self._settings.phones_as_written:
            return query.where(phone == free(e164))
        return query.where(_bare(phone).like(free(f"%{e164[-_LAST_DIGITS:]}")))

    def customers_of(self, ids: Sequence[Any]) -> Select[Any]:
        """Return the query for customers by their ids."""
        return self._customers(_among(self.customers.field("id"), ids))

    def states(self) -> Select[Any]:
        """Return the query for every state that orders are in."""
        return self.orders.select("status").distinct().limit(1000)

    def newest_owner(self) -> Select[Any]:
        """Return the query for the customer of some recent order who is still there."""
        customer = self.orders.field("customer")
        known = exists(
            self.customers.counted(select(literal_column("1"))).where(self.customers.field("id") == customer)
        )
        query = self.orders.select("customer", "placed_at").where(
            customer.is_not(None), known.correlate(self.orders.main)
        )
        return query.order_by(literal_column("placed_at_0").desc()).limit(1)

    def _customers(self, which: ColumnElement[bool]) -> Select[Any]:
        return self.customers.select().where(which).distinct().limit(2)

    def _owner(self, number: str) -> Select[Any]:
        return self.orders.counted(select(self.orders.field("customer"))).where(self._numbered(number))

    def _numbered(self, number: str) -> ColumnElement[bool]:
        column, kind = self.orders.field("number"), self._settings.number_type
        if kind == "text":
            return func.upper(_bare(column)) == free(number)
        return column == free(int(number) if kind == "integer" else number)


def free(value: object) -> BindParameter[Any]:
    """Return a value whose type the database is to find out."""
    return bindparam(None, value, type_=NullType(), unique=True)


def number_value(number: str, number_type: str) -> str | None:
    """Return a plain number as it can be looked for, or None if no order of this shop can have it."""
    if not number or len(number) > 100:
        return None
    if number_type == "integer" and not (number.isdigit() and len(number) <= _BIGGEST and str(int(number)) == number):
        return None
    return number


def customer_value(customer_id: str, id_type: str) -> str | int | None:
    """Return a customer id as the database keeps it, or None if it can be nobody's."""
    if id_type == "integer":
        digits = customer_id.removeprefix("-")
        good = (
            digits.isascii() and digits.isdigit() and len(digits) <= _BIGGEST and str(int(customer_id)) == customer_id
        )
        return int(customer_id) if good else None
    if id_type == "uuid":
        try:
            return str(uuid.UUID(customer_id))
        except ValueError:
            return None
    usable = customer_id.strip() and "\x00" not in customer_id and customer_id.isprintable()
    return customer_id if usable else None


def split_name(name: str) -> tuple[str | None, str]:
    """Return the schema, if one is written, and the name of a table."""
    schema, dot, rest = name.rpartition(".")
    return (schema if dot else None), rest


def _table(name: str, columns: Sequence[str]) -> Any:
    schema, rest = split_name(name)
    return table(rest, *(sql_column(each) for each in columns), schema=schema)


def _bare(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a text column without what people put between letters and digits."""
    for separator in SEPARATORS:
        column = func.replace(column, literal_column(f"'{separator}'"), literal_column("''"))
    return column


def _among(column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    return column.in_(bindparam(None, list(values), expanding=True, type_=NullType(), unique=True))


def _condition(column: ColumnElement[Any], condition: Condition) -> ColumnElement[bool]:
    if not condition.values:
        return column.is_not(None) if condition.negated else column.is_(None)
    if condition.negated:
        # In SQL a NULL is not even different from something.
        return or_(column.is_(None), column.not_in(_values(condition)))
    return column.in_(_values(condition))


def _values(condition: Condition) -> Any:
    return bindparam(None, list(condition.values), expanding=True, type_=NullType(), unique=True)
