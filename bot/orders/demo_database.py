"""The demo shop's tables, and how they are read. Every query about an order names the customer.

Money is kept as decimal text, times as ISO 8601 in UTC, so that both come back exactly as they went in, and times
sort as they should.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from bot.domain.model import Money, Order, OrderItem, OrderStatus
from bot.errors import OrderSystemGarbled, OrderSystemTimeout
from bot.orders.demo_people import PROFILES
from bot.orders.demo_seed import invent_orders

VERSION = 1

_TABLES = f"""
CREATE TABLE customers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    phone TEXT NOT NULL,
    email TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX customers_by_phone ON customers (phone);
CREATE TABLE orders (
    number TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (id),
    status TEXT NOT NULL CHECK (status IN ({", ".join(f"'{status.value}'" for status in OrderStatus)})),
    placed_at TEXT NOT NULL,
    total TEXT NOT NULL,
    currency TEXT NOT NULL,
    shipped_at TEXT,
    delivered_at TEXT,
    expected_at TEXT,
    carrier TEXT,
    tracking TEXT
) WITHOUT ROWID;
CREATE INDEX orders_by_customer ON orders (customer_id, placed_at);
CREATE TABLE items (
    order_number TEXT NOT NULL REFERENCES orders (number),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    price TEXT NOT NULL,
    PRIMARY KEY (order_number, position)
) WITHOUT ROWID;
CREATE TABLE writes (
    key TEXT PRIMARY KEY,
    action TEXT NOT NULL,
    order_number TEXT NOT NULL REFERENCES orders (number),
    result TEXT NOT NULL,
    reference TEXT,
    refund TEXT,
    currency TEXT,
    detail TEXT NOT NULL
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""

_ORDER = (
    "SELECT number, customer_id, status, placed_at, total, currency,"
    " shipped_at, delivered_at, expected_at, carrier, tracking FROM orders "
)


def connect(path: Path, today: datetime) -> sqlite3.Connection:
    """Open the file, after making it if it is missing.

    Raises:
        OSError, sqlite3.Error: when it cannot be made or opened.
        OrderSystemGarbled: when it is something else than a demo shop.
    """
    if not path.exists():
        _create(path, today)
    db = sqlite3.connect(path, timeout=5, isolation_level=None)
    try:
        # The rollback journal, for a WAL with several connections is not safe in every SQLite that is about.
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        check(db)
    except BaseException:
        db.close()
        raise
    return db


def check(db: sqlite3.Connection) -> None:
    """Raise unless the file can be read and is a demo shop of this version."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    db.execute("SELECT 1 FROM sqlite_schema").fetchone()
    if version != VERSION:
        raise OrderSystemGarbled("this file is not a demo shop of this version; move it away and a new one is made")


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Do all of it or nothing.

    Raises:
        OrderSystemTimeout: when the commit failed in such a way that it may stand all the same.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        _commit(db)
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _commit(db: sqlite3.Connection) -> None:
    try:
        db.execute("COMMIT")
    except sqlite3.Error as error:
        if db.in_transaction:
            raise
        raise OrderSystemTimeout("the demo shop's disk failed during a commit; it may have been saved") from error


def _create(path: Path, today: datetime) -> None:
    """Make the file under another name and give it its own when it is whole, so that no kill leaves half a shop."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    draft = Path(name)
    try:
        with contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = MEMORY")
            db.execute("PRAGMA foreign_keys = ON")
            db.executescript(f"BEGIN; {_TABLES}")
            _fill(db, today)
            db.execute("COMMIT")
        _publish(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _publish(draft: Path, path: Path) -> None:
    # A link never replaces a file, and another process may just have made one that is in use.
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError:
        # Some file systems have no links.
        draft.replace(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fill(db: sqlite3.Connection, today: datetime) -> None:
    db.executemany(
        "INSERT INTO customers VALUES (?, ?, ?, ?, ?)",
        [(person.id, person.name, person.language, person.phone, person.email) for person in PROFILES],
    )
    for order in invent_orders(today):
        db.execute("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _order_row(order))
        db.executemany(
            "INSERT INTO items VALUES (?, ?, ?, ?, ?)",
            [
                (order.number, position, item.name, item.quantity, str(item.price.amount))
                for position, item in enumerate(order.items)
            ],
        )


def _order_row(order: Order) -> tuple[str | None, ...]:
    times = (order.shipped_at, order.delivered_at, order.expected_at)
    return (
        order.number,
        order.customer_id,
        order.status.value,
        order.placed_at.isoformat(),
        str(order.total.amount),
        order.total.currency,
        *(None if time is None else time.isoformat() for time in times),
        order.carrier,
        order.tracking,
    )


def customers(db: sqlite3.Connection) -> list[tuple[str, str, str, str, str]]:
    """Return (id, name, language, phone, e-mail) of everybody."""
    return db.execute("SELECT id, name, language, phone, email FROM customers ORDER BY id").fetchall()


def customer_by_phone(db: sqlite3.Connection, phone: str) -> tuple[str, str] | None:
    """Return (id, name) of the only customer with this number."""
    rows = db.execute("SELECT id, name FROM customers WHERE phone = ? LIMIT 2", (phone,)).fetchall()
    return rows[0] if len(rows) == 1 else None


def customer_by_order(db: sqlite3.Connection, number: str, email: str | None, last4: str | None) -> str | None:
    """Return whose order this is, if every proof that is given is right, and at least one is given."""
    row = db.execute(
        "SELECT c.id, c.email, c.phone FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.number = ?",
        (number,),
    ).fetchone()
    if row is None or (email is None and last4 is None):
        return None
    customer_id, known_email, phone = row
    if email is not None and email.strip().casefold() != known_email.casefold():
        return None
    if last4 is not None and last4 != phone[-4:]:
        return None
    return str(customer_id)


def orders_of(db: sqlite3.Connection, customer_id: str, limit: int) -> list[Order]:
    """Return a customer's newest orders, newest first."""
    rows = db.execute(
        _ORDER + "WHERE customer_id = ? ORDER BY placed_at DESC, number DESC LIMIT ?", (customer_id, max(limit, 0))
    ).fetchall()
    return [_order(db, row) for row in rows]


def order_of(db: sqlite3.Connection, customer_id: str, number: str) -> Order | None:
    """Return one order of a customer; `number` is plain."""
    row = db.execute(_ORDER + "WHERE customer_id = ? AND number = ?", (customer_id, number)).fetchone()
    return None if row is None else _order(db, row)


def _order(db: sqlite3.Connection, row: tuple[str, ...]) -> Order:
    number, customer_id, status, placed_at, total, currency, shipped_at, delivered_at, expected_at, carrier, track = row
    items = db.execute(
        "SELECT name, quantity, price FROM items WHERE order_number = ? ORDER BY position", (number,)
    ).fetchall()
    return Order(
        number,
        customer_id,
        OrderStatus(status),
        datetime.fromisoformat(placed_at),
        Money(Decimal(total), currency),
        tuple(OrderItem(name, quantity, Money(Decimal(price), currency)) for name, quantity, price in items),
        shipped_at=_time(shipped_at),
        delivered_at=_time(delivered_at),
        expected_at=_time(expected_at),
        carrier=carrier,
        tracking=track,
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
