"""A shop's own database in the words of the bot: which table and column holds what. Plain data, read from TOML.

A place is written "column" for the table itself, "join.column" for a joined one, { value = … } for what is the same in
every row, and as a list of these for a text that is put together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.orders.sql_options import Options

_NAME = re.compile(r"[A-Za-z_]\w{0,62}")

Plain = str | int | float


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table itself (`owner` is "") or of a join."""

    owner: str
    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """What is the same in every row."""

    value: Plain


Place = tuple[Column | Constant, ...]
"""Where a field stands; the values of several are put together with spaces."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a column must be: one of `values`, or NULL if there are none; or, negated, none of that."""

    column: str
    values: tuple[Plain, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """One row of another table; of several, the one whose `newest` is the greatest."""

    table: str
    on: Mapping[str, Column]
    where: tuple[Condition, ...]
    newest: str | None


@dataclass(frozen=True, slots=True)
class TableMap:
    """A table, what is joined to it, which of its rows count, and where each field stands."""

    where: str
    table: str
    joins: Mapping[str, Join]
    conditions: tuple[Condition, ...]
    fields: Mapping[str, Place]

    def tables(self) -> dict[str, str]:
        """Return every table by the name it goes by: "" for the table itself."""
        return {"": self.table, **{name: join.table for name, join in self.joins.items()}}

    def columns(self) -> dict[str, list[str]]:
        """Return the columns that are named of each of them, each once."""
        named: dict[str, dict[str, None]] = {name: {} for name in self.tables()}
        for column in self._columns():
            named[column.owner][column.name] = None
        return {name: list(columns) for name, columns in named.items()}

    def column(self, field: str) -> Column:
        """Return the one column in which a field stands; checked when it was read."""
        (place,) = self.fields[field]
        assert isinstance(place, Column)
        return place

    def _columns(self) -> Iterator[Column]:
        for places in self.fields.values():
            yield from (place for place in places if isinstance(place, Column))
        yield from (Column("", condition.column) for condition in self.conditions)
        for name, join in self.joins.items():
            yield from join.on.values()
            names = [*join.on, *(condition.column for condition in join.where), *([join.newest] if join.newest else [])]
            yield from (Column(name, each) for each in names)


def read_table(options: Options, *, required: Sequence[str], optional: Sequence[str], own: Sequence[str]) -> TableMap:
    """Read a table of the mapping.

    Args:
        required, optional: the fields that must and may be mapped.
        own: those that must be one column, for they are searched by.

    Raises:
        ValueError: naming the option that is wrong, and the remedy.
    """
    table = options.text("table")
    joins = {name: _join(name, Options(value, options.place(f"joins.{name}"))) for name, value in _joins(options)}
    fields = {name: read_place(options, name) for name in required}
    fields |= {name: read_place(options, name) for name in optional if name in options}
    found = TableMap(options.where, table, joins, read_conditions(options), fields)
    for name in own:
        if name in fields and (len(fields[name]) != 1 or not isinstance(fields[name][0], Column)):
            raise ValueError(f"{options.place(name)} must be one column, for orders and customers are found by it")
    for column in found._columns():
        if column.owner not in found.tables():
            raise ValueError(
                f"{options.where} names {column.owner}.{column.name}, but has no join {column.owner!r}; "
                f"write [{options.where}.joins.{column.owner}]"
            )
    _no_circles(options.where, joins)
    options.no_others(optional)
    return found


def read_place(options: Options, name: str) -> Place:
    """Read where a field stands.

    Raises:
        ValueError: likewise.
    """
    value = options.get(name)
    if value is None:
        raise ValueError(f"{options.place(name)} is missing: name the column that holds it")
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ValueError(f"{options.place(name)} is empty: name the column that holds it")
    return tuple(_place(options.place(name), each) for each in values)


def read_conditions(options: Options) -> tuple[Condition, ...]:
    """Read a table's `where`: column -> value, list of values, { not = … } or { null = true }.

    Raises:
        ValueError: likewise.
    """
    table = options.table("where")
    return tuple(_condition(table.place(column), column, value) for column, value in table.items())


def _condition(where: str, column: str, value: Any) -> Condition:
    if isinstance(value, Mapping):
        inner = Options(value, where)
        if isinstance(inner.get("null"), bool) and len(value) == 1:
            return Condition(column, (), negated=not value["null"])
        if "not" in inner and len(value) == 1:
            return Condition(column, _plain_values(where, inner.get("not")), negated=True)
        raise ValueError(f"{where} must be a value, a list of values, {{ not = … }} or {{ null = true }}")
    return Condition(column, _plain_values(where, value))


def _plain_values(where: str, value: Any) -> tuple[Plain, ...]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, str | int | float) for each in values):
        raise ValueError(f"{where} must be a text, a number, true or false, or a list of these")
    return tuple(values)


def _place(where: str, value: Any) -> Column | Constant:
    if isinstance(value, Mapping) and list(value) == ["value"]:
        return Constant(_plain_values(where, value["value"])[0])
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f'{where} must be a column, such as "total", or {{ value = … }} for the same in every order')
    owner, dot, name = value.rpartition(".")
    return Column(owner if dot else "", name)


def _joins(options: Options) -> Iterator[tuple[str, Any]]:
    table = options.table("joins")
    for name, value in table.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{table.place(name)}: the name of a join is made of letters, digits and _")
        yield name, value


def _join(name: str, options: Options) -> Join:
    on = options.table("on")
    columns = {mine: _place(on.place(mine), theirs) for mine, theirs in on.items()}
    own = {mine: place for mine, place in columns.items() if isinstance(place, Column) and place.owner != name}
    if not own or len(own) != len(columns):
        raise ValueError(f'{options.place("on")} must say which columns are equal, such as {{ order_id = "id" }}')
    newest = options.text("newest") if "newest" in options else None
    join = Join(options.text("table"), own, read_conditions(options), newest)
    options.no_others(("newest",))
    return join


def _no_circles(where: str, joins: Mapping[str, Join]) -> None:
    for name in joins:
        seen, at = {name}, [name]
        while at:
            for column in joins[at.pop()].on.values():
                if column.owner == name:
                    raise ValueError(f"{where}.joins.{name} is joined to itself in a circle")
                if column.owner and column.owner not in seen:
                    seen.add(column.owner)
                    at.append(column.owner)
