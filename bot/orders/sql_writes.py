"""Changing a shop's database: the statements of the mapping, all or none, once per idempotency key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from bot.domain.actions import ActionKind
from bot.domain.model import WHOLE_ONLY, Money, Order, OrderStatus, Reason, ReturnLine, WriteAnswer, WriteResult
from bot.orders.lines import wrong_line
from bot.orders.sql_engine import first_words, is_refusal
from bot.orders.sql_ledger import Ledger
from bot.orders.sql_reads import Customer, Found, Reads
from bot.orders.sql_settings import SqlSettings, Statement, WriteMap, parameters_of

NO_SUCH_ORDER = WriteAnswer(WriteResult.REFUSED, detail="no such order")

_DONE = {
    ActionKind.CANCEL_ORDER: frozenset({OrderStatus.CANCELLED}),
    ActionKind.RETURN_APPLY: frozenset({OrderStatus.RETURN_REQUESTED, OrderStatus.RETURNED}),
}
_SAID = {ActionKind.CANCEL_ORDER: "cancelled", ActionKind.RETURN_APPLY: "return opened"}


@dataclass(frozen=True, slots=True)
class Request:
    """One write that is asked for; `number` is plain, and without `lines` a return is of all of the order."""

    action: ActionKind
    customer: Customer
    number: str
    key: str
    reason: Reason | None = None
    lines: Sequence[ReturnLine] = ()


class _Missed(Exception):
    """A statement did not change the rows that it must."""


class Writes:
    """What is changed within a transaction, which the caller commits."""

    def __init__(self, settings: SqlSettings, reads: Reads) -> None:
        self._settings = settings
        self._reads = reads
        self._ledger = Ledger(settings.ledger, create=settings.create_table) if settings.ledger else None

    def write_once(self, connection: Connection, request: Request) -> WriteAnswer:
        """Cancel or take back an order, or repeat the answer that this key got before.

        Raises:
            OrderSystemGarbled: when the key was used for something else.
        """
        if request.action not in self._settings.writes:
            return WriteAnswer(WriteResult.REFUSED, detail="the mapping has no statements for this")
        if self._ledger is not None:
            self._ledger.prepare(connection)
        self._reads.hold(connection, request.customer, request.number)
        known = self._known(connection, request)
        if known is not None:
            return known
        found = self._reads.order_of(connection, request.customer, request.number)
        if found is None:
            return NO_SUCH_ORDER
        answer = self._refusal(request, found.order) or self._change(connection, request, found)
        if self._ledger is not None:
            customer, number = str(request.customer), request.number
            self._ledger.keep(connection, request.key, customer, number, request.action, answer)
        return answer

    def outcome(self, connection: Connection, request: Request) -> WriteAnswer | None:
        """Return what the write of this key came to; without a ledger, what the order's state tells.

        Raises:
            OrderSystemGarbled: when the key was used for something else.
        """
        # A commit that nobody heard the end of still holds the order.
        self._reads.hold(connection, request.customer, request.number)
        if self._ledger is not None:
            return self._known(connection, request) if self._ledger.exists(connection) else None
        found = self._reads.order_of(connection, request.customer, request.number)
        if found is None or found.order.status not in _DONE[request.action]:
            return None
        detail = f"the order is {found.order.status.value}; whether by this write cannot be told"
        return WriteAnswer(WriteResult.DONE, detail=detail)

    def _known(self, connection: Connection, request: Request) -> WriteAnswer | None:
        if self._ledger is None:
            return None
        return self._ledger.find(connection, request.key, str(request.customer), request.number, request.action)

    def _refusal(self, request: Request, order: Order) -> WriteAnswer | None:
        write = self._settings.writes[request.action]
        if order.status not in write.states:
            wanted = " or ".join(sorted(write.states))
            return WriteAnswer(WriteResult.REFUSED, detail=f"the order is {order.status.value}, not {wanted}")
        wrong = wrong_line(order, request.lines)
        if wrong is None and request.lines and not any(statement.each_line for statement in write.statements):
            # No statement of the mapping is for each line.
            wrong = WHOLE_ONLY
        return WriteAnswer(WriteResult.REFUSED, detail=wrong) if wrong else None

    def _change(self, connection: Connection, request: Request, found: Found) -> WriteAnswer:
        """Run the statements; if one of them does not do what it must, none of them stands."""
        write = self._settings.writes[request.action]
        savepoint = connection.begin_nested()
        try:
            reference = self._run_all(connection, write, request, found)
            if connection.dialect.name == "postgresql":
                # A rule that waits for the commit is to speak now, while what it refuses can be taken back.
                connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        except _Missed as missed:
            savepoint.rollback()
            return WriteAnswer(WriteResult.REFUSED, detail=str(missed))
        except DBAPIError as error:
            if not is_refusal(error):
                raise
            savepoint.rollback()
            return WriteAnswer(WriteResult.REFUSED, detail=f"the shop's database refused it: {first_words(error)}")
        savepoint.commit()
        refund = _refund(found.order, request.lines) if write.refunds else None
        return WriteAnswer(WriteResult.DONE, reference, refund, _SAID[request.action])

    def _run_all(self, connection: Connection, write: WriteMap, request: Request, found: Found) -> str | None:
        """Return what the write is called from now on."""
        given: dict[str, Any] = {
            "number": found.number,
            "customer_id": request.customer,
            "order_id": found.id,
            "status": found.status,
            "reason": request.reason.value if request.reason else "",
            "reference": write.reference.format(number=found.order.number, order_id=found.id) or None,
            "now": self._now(connection),
            "key": request.key,
        }
        for place, statement in enumerate(write.statements):
            for values in _turns(statement, request, found.order):
                first = _run(connection, statement, {**given, **values}, place)
                if statement.gives_reference:
                    given["reference"] = first
        return None if given["reference"] is None else str(given["reference"])

    def _now(self, connection: Connection) -> datetime | str:
        now = datetime.now(UTC)
        if connection.dialect.name == "postgresql":
            return now
        # SQLite has no times, only text, and every shop's text is without a zone unless its own functions add one.
        return now.astimezone(self._settings.zone).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def _turns(statement: Statement, request: Request, order: Order) -> Iterator[Mapping[str, Any]]:
    """Yield what is special to each time that a statement runs."""
    if not statement.each_line:
        yield {}
        return
    whole = [ReturnLine(item.id, item.quantity) for item in order.items if item.returnable]
    for line in request.lines or whole:
        yield {"item_id": line.item_id, "quantity": line.quantity}


def _run(connection: Connection, statement: Statement, given: Mapping[str, Any], place: int) -> Any:
    """Run a statement, and return the first column of the first row that it returns, if it does.

    Raises:
        _Missed: it changed, or returned, another number of rows than it must.
    """
    names = parameters_of(statement.sql)
    result = connection.execute(text(statement.sql), {name: given[name] for name in names})
    rows = result.all() if result.returns_rows else None
    count = result.rowcount if rows is None else len(rows)
    if statement.rows is not None and count != statement.rows:
        raise _Missed(f"statement {place + 1} changed {count} rows, not {statement.rows}; nothing was changed")
    return rows[0][0] if rows else None


def _refund(order: Order, lines: Sequence[ReturnLine]) -> Money:
    if not lines:
        return order.total
    pieces = {line.item_id: line.quantity for line in lines}
    amounts = (item.price.amount * pieces[item.id] for item in order.items if item.id in pieces)
    return Money(sum(amounts, order.total.amount * 0), order.total.currency)
