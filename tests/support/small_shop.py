"""A small shop in one SQLite file whose owner chose everything otherwise: German states, cents, local times, UUIDs."""

from __future__ import annotations

import copy
import sqlite3
from pathlib import Path
from typing import Any

from bot.orders.sql import SqlShop
from bot.orders.testing import scope_of

ADA, BOB = "0b1e0b7e-6c9f-4a52-9a1c-3f1e5d0a7b01", "0b1e0b7e-6c9f-4a52-9a1c-3f1e5d0a7b02"
MINE, THEIRS = scope_of(ADA), scope_of(BOB)
OPEN, CAME = "BE-2024/0017", "BE-2024/0009"

SCHEMA = """
CREATE TABLE kunden (uid TEXT PRIMARY KEY, name TEXT, mail TEXT, tel TEXT, gesperrt INTEGER NOT NULL DEFAULT 0);
CREATE TABLE "Bestellungen" (
    lfd INTEGER PRIMARY KEY, nummer TEXT, kunde TEXT, zustand INTEGER, wann, summe,
    waehrung TEXT DEFAULT 'EUR', weg INTEGER DEFAULT 0
);
CREATE TABLE posten (lfd INTEGER PRIMARY KEY, bestellung INTEGER, was TEXT, stueck, preis, hygiene INTEGER DEFAULT 0);
CREATE TABLE ereignisse (bestellung INTEGER, art TEXT, wann);
CREATE TABLE retouren (id INTEGER PRIMARY KEY, bestellung INTEGER, grund TEXT);
CREATE TABLE retourposten (retoure INTEGER, posten INTEGER, stueck INTEGER);
"""

MAPPING: dict[str, Any] = {
    "timezone": "Europe/Berlin",
    "money_digits": 2,
    "phone_region": "DE",
    "number_shapes": [r"BE-\d{4}/\d{4}"],
    "create_table": True,
    "order": {
        "table": "Bestellungen",
        "where": {"weg": 0},
        "id": "lfd",
        "number": "nummer",
        "customer": "kunde",
        "status": "zustand",
        "placed_at": "wann",
        "total": "summe",
        "currency": "waehrung",
        "delivered_at": "kam.wann",
        "carrier": {"value": "DHL"},
        "states": {"1": "pending", "2": "shipped", "3": "delivered", "4": "return_requested", "9": "cancelled"},
        "joins": {
            "kam": {"table": "ereignisse", "on": {"bestellung": "lfd"}, "where": {"art": "kam"}, "newest": "wann"}
        },
    },
    "items": {
        "table": "posten",
        "order": "bestellung",
        "id": "lfd",
        "name": "was",
        "quantity": "stueck",
        "price": "preis",
    },
    "customer": {
        "table": "kunden",
        "where": {"gesperrt": {"not": 1}},
        "id": "uid",
        "id_type": "uuid",
        "name": "name",
        "email": "mail",
        "phone": "tel",
    },
    "cancel": {
        "refund": "total",
        "statements": [
            {
                "sql": 'UPDATE "Bestellungen" SET zustand = 9 '
                "WHERE lfd = :order_id AND kunde = :customer_id AND zustand = 1;",
                "rows": 1,
            },
            {"sql": "INSERT INTO ereignisse VALUES (:order_id, 'storno', :now)", "rows": 1},
        ],
    },
    "return": {
        "statements": [
            {
                "sql": 'UPDATE "Bestellungen" SET zustand = 4 '
                "WHERE nummer = :number AND kunde = :customer_id AND zustand = 3",
                "rows": 1,
            },
            {
                "sql": "INSERT INTO retouren (bestellung, grund) VALUES (:order_id, :reason) RETURNING 'R' || id",
                "rows": 1,
                "gives": "reference",
            },
            {
                "sql": "INSERT INTO retourposten VALUES (substr(:reference, 2), :item_id, :quantity)",
                "rows": 1,
                "each": "line",
            },
        ],
    },
}


class SmallShop:
    """The shop's file, open for a test to spoil it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "laden.db"
        self.db = sqlite3.connect(self.path, isolation_level=None)
        self.db.executescript(SCHEMA)
        self.db.execute("INSERT INTO kunden VALUES (?, 'Ada Berg', 'Ada@Example.org', '0171 / 555-01 42', 0)", (ADA,))
        self.db.execute("INSERT INTO kunden VALUES (?, 'Bob Tal', 'bob@example.org', '+49 30 5550177', 0)", (BOB,))
        for row in (
            (1, OPEN, ADA, 1, "2024-07-01 12:00:00", 4497),
            (2, CAME, ADA, 3, "2024-01-10 09:30:00", 2000),
            (3, "BE-2024/0001", BOB, 1, "2024-02-01 10:00:00", 1000),
        ):
            self.db.execute(
                'INSERT INTO "Bestellungen" (lfd, nummer, kunde, zustand, wann, summe) VALUES (?,?,?,?,?,?)', row
            )
        for row in ((1, 1, "Seife", 3, 1499), (2, 2, "Kamm", 1, 800), (3, 2, "Tuch", 2, 600)):
            self.db.execute("INSERT INTO posten (lfd, bestellung, was, stueck, preis) VALUES (?, ?, ?, ?, ?)", row)
        self.db.execute(
            "INSERT INTO ereignisse VALUES (2, 'kam', '2024-01-12 18:00:00'), (2, 'weg', '2024-01-11 08:00')"
        )

    def open(self, **differences: Any) -> SqlShop:
        """Return an adapter; each difference is an option by its dotted name, with "__" for the dot, None for gone."""
        options = copy.deepcopy(MAPPING) | {"url": f"sqlite:///{self.path}"}
        for name, value in differences.items():
            *tables, last = name.split("__")
            table = options
            for each in tables:
                table = table.setdefault(each, {})
            if value is None:
                table.pop(last, None)
            else:
                table[last] = value
        return SqlShop.from_options(options, self.path.parent)

    def set(self, number: str, **values: Any) -> None:
        """Change columns of an order."""
        for column, value in values.items():
            self.db.execute(f'UPDATE "Bestellungen" SET {column} = ? WHERE nummer = ?', (value, number))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what stands in the file."""
        return self.db.execute(query).fetchall()
