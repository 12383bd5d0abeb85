"""The demo shop's file: its tables, how it is made, and how one of an earlier version is brought up to date.

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
from pathlib import Path

from bot.domain.model import Order, OrderStatus
from bot.errors import OrderSystemGarbled, OrderSystemTimeout
from bot.orders.demo_people import CATEGORIES, NOT_TAKEN_BACK, PROFILES, payment_of
from bot.orders.demo_seed import invent_orders

VERSION = 2

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
"""

# What came with version 2; a new file is made in the same two steps as an old one went.
_SINCE_2 = (
    "ALTER TABLE orders ADD COLUMN payment TEXT",
    "ALTER TABLE items ADD COLUMN id TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE items ADD COLUMN category TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE items ADD COLUMN returnable INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE writes ADD COLUMN reason TEXT",
    "CREATE TABLE returned_lines (key TEXT NOT NULL REFERENCES writes (key), item_id TEXT NOT NULL,"
    " quantity INTEGER NOT NULL, PRIMARY KEY (key, item_id)) WITHOUT ROWID",
    f"PRAGMA user_version = {VERSION}",
)


def connect(path: Path, today: datetime) -> sqlite3.Connection:
    """Open the file, after making it if it is missing, or bringing it up to date.

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
        _upgrade(db)
        check(db)
    except BaseException:
        db.close()
        raise
    return db


def _upgrade(db: sqlite3.Connection) -> None:
    if _version(db) != 1:
        return
    with transaction(db):
        # Another process may just have done it.
        if _version(db) == 1:
            _add_what_is_new(db)
            _fill_what_is_new(db)


def _version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def _add_what_is_new(db: sqlite3.Connection) -> None:
    for statement in _SINCE_2:
        db.execute(statement)


def _fill_what_is_new(db: sqlite3.Connection) -> None:
    db.execute("UPDATE items SET id = CAST(position + 1 AS TEXT)")
    goods = [(category, category not in NOT_TAKEN_BACK, name) for name, category in CATEGORIES.items()]
    db.executemany("UPDATE items SET category = ?, returnable = ? WHERE name = ?", goods)
    payments = [(payment_of(person.id), person.id) for person in PROFILES]
    db.executemany("UPDATE orders SET payment = ? WHERE customer_id = ?", payments)


def check(db: sqlite3.Connection) -> None:
    """Raise unless the file can be read and is a demo shop of this version."""
    version = _version(db)
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
            _add_what_is_new(db)
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
        db.execute("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _order_row(order))
        db.executemany(
            "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(order.number, position, item.name, item.quantity, str(item.price.amount)),
                    *(item.id, item.category, item.returnable),
                )
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
        order.payment,
    )
