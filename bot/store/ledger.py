"""The ledger of writes: every step is one UPDATE that names the states it may come from."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from bot.domain.journal import LedgerStore
from bot.domain.ledger import ENDS, UNDER_WAY, before
from bot.domain.model import LedgerEntry, LedgerState, ThreadKey
from bot.domain.ports import Clock
from bot.store.buttons import void_group
from bot.store.database import Database
from bot.store.ledger_rows import answer_values, ledger_from, proposal_values
from bot.store.rows import thread_from
from bot.store.tables import ButtonRow, LedgerRow, ThreadRow

log = logging.getLogger(__name__)

_HELD = (LedgerState.IN_FLIGHT.value, LedgerState.UNKNOWN.value)


class Ledger(LedgerStore):
    """Implements `LedgerStore`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def entry(self, key: str) -> LedgerEntry | None:
        """Return the entry of this key."""
        query = select(LedgerRow.__table__).where(LedgerRow.key == key)
        row = await self._database.read(lambda connection: connection.execute(query).mappings().first())
        return ledger_from(row) if row else None

    async def confirm(self, key: str, inbox_id: int, *, needs_approval: bool) -> bool:
        """Commit the customer's yes; whoever loses the race gets False."""
        now = self._clock.now()
        return await self._database.write(lambda connection: _confirm(connection, key, inbox_id, needs_approval, now))

    async def take_off(self, key: str, approved_by: int | None = None) -> bool:
        """Commit that it is about to be sent, unless another write for the same order is in flight or unknown."""
        now = self._clock.now()
        return await self._database.write(lambda connection: _take_off(connection, key, approved_by, now))

    async def under_way(self, customer_id: str, number: str) -> LedgerEntry | None:
        """Return the write of this order that has been confirmed and has not ended."""
        query = select(LedgerRow.__table__).where(
            LedgerRow.customer_id == customer_id,
            LedgerRow.order_number == number,
            LedgerRow.state.in_([state.value for state in UNDER_WAY]),
        )
        row = await self._database.read(lambda connection: connection.execute(query.limit(1)).mappings().first())
        return ledger_from(row) if row else None

    async def latest(self, limit: int, *, number: str = "", state: LedgerState | None = None) -> Sequence[LedgerEntry]:
        """Return the newest entries, of an order in any of its spellings or in a state where that is given."""
        query = select(LedgerRow.__table__).order_by(LedgerRow.proposed_at.desc(), LedgerRow.key)
        if number:
            bare = number.strip().lstrip("#").upper()
            query = query.where(func.upper(LedgerRow.order_number).in_((bare, f"#{bare}")))
        if state is not None:
            query = query.where(LedgerRow.state == state.value)
        rows = await self._database.read(lambda connection: connection.execute(query.limit(limit)).mappings().all())
        return [ledger_from(row) for row in rows]

    async def overdue(self, confirmed: datetime, asked: datetime, sent: datetime) -> Sequence[LedgerEntry]:
        """Return what was confirmed, asked for approval, or sent, at or before these moments, and goes on no longer."""
        left = and_(
            LedgerRow.state == LedgerState.CONFIRMED.value,
            or_(
                and_(LedgerRow.needs_approval.is_(True), LedgerRow.confirmed_at <= asked),
                and_(LedgerRow.needs_approval.is_(False), LedgerRow.confirmed_at <= confirmed),
            ),
        )
        lost = and_(LedgerRow.state == LedgerState.IN_FLIGHT.value, LedgerRow.in_flight_at <= sent)
        query = select(LedgerRow.__table__).where(or_(left, lost)).order_by(LedgerRow.proposed_at)
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [ledger_from(row) for row in rows]

    async def thread_of(self, token: str, admin: int) -> ThreadKey | None:
        """Return the thread that an admin's button is about."""
        query = (
            select(ThreadRow.__table__)
            .join(ButtonRow, ButtonRow.thread_id == ThreadRow.id)
            .where(ButtonRow.token == token, ButtonRow.admin == admin)
        )
        row = await self._database.read(lambda connection: connection.execute(query).mappings().first())
        return thread_from(row).key if row else None


def move_ledger(connection: Connection, entry: LedgerEntry, now: datetime) -> None:
    """Insert a proposal, ending older ones of the thread; or move an entry on, unless it has gone elsewhere."""
    if entry.state is LedgerState.PROPOSED:
        connection.execute(
            update(LedgerRow)
            .where(LedgerRow.thread_id == entry.thread_id, LedgerRow.state == LedgerState.PROPOSED.value)
            .values(state=LedgerState.DECLINED.value, detail="another proposal followed", ended_at=now)
        )
        connection.execute(insert(LedgerRow).values(**proposal_values(entry, now)))
        return
    values: dict[str, object] = {"detail": entry.detail, "answer": answer_values(entry.answer)}
    values |= {"approved_by": entry.approved_by, "settled_by": entry.settled_by}
    values |= {"ended_at": now} if entry.state in ENDS else {"unknown_at": now}
    if not _moved(connection, entry.key, entry.state, **values):
        log.warning("ledger.not_moved", extra={"key": entry.key, "to": entry.state.value})


def expire_proposals(connection: Connection, until: datetime, now: datetime) -> None:
    """End the proposals that were made at or before a moment and got neither a yes nor a no."""
    connection.execute(
        update(LedgerRow)
        .where(LedgerRow.state == LedgerState.PROPOSED.value, LedgerRow.proposed_at <= until)
        .values(state=LedgerState.EXPIRED.value, detail="not confirmed in time", ended_at=now)
    )


def _confirm(connection: Connection, key: str, inbox_id: int, needs_approval: bool, now: datetime) -> bool:
    values = {"confirmed_by": inbox_id, "confirmed_at": now, "needs_approval": needs_approval}
    if not _moved(connection, key, LedgerState.CONFIRMED, **values):
        return False
    # A yes in words uses up the buttons that asked the same.
    thread_id = connection.execute(select(LedgerRow.thread_id).where(LedgerRow.key == key)).scalar_one()
    void_group(connection, thread_id, key)
    return True


def _take_off(connection: Connection, key: str, approved_by: int | None, now: datetime) -> bool:
    this = select(LedgerRow.customer_id, LedgerRow.order_number).where(LedgerRow.key == key)
    row = connection.execute(this).first()
    if row is None:
        return False
    others = select(LedgerRow.key).where(
        LedgerRow.customer_id == row.customer_id,
        LedgerRow.order_number == row.order_number,
        LedgerRow.key != key,
        LedgerRow.state.in_(_HELD),
    )
    # Only one connection writes, so nothing comes in between.
    if connection.execute(others.limit(1)).first() is not None:
        return False
    return _moved(connection, key, LedgerState.IN_FLIGHT, in_flight_at=now, approved_by=approved_by)


def _moved(connection: Connection, key: str, state: LedgerState, **values: object) -> bool:
    earlier = [one.value for one in before(state)]
    done = connection.execute(
        update(LedgerRow).where(LedgerRow.key == key, LedgerRow.state.in_(earlier)).values(state=state.value, **values)
    )
    return bool(done.rowcount)
