"""The whole of [orders.sql]: where the shop's database is, its mapping, and the statements that change it."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import ArgumentError

from bot.domain.actions import ActionKind
from bot.domain.model import OrderStatus
from bot.orders.sql_mapping import Column, TableMap, read_table
from bot.orders.sql_options import Options

PARAMETERS = ("number", "customer_id", "order_id", "status", "reason", "reference", "now", "key")
LINE_PARAMETERS = ("item_id", "quantity")

ORDER_FIELDS = ("id", "number", "customer", "status", "placed_at", "total", "currency")
ORDER_EXTRAS = ("shipped_at", "delivered_at", "expected_at", "carrier", "tracking", "payment")
ITEM_FIELDS = ("order", "id", "name", "quantity", "price")
ITEM_EXTRAS = ("category", "returnable")
CUSTOMER_FIELDS = ("id", "name")
CUSTOMER_EXTRAS = ("email", "phone")

_CAST = re.compile(r"(?<![:\w\\]):(\w+)(?=::)")
_ENVIRONMENT = re.compile(r"env:(\w+)")
_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a write.

    `rows` is how many rows it must change (None: any number), `each_line` that it runs once for every line that goes
    back, `gives_reference` that the first column of what it returns is what the write is called from then on.
    """

    sql: str
    rows: int | None
    each_line: bool
    gives_reference: bool


@dataclass(frozen=True, slots=True)
class WriteMap:
    """How an order is cancelled, or a return opened: in which states, with which statements, and what is answered."""

    states: frozenset[OrderStatus]
    refunds: bool
    reference: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class SqlSettings:
    """The settings of one shop; `ledger` is the table of the writes' keys, None where the shop can have none."""

    url: URL
    timeout_s: float
    zone: ZoneInfo
    number_shapes: tuple[str, ...]
    number_type: str
    id_type: str
    money_digits: int
    phones_as_written: bool
    phone_region: str | None
    states: Mapping[str, OrderStatus]
    orders: TableMap
    items: TableMap | None
    customers: TableMap
    phones: TableMap | None
    writes: Mapping[ActionKind, WriteMap]
    ledger: str | None
    create_table: bool


def read_settings(values: Mapping[str, Any], base_dir: Path) -> SqlSettings:
    """Read the adapter's table of the configuration, and the file that its `mapping` names.

    Raises:
        ValueError: naming the option that is wrong, and the remedy.
    """
    options = Options(_with_mapping(values, base_dir), "orders.sql")
    order, customer = options.table("order"), options.table("customer")
    number_type = order.choice("number_type", ("text", "plain", "integer"), "text")
    id_type = customer.choice("id_type", ("integer", "text", "uuid"), "text")
    states = _states(order)
    orders = read_table(
        order, required=ORDER_FIELDS, optional=ORDER_EXTRAS, own=("id", "number", "customer", "placed_at")
    )
    customers = read_table(customer, required=CUSTOMER_FIELDS, optional=CUSTOMER_EXTRAS, own=("id", "phone"))
    region = options.get("phone_region")
    settings = SqlSettings(
        url=_url(options, base_dir),
        timeout_s=options.number("timeout_s", 5.0, 0.1, 60),
        zone=_zone(options),
        number_shapes=_shapes(options),
        number_type=number_type,
        id_type=id_type,
        money_digits=int(options.number("money_digits", 0, 0, 4)),
        phones_as_written=options.choice("phones", ("written", "e164"), "written") == "written",
        phone_region=options.text("phone_region") if region else None,
        states=states,
        orders=orders,
        items=_items(options),
        customers=customers,
        phones=_phones(options, customers),
        writes=_writes(options, orders),
        ledger=options.text("ledger", "deskhand_writes") if options.get("ledger") != "" else None,
        create_table=options.flag("create_table", default=False),
    )
    options.no_others(("mapping",))
    return settings


def _with_mapping(values: Mapping[str, Any], base_dir: Path) -> Mapping[str, Any]:
    """Return the options over those of the file that they name."""
    name = values.get("mapping")
    if name is None:
        return values
    if not isinstance(name, str) or not name.strip():
        raise ValueError("orders.sql.mapping must be the name of a TOML file")
    try:
        found = tomllib.loads((base_dir / name).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"orders.sql.mapping: {name} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"orders.sql.mapping: {name} is not TOML: {error}") from error
    return {**found, **values}


def _url(options: Options, base_dir: Path) -> URL:
    written = options.text("url")
    if variable := _ENVIRONMENT.fullmatch(written.strip()):
        written = os.environ.get(variable[1], "")
        if not written:
            raise ValueError(f"orders.sql.url is to come from {variable[1]}, which the environment does not set")
    try:
        url = make_url(written.strip())
    except (ArgumentError, ValueError):
        # What was written may hold a password, so it is not repeated.
        raise ValueError('orders.sql.url is no address; write "sqlite:///shop.db" or "postgresql://…"') from None
    driver = _DRIVERS.get(url.drivername.partition("+")[0])
    if driver is None:
        raise ValueError(f"orders.sql.url: {url.drivername!r} is not spoken here; there are sqlite and postgresql")
    if driver == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise ValueError('orders.sql.url must name the shop\'s file, such as "sqlite:////srv/shop/shop.db"')
        url = url.set(database=str(base_dir / str(url.database)))
    return url.set(drivername=driver)


def _zone(options: Options) -> ZoneInfo:
    name = options.text("timezone", "UTC")
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(f'{options.place("timezone")}: {name!r} is no time zone; write one such as "UTC"') from None


def _shapes(options: Options) -> tuple[str, ...]:
    shapes = options.texts("number_shapes")
    for shape in shapes:
        try:
            re.compile(shape)
        except re.error as error:
            where = options.place("number_shapes")
            raise ValueError(f"{where}: {shape!r} is no regular expression: {error}") from None
    return tuple(shapes)


def _states(order: Options) -> dict[str, OrderStatus]:
    table = order.table("states")
    states: dict[str, OrderStatus] = {}
    for raw, ours in table.items():
        states[raw] = _status(table.place(raw), ours)
    if not states:
        raise ValueError(f'{table.where} must say what each state of the shop means, such as {{ Paid = "pending" }}')
    return states


def _status(where: str, value: object) -> OrderStatus:
    try:
        return OrderStatus(str(value))
    except ValueError:
        raise ValueError(f"{where}: {value!r} is none of: {', '.join(OrderStatus)}") from None


def _items(options: Options) -> TableMap | None:
    if "items" not in options:
        return None
    return read_table(options.table("items"), required=ITEM_FIELDS, optional=ITEM_EXTRAS, own=("order", "id"))


def _phones(options: Options, customers: TableMap) -> TableMap | None:
    """Return where telephone numbers stand: in a table of their own, with the customers, or nowhere."""
    if "phone_table" in options:
        fields = ("customer", "phone")
        return read_table(options.table("phone_table"), required=fields, optional=(), own=fields)
    if "phone" not in customers.fields:
        return None
    fields_of = {"customer": customers.fields["id"], "phone": customers.fields["phone"]}
    return TableMap(customers.where, customers.table, customers.joins, customers.conditions, fields_of)


def _writes(options: Options, orders: TableMap) -> dict[ActionKind, WriteMap]:
    tables = {
        "cancel": (ActionKind.CANCEL_ORDER, OrderStatus.PENDING),
        "return": (ActionKind.RETURN_APPLY, OrderStatus.DELIVERED),
    }
    return {
        kind: _write(options.table(name), state, orders) for name, (kind, state) in tables.items() if name in options
    }


def _write(options: Options, usual: OrderStatus, orders: TableMap) -> WriteMap:
    states = frozenset(_status(options.place("states"), state) for state in options.texts("states")) or {usual}
    refunds = options.choice("refund", ("total", "none"), "none") == "total"
    reference = options.text("reference", "{number}") if options.get("reference") != "" else ""
    try:
        reference.format(number="1", order_id="1")
    except (KeyError, IndexError, ValueError):
        raise ValueError(
            f"{options.place('reference')} may hold {{number}} and {{order_id}}, and no other {{…}}"
        ) from None
    statements = tuple(_statement(table) for table in options.tables("statements"))
    options.no_others()
    _check_guard(options, statements, orders)
    return WriteMap(frozenset(states), refunds, reference, statements)


def _statement(options: Options) -> Statement:
    # SQLAlchemy takes a colon straight behind a parameter for a part of it; PostgreSQL's casts stand there.
    sql = _CAST.sub(r":\1 ", options.text("sql").strip().rstrip(";"))
    rows = options.get("rows")
    if rows != "any" and (not isinstance(rows, int) or isinstance(rows, bool) or rows < 0):
        raise ValueError(f'{options.place("rows")} must be how many rows the statement changes, such as 1, or "any"')
    each_line = options.choice("each", ("order", "line"), "order") == "line"
    gives = options.choice("gives", ("nothing", "reference"), "nothing") == "reference"
    known = (*PARAMETERS, *(LINE_PARAMETERS if each_line else ()))
    if unknown := sorted(parameters_of(sql) - set(known)):
        raise ValueError(
            f"{options.place('sql')} has no value for :{unknown[0]}; there are: "
            rf"{', '.join(f':{name}' for name in known)} (a colon that is none of these is written \:)"
        )
    options.no_others()
    return Statement(sql, None if rows == "any" else int(rows), each_line, gives)


def parameters_of(sql: str) -> set[str]:
    """Return the names of a statement's parameters."""
    return set(text(sql).compile().params)


def _check_guard(options: Options, statements: tuple[Statement, ...], orders: TableMap) -> None:
    """Refuse statements of which none would notice that the order is another's, or has gone on meanwhile."""
    (status, *_) = orders.fields["status"]
    column = status.name if isinstance(status, Column) and not status.owner else ""
    for statement in statements:
        named = parameters_of(statement.sql)
        if statement.rows and "customer_id" in named and named & {"number", "order_id"} and column in statement.sql:
            return
    number, customer = (orders.column(field).name for field in ("number", "customer"))
    raise ValueError(
        f"{options.place('statements')} needs one that changes the order only while it is the customer's and in the "
        f"right state, with the number of rows: UPDATE … WHERE {number} = :number AND {customer} = :customer_id "
        f"AND {column or '…'} = …, rows = 1"
    )
