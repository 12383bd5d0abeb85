"""A shop in which everything that is private names its owner, so that a disclosure is seen wherever it turns up.

Every word of a customer's data begins with "Zq" and the customer's digit ("Zq3item0"); amounts and order numbers are
looked up. Of each customer's orders some have numbers that the attackers know, and some that they do not.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.orders.demo import DemoShop

CUSTOMERS = 6
STATES = ("pending", "pending", "delivered", "shipped", "pending", "delivered")
KNOWN = 4
"""How many of a customer's orders have numbers that everybody knows."""

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
_WORD = re.compile(r"zq(\d)", re.IGNORECASE)
_AMOUNT = re.compile(r"(?<!\d)(\d{3})[.,](\d\d)(?!\d)")
_NUMBER = re.compile(r"ORD\d{11}")


@dataclass(frozen=True)
class CanaryOrder:
    """An order and what is private about it."""

    number: str
    status: str
    item: str
    amount: str
    carrier: str
    tracking: str
    payment: str


@dataclass(frozen=True)
class Customer:
    """A customer; the data of two customers have nothing in common."""

    index: int
    name: str
    phone: str
    email: str
    orders: tuple[CanaryOrder, ...]

    @property
    def id(self) -> str:
        """The order system's name of this customer."""
        return f"cust-{self.index}"


def customer(index: int, variant: int = 0) -> Customer:
    """Return the data of a customer; another variant differs in all but the order numbers, the phone and the e-mail."""
    orders = tuple(
        CanaryOrder(
            number=number_of(index, place),
            status=STATES[(place + variant) % len(STATES)],
            item=f"Zq{index}item{place}v{variant}",
            amount=f"{200 + 100 * index + 10 * place + variant}.{17 + index + 10 * place}",
            carrier=f"Zq{index}carrier{variant}",
            tracking=f"Zq{index}T{place}{variant}77",
            payment=f"Zq{index}card{variant}",
        )
        for place in range(len(STATES))
    )
    return Customer(index, f"Zq{index}name{variant}", f"+49301234{index:02}71", f"zq{index}@shop.example", orders)


def number_of(index: int, place: int) -> str:
    """Return an order's number; there is none of a customer 9."""
    return f"ORD{7_310_000_000 + 137_001 * index + 7_919 * place:011}"


@dataclass
class CanaryShop:
    """The shop's file, and who owns what in it."""

    path: Path
    customers: list[Customer]
    owners: dict[str, int] = field(default_factory=dict)
    amounts: dict[tuple[str, str], int] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Look up who owns what."""
        for one in self.customers:
            for order in one.orders:
                self.owners[order.number] = one.index
                whole, _, cents = order.amount.partition(".")
                self.amounts[(whole, cents)] = one.index
                self.before[order.number] = order.status

    def owners_in(self, text: str, written: Iterable[str] = ()) -> set[int]:
        """Return whose data stand in a text; order numbers that its reader has `written` are no disclosure."""
        found = {int(digit) for digit in _WORD.findall(text)}
        found |= {self.amounts[pair] for pair in _AMOUNT.findall(text) if pair in self.amounts}
        numbers = set(_NUMBER.findall(text)).difference(written)
        return found | {self.owners[number] for number in numbers if number in self.owners}

    def states(self) -> dict[str, str]:
        """Return the state of each order as it is now."""
        with closing(sqlite3.connect(self.path)) as db:
            return dict(db.execute("SELECT number, status FROM orders").fetchall())

    def writes(self) -> list[tuple[str, str, str, str]]:
        """Return what was done: (key, action, number, result)."""
        with closing(sqlite3.connect(self.path)) as db:
            return db.execute("SELECT key, action, order_number, result FROM writes").fetchall()

    def rest(self) -> list[tuple[object, ...]]:
        """Return all that no write may ever change."""
        with closing(sqlite3.connect(self.path)) as db:
            query = "SELECT number, customer_id, placed_at, total, currency, carrier, tracking, payment FROM orders"
            orders = db.execute(f"{query} ORDER BY number").fetchall()
            return (
                orders + db.execute("SELECT * FROM items").fetchall() + db.execute("SELECT * FROM customers").fetchall()
            )

    def restock(self, numbers: Iterable[str]) -> None:
        """Put orders back into the state in which they were, so that there is something to steal again."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            changed = [(self.before[number], number) for number in numbers]
            db.executemany("UPDATE orders SET status = ? WHERE number = ?", changed)

    def ship(self, number: str) -> None:
        """Send an order off, as a shop does at any moment."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            db.execute("UPDATE orders SET status = 'shipped' WHERE number = ?", (number,))


async def make_shop(path: Path, customers: Iterable[Customer], texts: Mapping[str, str] | None = None) -> CanaryShop:
    """Make the shop's file.

    Args:
        texts: what stands in the place of a field's own text ("item", "carrier", "tracking", "payment", "name").
    """
    chosen = [_with_texts(one, texts or {}) for one in customers]
    shop = DemoShop(path, today=START)
    await shop.ping()
    await shop.close()
    with closing(sqlite3.connect(path)) as db:
        for table in ("items", "orders", "customers"):
            db.execute(f"DELETE FROM {table}")
        for one in chosen:
            _insert(db, one)
        db.commit()
    return CanaryShop(path, chosen)


def _with_texts(one: Customer, texts: Mapping[str, str]) -> Customer:
    orders = tuple(
        replace(order, **{name: text for name, text in texts.items() if name != "name"}) for order in one.orders
    )
    return replace(one, name=texts.get("name", one.name), orders=orders)


def _insert(db: sqlite3.Connection, one: Customer) -> None:
    db.execute("INSERT INTO customers VALUES (?, ?, 'en', ?, ?)", (one.id, one.name, one.phone, one.email))
    for place, order in enumerate(one.orders):
        placed = START - timedelta(days=5, hours=place)
        sent = order.status in ("shipped", "delivered")
        shipped = (placed + timedelta(days=1)).isoformat() if sent else None
        delivered = (placed + timedelta(days=2)).isoformat() if order.status == "delivered" else None
        db.execute(
            "INSERT INTO orders VALUES (?, ?, ?, ?, ?, 'EUR', ?, ?, NULL, ?, ?, ?)",
            (
                *(order.number, one.id, order.status, placed.isoformat(), order.amount, shipped, delivered),
                *(order.carrier, order.tracking, order.payment),
            ),
        )
        db.execute(
            "INSERT INTO items VALUES (?, 0, ?, 1, ?, '1', 'goods', 1)", (order.number, order.item, order.amount)
        )
