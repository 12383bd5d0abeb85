"""How the demo shop is read. Every query for a customer about an order names the customer."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from decimal import Decimal

from bot.domain.model import Money, Order, OrderItem, OrderStatus

_ORDER = (
    "SELECT number, customer_id, status, placed_at, total, currency,"
    " shipped_at, delivered_at, expected_at, carrier, tracking, payment FROM orders "
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


def customer_of(db: sqlite3.Connection, number: str) -> tuple[str, str] | None:
    """Return (id, name) of the customer whose order this is; `number` is plain."""
    row: tuple[str, str] | None = db.execute(
        "SELECT c.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.number = ?", (number,)
    ).fetchone()
    return row


def newest_order(db: sqlite3.Connection) -> Order | None:
    """Return the newest order of all, for the shop's own eyes."""
    row = db.execute(_ORDER + "ORDER BY placed_at DESC, number DESC LIMIT 1").fetchone()
    return None if row is None else _order(db, row)


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
    number, customer_id, status, placed_at, total, currency, shipped_at, delivered_at, expected_at, *words = row
    items = db.execute(
        "SELECT name, quantity, price, id, category, returnable FROM items WHERE order_number = ? ORDER BY position",
        (number,),
    ).fetchall()
    carrier, tracking, payment = words
    return Order(
        number,
        customer_id,
        OrderStatus(status),
        datetime.fromisoformat(placed_at),
        Money(Decimal(total), currency),
        tuple(
            OrderItem(name, quantity, Money(Decimal(price), currency), id_, category, bool(returnable))
            for name, quantity, price, id_, category, returnable in items
        ),
        shipped_at=_time(shipped_at),
        delivered_at=_time(delivered_at),
        expected_at=_time(expected_at),
        carrier=carrier,
        tracking=tracking,
        payment=payment,
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
