"""The shop behind `http_shop.py`: its tables, its goods and its rules."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

PAGE = 3

TABLES = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT, phone TEXT);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, number TEXT UNIQUE, customer INTEGER, state TEXT,
    created INTEGER, sent INTEGER, arrived INTEGER, total TEXT, carrier TEXT, tracking TEXT
);
CREATE TABLE lines (
    id TEXT, order_id INTEGER, name TEXT, category TEXT, quantity INTEGER, price TEXT, returnable INTEGER
);
CREATE TABLE requests (
    key TEXT PRIMARY KEY, action TEXT, customer TEXT, number TEXT, result TEXT, reference TEXT, refund TEXT, detail TEXT
);
CREATE TABLE effects (number TEXT, action TEXT, reason TEXT, lines TEXT);
"""

PEOPLE = [
    (7, "Ana Ruiz", "ana@example.com", "+12025550142"),
    (8, "Ben Cole", "ben@example.com", "+12025550143"),
    (9, "Cora Dunn", "cora@example.com", "+12025550144"),
    (10, "Dan Dunn", "dan@example.com", "+12025550144"),
]

# Customer, state, day of November 2026 on which it was placed.
ORDERS = [
    (7, "gone_back", 1),
    (7, "arrived", 2),
    (8, "arrived", 3),
    (7, "arrived", 4),
    (7, "cancelled", 5),
    (7, "packed", 6),
    (7, "sent", 7),
    (8, "open", 8),
    (7, "open", 9),
]

PENDING, SHIPPED, DELIVERED = "SO-100009", "SO-100007", "SO-100004"
STRANGERS_PENDING, STRANGERS_DELIVERED = "SO-100008", "SO-100003"

_FROM_TO = {"cancel": ("open", "cancelled"), "return": ("arrived", "coming_back")}


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


def fill(db: sqlite3.Connection) -> None:
    """Put everybody and everything into an empty shop."""
    db.executemany("INSERT INTO customers VALUES (?, ?, ?, ?)", PEOPLE)
    for number, (customer, state, day) in enumerate(ORDERS, 1):
        created = int(datetime(2026, 11, day, 10, 30, tzinfo=UTC).timestamp())
        gone = state in ("sent", "arrived", "coming_back", "gone_back")
        there = gone and state != "sent"
        db.execute(
            "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, '49.90', ?, ?)",
            (
                number + 500,
                f"SO-{100000 + number}",
                customer,
                state,
                created,
                created + 3600 if gone else None,
                created + 7200 if there else None,
                "DHL" if gone else None,
                f"TRK{number}" if gone else None,
            ),
        )
        db.executemany(
            "INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (f"{number}-a", number + 500, "Blue shoes", "shoes", 2, "19.95", 1),
                (f"{number}-b", number + 500, "Gift card", "cards", 1, "10.00", 0),
            ],
        )


class Shop:
    """The shop itself. Each call is one transaction."""

    def __init__(self, path: Path, keeps_keys: bool) -> None:
        self._path = path
        self._keeps_keys = keeps_keys

    def with_phone(self, phone: str) -> list[dict[str, Any]]:
        return self._rows("SELECT * FROM customers WHERE phone = ? ORDER BY id", phone)

    def owner(self, number: str) -> dict[str, Any] | None:
        found = self._rows("SELECT c.* FROM customers c JOIN orders o ON o.customer = c.id WHERE o.number = ?", number)
        return found[0] if found else None

    def orders_of(self, customer: str) -> list[dict[str, Any]]:
        found = self._rows("SELECT * FROM orders WHERE CAST(customer AS TEXT) = ? ORDER BY created DESC", customer)
        return [{**row, "lines": self._lines(row["id"])} for row in found]

    def order(self, customer: str, number: str) -> dict[str, Any] | None:
        return next((row for row in self.orders_of(customer) if row["number"] == number), None)

    def number_of(self, order_id: str) -> str:
        found = self._rows("SELECT number FROM orders WHERE CAST(id AS TEXT) = ?", order_id)
        if not found:
            raise Refused(404, "not_found")
        return str(found[0]["number"])

    def recorded(self, key: str) -> dict[str, Any] | None:
        found = self._rows("SELECT * FROM requests WHERE key = ?", key)
        return found[0] if found else None

    def write(
        self, action: str, customer: str, number: str, key: str, reason: str | None, lines: Sequence[tuple[str, int]]
    ) -> dict[str, Any]:
        """Cancel or take back, once per key; the answer is the same each time."""
        with closing(self._open()) as db:
            db.execute("BEGIN IMMEDIATE")
            known = db.execute("SELECT * FROM requests WHERE key = ?", (key,)).fetchone() if self._keeps_keys else None
            if known is not None:
                if (known["action"], known["customer"], known["number"]) != (action, customer, number):
                    raise Refused(409, "key_reused")
                return dict(known)
            row = db.execute(
                "SELECT * FROM orders WHERE CAST(customer AS TEXT) = ? AND number = ?", (customer, number)
            ).fetchone()
            if row is None:
                raise Refused(404, "not_found")
            answer = _answer(action, row)
            record = {"key": key, "action": action, "customer": customer, "number": number, **answer}
            if self._keeps_keys:
                db.execute(
                    "INSERT INTO requests VALUES"
                    " (:key, :action, :customer, :number, :result, :reference, :refund, :detail)",
                    record,
                )
            if answer["result"] == "done":
                db.execute("UPDATE orders SET state = ? WHERE number = ?", (_FROM_TO[action][1], number))
                db.execute("INSERT INTO effects VALUES (?, ?, ?, ?)", (number, action, reason, repr(list(lines))))
            db.commit()
        return record

    def forget_half(self) -> None:
        """Keep of the last request that it came in, not what came of it: its second half failed."""
        with closing(self._open()) as db:
            db.execute("UPDATE requests SET result = 'half', reference = NULL, refund = NULL")
            db.commit()

    def _lines(self, order_id: int) -> list[dict[str, Any]]:
        return self._rows("SELECT * FROM lines WHERE order_id = ? ORDER BY id", order_id)

    def _rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        with closing(self._open()) as db:
            return [dict(row) for row in db.execute(sql, values)]

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None)
        db.execute("PRAGMA synchronous = OFF")  # It is thrown away after the test.
        db.row_factory = sqlite3.Row
        return db


def _answer(action: str, row: sqlite3.Row) -> dict[str, Any]:
    before, _ = _FROM_TO[action]
    if row["state"] != before:
        return {"result": "refused", "reference": None, "refund": None, "detail": f"it is {row['state']}"}
    if action == "cancel":
        refund = str(Decimal(row["total"]))
        return {"result": "done", "reference": f"REF-{row['id']}", "refund": refund, "detail": "cancelled"}
    return {"result": "done", "reference": f"RMA-{row['id']}", "refund": None, "detail": "label sent"}
