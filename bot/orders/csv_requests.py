"""Requests for a person, each written to the outbox once per idempotency key.

The outbox is a person's: they mark its lines, take some out, and a spreadsheet that was open may put an old state back.
So what was asked for is kept beside it in a record that nobody edits, a SQLite file. A request is planned there first,
then its line is written, then it is done there; after a kill in between the outbox tells whether the line is whole.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.actions import ActionKind
from bot.domain.model import Order, OrderStatus, WriteAnswer, WriteResult
from bot.errors import OrderSystemDown, OrderSystemGarbled, OrderSystemTimeout
from bot.orders.csv_options import CsvOptions
from bot.orders.csv_outbox import Outbox
from bot.orders.numbers import plain

NO_SUCH_ORDER = WriteAnswer(WriteResult.REFUSED, detail="no such order")
ASKED_FOR = "request written"
_ANOTHER_REQUEST = "this idempotency key was used for another request; nothing was done now"

_TABLES = """
CREATE TABLE IF NOT EXISTS requests (
    key TEXT PRIMARY KEY,
    action TEXT NOT NULL,
    customer TEXT NOT NULL,
    number TEXT NOT NULL,
    state TEXT NOT NULL,
    reference TEXT,
    detail TEXT NOT NULL,
    cells TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS requests_by_order ON requests (number, action, state);
"""

_FROM = {
    ActionKind.CANCEL_ORDER: frozenset({OrderStatus.PENDING, OrderStatus.PROCESSED}),
    ActionKind.RETURN_APPLY: frozenset({OrderStatus.DELIVERED}),
}


class _State(StrEnum):
    PLANNED = "planned"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer asks for.

    `number` is plain, `cells` the line for the person without action, reference and key; `objection` is why the order
    itself stands against it, if it does.
    """

    key: str
    action: ActionKind
    customer: str
    number: str
    cells: Mapping[str, str]
    objection: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    key: str
    action: str
    customer: str
    number: str
    state: str
    reference: str | None
    detail: str
    cells: str

    @property
    def answer(self) -> WriteAnswer:
        # Whatever is written here still has to be carried out by a person.
        result = WriteResult.REFUSED if self.state == _State.REFUSED else WriteResult.REQUESTED
        return WriteAnswer(result, reference=self.reference, detail=self.detail)


class Requests:
    """The record and the outbox. Used by one thread; other processes may use the same files."""

    def __init__(self, options: CsvOptions) -> None:
        self._path = options.record
        self._outbox = Outbox(options.outbox, options.outbox_delimiter)
        self._db: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the record."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def write(self, wish: Wish, order: Order | None) -> WriteAnswer:
        """Ask for it, or repeat the answer that this key got before.

        Args:
            order: the customer's order as it stands; None when there is none.

        Raises:
            OrderSystemDown: the line could not be written.
            OrderSystemTimeout: it may have been written.
            OrderSystemGarbled: the key was used for something else.
        """
        db = self._open()
        with _transaction(db):
            self._settle(db)
            known = _row(db, wish.key)
            if known is not None:
                # The order is looked up by customer, so the right number alone does not make it the same request.
                if order is None or not _is_same(known, wish):
                    raise OrderSystemGarbled(_ANOTHER_REQUEST)
                if known.state != _State.PLANNED:
                    return known.answer
            if order is None:
                return NO_SUCH_ORDER
            row = self._decide(db, wish, order)
            _save(db, row)
        return row.answer if row.state == _State.REFUSED else self._carry_out(db, row)

    def outcome(self, key: str, action: ActionKind, customer: str, number: str) -> WriteAnswer | None:
        """Return what the request of this key came to; None when it surely had no effect.

        Raises:
            OrderSystemGarbled: the key was used for something else.
        """
        if self._db is None and not self._path.exists():
            return None
        db = self._open()
        with _transaction(db):
            self._settle(db)
            row = _row(db, key)
        if row is None:
            return None
        if not _is_same(row, Wish(key, action, customer, number, {})):
            raise OrderSystemGarbled(_ANOTHER_REQUEST)
        return None if row.state == _State.PLANNED else row.answer

    def returning(self, customer: str) -> set[str]:
        """Return the (plain) numbers of a customer's orders whose return was asked for."""
        if self._db is None and not self._path.exists():
            return set()
        rows = self._open().execute(
            "SELECT number FROM requests WHERE customer = ? AND action = ? AND state = ?",
            (customer, ActionKind.RETURN_APPLY.value, _State.DONE.value),
        )
        return {number for (number,) in rows}

    def missing(self) -> list[tuple[str, str, str, ActionKind]]:
        """Return (reference, customer, plain number, action) of the requests that are not in the outbox any more."""
        if self._db is None and not self._path.exists():
            return []
        present = self._outbox.written()
        rows = self._open().execute("SELECT * FROM requests WHERE state = ?", (_State.DONE.value,)).fetchall()
        return [
            (row.reference or "", row.customer, row.number, ActionKind(row.action))
            for row in (_Row(*values) for values in rows)
            if row.key not in present
        ]

    def _decide(self, db: sqlite3.Connection, wish: Wish, order: Order) -> _Row:
        refusal = wish.objection
        if order.status not in _FROM[wish.action]:
            refusal = f"the order is {order.status.value}"
        elif _asked_for(db, wish.key, wish.action.value, wish.number):
            refusal = "it was asked for already"
        reference = None if refusal else f"{_VERBS[wish.action].upper()}-{plain(order.number)}"
        cells = {**wish.cells, "action": _VERBS[wish.action], "reference": reference or "", "key": wish.key}
        return _Row(
            wish.key,
            wish.action.value,
            wish.customer,
            wish.number,
            _State.REFUSED if refusal else _State.PLANNED,
            reference,
            refusal or ASKED_FOR,
            json.dumps(cells, ensure_ascii=False),
        )

    def _carry_out(self, db: sqlite3.Connection, planned: _Row) -> WriteAnswer:
        with _transaction(db):
            row = _row(db, planned.key) or planned
            if row.state != _State.PLANNED:
                return row.answer
            if _asked_for(db, row.key, row.action, row.number):
                # Another process was faster, under another key.
                row = _changed(row, _State.REFUSED, "it was asked for already")
                _save(db, row)
                return row.answer
            self._append(row, _planned(db))
            row = _changed(row, _State.DONE, row.detail)
            try:
                _save(db, row)
                db.execute("COMMIT")
            except sqlite3.Error as error:
                raise OrderSystemTimeout("the request was written, but its record failed") from error
        return row.answer

    def _append(self, row: _Row, planned: list[_Row]) -> None:
        try:
            self._outbox.add(json.loads(row.cells), [json.loads(each.cells) for each in planned])
        except ValueError as error:
            raise OrderSystemDown(str(error)) from error
        except OSError as error:
            remedy = "close it in the spreadsheet, and check the disk and the file's owner"
            raise OrderSystemDown(f"cannot write to {self._outbox.path}: {error}; {remedy}") from error

    def _settle(self, db: sqlite3.Connection) -> None:
        """Find out what became of requests during which the process was killed."""
        planned = _planned(db)
        if not planned:
            return
        try:
            present = self._outbox.written()
        except (OSError, ValueError) as error:
            raise OrderSystemTimeout(f"cannot tell what was asked for: {error}") from error
        for row in planned:
            if row.key in present:
                _save(db, _changed(row, _State.DONE, row.detail))

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, timeout=5, isolation_level=None, check_same_thread=False)
            try:
                # The rollback journal, for a WAL with several connections is not safe in every SQLite that is about.
                db.execute("PRAGMA journal_mode = DELETE")
                db.execute("PRAGMA synchronous = FULL")
                db.executescript(_TABLES)
            except BaseException:
                db.close()
                raise
            self._db = db
        return self._db


_VERBS = {ActionKind.CANCEL_ORDER: "cancel", ActionKind.RETURN_APPLY: "return"}


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        if db.in_transaction:
            db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _row(db: sqlite3.Connection, key: str) -> _Row | None:
    values = db.execute("SELECT * FROM requests WHERE key = ?", (key,)).fetchone()
    return None if values is None else _Row(*values)


def _planned(db: sqlite3.Connection) -> list[_Row]:
    return [_Row(*row) for row in db.execute("SELECT * FROM requests WHERE state = ?", (_State.PLANNED.value,))]


def _save(db: sqlite3.Connection, row: _Row) -> None:
    db.execute(
        "INSERT OR REPLACE INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (row.key, row.action, row.customer, row.number, row.state, row.reference, row.detail, row.cells),
    )


def _changed(row: _Row, state: _State, detail: str) -> _Row:
    reference = None if state is _State.REFUSED else row.reference
    return _Row(row.key, row.action, row.customer, row.number, state, reference, detail, row.cells)


def _is_same(row: _Row, wish: Wish) -> bool:
    return (row.action, row.customer, row.number) == (wish.action.value, wish.customer, wish.number)


def _asked_for(db: sqlite3.Connection, key: str, action: str, number: str) -> bool:
    found = db.execute(
        "SELECT 1 FROM requests WHERE number = ? AND action = ? AND state = ? AND key <> ?",
        (number, action, _State.DONE.value, key),
    )
    return found.fetchone() is not None
