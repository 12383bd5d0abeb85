"""The table in the shop's own database that keeps the keys of the writes.

A write and its key are one transaction: either both are there, and the same key gets the same answer, or neither is.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, Text, inspect, select, text
from sqlalchemy.schema import CreateTable

from bot.domain.actions import ActionKind
from bot.domain.model import Money, WriteAnswer, WriteResult
from bot.errors import OrderSystemGarbled
from bot.orders.sql_queries import split_name

COLUMNS = ("key", "customer_id", "order_number", "action", "answer", "written_at")
# Any number will do that nobody else locks: two bots may make the table at the same moment.
_CREATING = 7_236_418_905


class Ledger:
    """The keys and their answers.

    Args:
        name: the table, with its schema if it has one.
        create: make it at the first write if it is missing.
    """

    def __init__(self, name: str, *, create: bool) -> None:
        schema, rest = split_name(name)
        self._create = create
        self._exists = False
        columns = [Column(column, Text, nullable=False, primary_key=column == "key") for column in COLUMNS]
        self.table = Table(rest, MetaData(), *columns, schema=schema)

    def exists(self, connection: Connection) -> bool:
        """Tell whether the table is there."""
        if not self._exists:
            self._exists = inspect(connection).has_table(self.table.name, schema=self.table.schema)
        return self._exists

    def prepare(self, connection: Connection) -> None:
        """Make the table if that is asked for.

        Raises:
            OrderSystemGarbled: it is missing, and is to be made by hand.
        """
        if self.exists(connection):
            return
        if not self._create:
            raise OrderSystemGarbled(
                f"the table {self.table.fullname} is missing in the shop's database: make it as docs/orders-sql.md "
                "says, or set orders.sql.create_table = true"
            )
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _CREATING})
        connection.execute(CreateTable(self.table, if_not_exists=True))

    def find(
        self, connection: Connection, key: str, customer_id: str, number: str, action: ActionKind
    ) -> WriteAnswer | None:
        """Return what this key was answered; None when it was never used.

        Raises:
            OrderSystemGarbled: when it was used for another customer, order or action.
        """
        row = connection.execute(select(self.table).where(self.table.c.key == key)).mappings().first()
        if row is None:
            return None
        if (row["customer_id"], row["order_number"], row["action"]) != (customer_id, number, action.value):
            raise OrderSystemGarbled("this idempotency key was used for another request; nothing was done now")
        return _answer(str(row["answer"]))

    def keep(
        self, connection: Connection, key: str, customer_id: str, number: str, action: ActionKind, answer: WriteAnswer
    ) -> None:
        """Write down what a key was answered."""
        values = (key, customer_id, number, action.value, _words(answer), datetime.now(UTC).isoformat())
        connection.execute(self.table.insert().values(dict(zip(COLUMNS, values, strict=True))))


def _words(answer: WriteAnswer) -> str:
    refund = answer.refund
    return json.dumps(
        {
            "result": answer.result.value,
            "reference": answer.reference,
            "refund": refund and {"amount": str(refund.amount), "currency": refund.currency},
            "detail": answer.detail,
        }
    )


def _answer(words: str) -> WriteAnswer:
    try:
        found: dict[str, Any] = json.loads(words)
        refund = found["refund"]
        return WriteAnswer(
            WriteResult(found["result"]),
            reference=found["reference"],
            refund=refund and Money(Decimal(refund["amount"]), refund["currency"]),
            detail=found["detail"],
        )
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise OrderSystemGarbled("an answer in the ledger of the shop's database makes no sense") from error
