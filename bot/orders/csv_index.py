"""The index over the exports: a private SQLite file that lives as long as the adapter and is made anew at every start.

Of each file the last version that could be read is kept, and an order is what the newest file that has it says. SQLite
keeps the index on the disk and holds 2 MB of it in memory, so that 100,000 orders cost no more than ten.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

from bot.orders.csv_order import Entry

_TAIL_DIGITS = 7
_STEP = 250
_LIVE, _DEAD = 1, -1
"""A file that is seen, and one that is to be forgotten; one that is being read has 0."""
_FIELDS = tuple(column.name for column in fields(Entry))
_VALUES = attrgetter(*_FIELDS)
_COLUMNS = ", ".join(f"o.{name}" for name in _FIELDS)
_NULLABLE = {"shipped", "delivered", "expected", "carrier", "tracking", "payment", "problem"}
_TWICE = "the order stands in two places of the file; sort it by the order number"

_TABLES = f"""
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    mtime_ns INTEGER NOT NULL,
    items_only INTEGER NOT NULL,
    live INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL
);
CREATE TABLE orders (
    file INTEGER NOT NULL,
    {", ".join(f"{name} TEXT{'' if name in _NULLABLE else ' NOT NULL'}" for name in _FIELDS)},
    tail TEXT NOT NULL
);
CREATE UNIQUE INDEX orders_by_number ON orders (number, file);
CREATE INDEX orders_by_customer ON orders (customer, placed);
CREATE INDEX orders_by_tail ON orders (tail);
"""

_NEWEST = (
    "(SELECT n.file FROM orders n JOIN files f ON f.id = n.file"
    " WHERE n.number = {} AND f.live = 1 AND f.items_only = {}"
    " ORDER BY f.mtime_ns DESC, f.name DESC LIMIT 1)"
)
_OF = f"SELECT {_COLUMNS} FROM orders o WHERE o.file = {_NEWEST.format('o.number', 0)} AND "  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Filed:
    """What a file holds: its orders, and those of them that cannot be told, with the reason of the first."""

    orders: int
    spoilt: int
    first_problem: str | None


class Index:
    """The orders of all files. Used by one thread."""

    def __init__(self) -> None:
        # An empty name is a database of this connection alone, in a file that is deleted already.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.executescript(
            f"PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000; {_TABLES}"
        )

    def close(self) -> None:
        """Let go of it; what it holds is gone."""
        self._db.close()

    # --- filling it ---

    def begin(self, name: str, mtime_ns: int, *, items_only: bool) -> int:
        """Return the id of a file whose orders are to come; nobody sees them before it is published."""
        return int(
            self._db.execute(
                "INSERT INTO files (name, mtime_ns, items_only, live, first, last)"
                " VALUES (?, ?, ?, 0, (SELECT coalesce(max(rowid), 0) + 1 FROM orders), 0) RETURNING id",
                (name, mtime_ns, int(items_only)),
            ).fetchone()[0]
        )

    def add(self, file: int, entries: Iterable[Entry]) -> None:
        """Add orders to a file; one that it has already cannot be told, for nobody knows which of the two is true."""
        marks = ", ".join("?" * (len(_FIELDS) + 2))
        self._db.execute("BEGIN")
        self._db.executemany(
            f"INSERT INTO orders VALUES ({marks})"  # noqa: S608 - marks only
            f" ON CONFLICT (number, file) DO UPDATE SET problem = '{_TWICE}'",
            ((file, *_VALUES(entry), tail_of(entry.phone)) for entry in entries),
        )
        self._db.execute("COMMIT")

    def filed(self, file: int) -> Filed:
        """Return what a file holds that is read to its end and not published yet."""
        (start,) = self._db.execute("SELECT first FROM files WHERE id = ?", (file,)).fetchone()
        orders, spoilt, row = self._db.execute(
            "SELECT count(*), count(problem), min(rowid) FILTER (WHERE problem IS NOT NULL) FROM orders"
            " WHERE rowid >= ?",
            (start,),
        ).fetchone()
        first = self._db.execute("SELECT problem FROM orders WHERE rowid = ?", (row,)).fetchone()
        return Filed(orders, spoilt, first[0] if first else None)

    def publish(self, file: int) -> None:
        """Let a file be seen, in the place of the one of its name."""
        self._db.execute("BEGIN")
        self._end(file, _LIVE)
        self._db.execute(
            "UPDATE files SET live = ?2 WHERE id <> ?1 AND name = (SELECT name FROM files WHERE id = ?1)", (file, _DEAD)
        )
        self._db.execute("COMMIT")

    def discard(self, file: int) -> None:
        """Let a file be forgotten whose orders are not all in."""
        self._end(file, _DEAD)

    def drop(self, name: str) -> None:
        """Let the file of this name be forgotten."""
        self._db.execute("UPDATE files SET live = ? WHERE name = ?", (_DEAD, name))

    def purge(self) -> Iterator[None]:
        """Take what is to be forgotten out, in small steps."""
        dead = self._db.execute("SELECT id, first, last FROM files WHERE live = ?", (_DEAD,)).fetchall()
        for file, first, last in dead:
            for start in range(first, last + 1, _STEP):
                self._db.execute(
                    "DELETE FROM orders WHERE rowid BETWEEN ? AND ?", (start, min(start + _STEP - 1, last))
                )
                yield
            self._db.execute("DELETE FROM files WHERE id = ?", (file,))

    def _end(self, file: int, live: int) -> None:
        # The orders of one file come one after the other, so that their rows are a range.
        self._db.execute(
            "UPDATE files SET live = ?2, last = (SELECT coalesce(max(rowid), 0) FROM orders) WHERE id = ?1",
            (file, live),
        )

    # --- asking it ---

    def has_orders(self) -> bool:
        """Tell whether any file of orders can be seen."""
        return self._db.execute("SELECT 1 FROM files WHERE live = 1 AND items_only = 0").fetchone() is not None

    def order_of(self, customer: str, number: str) -> Entry | None:
        """Return one order of a customer; `number` is plain."""
        return self._one(_OF + "o.customer = ? AND o.number = ?", (customer, number))

    def orders_of(self, customer: str, limit: int) -> Sequence[Entry]:
        """Return a customer's newest orders, newest first; those that cannot be told come first of all."""
        rows = self._db.execute(
            _OF + "o.customer = ? ORDER BY o.problem IS NULL, o.placed DESC, o.number DESC LIMIT ?",
            (customer, max(limit, 0)),
        )
        return [Entry(*row) for row in rows.fetchall()]

    def holder_of(self, number: str) -> Entry | None:
        """Return the order of this (plain) number, whosever it is: only for finding out whose."""
        return self._one(_OF + "o.customer <> '' AND o.number = ?", (number,))

    def with_tail(self, tail: str) -> Iterator[tuple[str, str, str]]:
        """Yield (customer, name, phone) of every order whose phone ends so, the newest first."""
        query = _OF.replace(_COLUMNS, "o.customer, o.name, o.phone") + "o.tail = ? ORDER BY o.placed DESC"
        yield from self._db.execute(query, (tail,))

    def items_of(self, number: str) -> str:
        """Return the items (JSON) that a file of items has for an order of this (plain) number."""
        row = self._db.execute(
            f"SELECT items FROM orders WHERE number = ?1 AND problem IS NULL AND file = {_NEWEST.format('?1', 1)}",  # noqa: S608 - constants
            (number,),
        ).fetchone()
        return row[0] if row else "[]"

    def some_numbers(self, count: int) -> list[str]:
        """Return the numbers of the orders that came in last, as the shop writes them."""
        return [row[0] for row in self._db.execute("SELECT shown FROM orders ORDER BY rowid DESC LIMIT ?", (count,))]

    def _one(self, query: str, values: tuple[str, ...]) -> Entry | None:
        row = self._db.execute(query, values).fetchone()
        return None if row is None else Entry(*row)


def tail_of(phone: str) -> str:
    """Return the last digits of a phone number, by which numbers are found however they are written; "" for none."""
    return re.sub(r"\D", "", phone)[-_TAIL_DIGITS:]
