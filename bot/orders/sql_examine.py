"""Does a mapping fit the database? Every name is held against the live schema, and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Inspector, String, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import Integer

from bot.errors import OrderSystemGarbled
from bot.orders.checks import checked_order
from bot.orders.sql_engine import first_words
from bot.orders.sql_ledger import COLUMNS, Ledger
from bot.orders.sql_mapping import TableMap
from bot.orders.sql_queries import customer_value, split_name
from bot.orders.sql_reads import Reads
from bot.orders.sql_settings import LINE_PARAMETERS, PARAMETERS, SqlSettings, parameters_of

_SHOWN = 12
_SECTIONS = {"cancel_order": "cancel", "return_apply": "return"}


class Examination:
    """One look at the database; every method yields sentences for the shop's owner."""

    def __init__(self, settings: SqlSettings, reads: Reads) -> None:
        self._settings = settings
        self._reads = reads

    def run(self, connection: Connection) -> list[str]:
        """Return everything that does not fit, an empty list if all does."""
        inspector = inspect(connection)
        settings = self._settings
        tables = [settings.orders, settings.customers, *filter(None, (settings.items, settings.phones))]
        found = [sentence for table in tables for sentence in _names(inspector, table)]
        found += self._ledger(inspector)
        if found:
            # What comes next would only say the same in the database's words.
            return list(dict.fromkeys(found))
        looks = (self._types(inspector), self._joins(inspector, tables), self._states(connection))
        found = [sentence for look in looks for sentence in look]
        return list(dict.fromkeys([*found, *self._newest(connection), *self._statements(connection)]))

    def _ledger(self, inspector: Inspector) -> Iterator[str]:
        if self._settings.ledger is None or not self._settings.writes:
            return
        table = Ledger(self._settings.ledger, create=self._settings.create_table).table
        if not inspector.has_table(table.name, schema=table.schema):
            if not self._settings.create_table:
                yield (
                    f"orders.sql.ledger: there is no table {table.fullname}; make it as docs/orders-sql.md says, "
                    "or set create_table = true"
                )
            return
        there = {column["name"] for column in inspector.get_columns(table.name, schema=table.schema)}
        if missing := [column for column in COLUMNS if column not in there]:
            yield f"orders.sql.ledger: the table {table.fullname} has no column {missing[0]}; see docs/orders-sql.md"

    def _types(self, inspector: Inspector) -> Iterator[str]:
        settings = self._settings
        checks = (
            (settings.orders, "number", "number_type", settings.number_type),
            (settings.orders, "customer", "customer.id_type", settings.id_type),
        )
        for table, field, option, chosen in checks:
            kind = _type_of(inspector, table, field)
            if isinstance(kind, Integer) and chosen != "integer":
                yield f'{table.where}.{field} is a number in the database: set {option} = "integer"'
            if isinstance(kind, String) and chosen == "integer":
                yield f'{table.where}.{field} is text in the database: {option} = "integer" does not fit'

    def _joins(self, inspector: Inspector, tables: list[TableMap]) -> Iterator[str]:
        for table in tables:
            for name, join in table.joins.items():
                fixed = {each.column for each in join.where if len(each.values) == 1 and not each.negated}
                if join.newest is None and not _unique(inspector, join.table, {*join.on, *fixed}):
                    yield (
                        f"{table.where}.joins.{name} may find several rows of {join.table}: name the column by which "
                        "the newest is found, with newest = …"
                    )

    def _states(self, connection: Connection) -> Iterator[str]:
        for row in connection.execute(self._reads.queries.states()).mappings():
            try:
                self._reads.reader.status(row)
            except OrderSystemGarbled as error:
                yield str(error)

    def _newest(self, connection: Connection) -> Iterator[str]:
        customer = self._newest_customer(connection)
        if customer is None:
            yield "The database has no order of a customer that it knows, so that none could be read for a test"
            return
        try:
            for order in self._reads.orders_of(connection, customer, 1):
                checked_order(order)
        except OrderSystemGarbled as error:
            yield str(error)

    def _newest_customer(self, connection: Connection) -> str | int | None:
        row = connection.execute(self._reads.queries.newest_owner()).mappings().first()
        return None if row is None else customer_value(str(row["customer_0"]), self._settings.id_type)

    def _statements(self, connection: Connection) -> Iterator[str]:
        """Have every statement planned, which runs none of them."""
        nothing: Mapping[str, Any] = dict.fromkeys((*PARAMETERS, *LINE_PARAMETERS))
        for action, write in self._settings.writes.items():
            for place, statement in enumerate(write.statements):
                given = {name: nothing[name] for name in parameters_of(statement.sql)}
                savepoint = connection.begin_nested()
                try:
                    connection.execute(text(f"EXPLAIN {statement.sql}"), given)
                except DBAPIError as error:
                    yield f"orders.sql.{_SECTIONS[action]}.statements[{place}]: {first_words(error)}"
                finally:
                    savepoint.rollback()


def _names(inspector: Inspector, mapping: TableMap) -> Iterator[str]:
    columns = mapping.columns()
    for owner, written in mapping.tables().items():
        where = f"{mapping.where}.joins.{owner}" if owner else mapping.where
        schema, name = split_name(written)
        if not (inspector.has_table(name, schema=schema) or name in inspector.get_view_names(schema=schema)):
            yield f"{where}: there is no table {written}"
            continue
        there = [column["name"] for column in inspector.get_columns(name, schema=schema)]
        for column in columns[owner]:
            if column not in there:
                shown = ", ".join(there[:_SHOWN]) + (", …" if len(there) > _SHOWN else "")
                yield f"{where}: the table {written} has no column {column}; it has: {shown}"


def _type_of(inspector: Inspector, mapping: TableMap, field: str) -> object:
    column = mapping.column(field)
    schema, name = split_name(mapping.tables()[column.owner])
    return next(each["type"] for each in inspector.get_columns(name, schema=schema) if each["name"] == column.name)


def _unique(inspector: Inspector, table: str, columns: set[str]) -> bool:
    """Tell whether no two rows of a table have the same values in these columns."""
    schema, name = split_name(table)
    found: list[list[Any]] = [inspector.get_pk_constraint(name, schema=schema)["constrained_columns"]]
    found += [each["column_names"] for each in inspector.get_unique_constraints(name, schema=schema)]
    found += [list(each["column_names"]) for each in inspector.get_indexes(name, schema=schema) if each["unique"]]
    return any(each and set(each) <= columns for each in found)
