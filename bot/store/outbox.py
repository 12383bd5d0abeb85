"""Calls to Telegram, one line per chat, each ending exactly one way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, func, or_, select, update

from bot.domain.journal import REPEATABLE, OutboxCall, OutboxItem
from bot.domain.ports import Clock
from bot.store.database import Database
from bot.store.rows import call_from, call_values
from bot.store.tables import OutboxRow, ThreadRow, UtcDateTime, table

_INSERT = table(OutboxRow).insert()
_ID = table(OutboxRow).c.id
# Built once: SQLAlchemy caches the SQL, and building it anew would cost more than running it.
_LANE = case((OutboxRow.chat_id == 0, -OutboxRow.id), else_=OutboxRow.chat_id)
_FIRST_OF_EACH_CHAT = (
    select(func.min(OutboxRow.id).label("id"))
    .where(OutboxRow.state == "waiting", OutboxRow.chat_id.not_in(bindparam("busy", expanding=True)))
    .group_by(_LANE)
    .subquery()
)
_DUE = (
    select(OutboxRow.__table__, ThreadRow.status.label("thread_status"))
    .join(_FIRST_OF_EACH_CHAT, _FIRST_OF_EACH_CHAT.c.id == OutboxRow.id)
    .outerjoin(ThreadRow, ThreadRow.id == OutboxRow.thread_id)
    .where(or_(OutboxRow.not_before.is_(None), OutboxRow.not_before <= bindparam("now", type_=UtcDateTime())))
    .order_by(OutboxRow.id)
    .limit(bindparam("limit"))
)
_SENDING = (
    table(OutboxRow)
    .update()
    .where(_ID.in_(bindparam("ids", expanding=True)))
    .values(state="sending", attempts=table(OutboxRow).c.attempts + 1)
)
_BY_ID = table(OutboxRow).update().where(bindparam("item") == _ID)


def add_calls(connection: Connection, calls: Sequence[OutboxCall], now: datetime) -> None:
    """Append calls in a transaction of somebody else's."""
    connection.execute(_INSERT, [call_values(call, now) for call in calls])


class Outbox:
    """Implements the port of the same name."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, calls: Sequence[OutboxCall]) -> None:
        """Append calls."""
        if calls:
            now = self._clock.now()
            await self._database.write(lambda connection: add_calls(connection, calls, now))

    async def take(self, limit: int, busy: Sequence[int]) -> Sequence[OutboxItem]:
        """Return the oldest waiting call of each free chat; a chat whose first call is not due yet waits whole.

        Calls to no chat (0) belong to different people: one that was put back does not hold up the others.
        """
        asked = {"busy": list(busy), "now": self._clock.now(), "limit": limit}
        rows = await self._database.read(lambda connection: connection.execute(_DUE, asked).mappings().all())
        return [OutboxItem(row["id"], call_from(row), row["attempts"], row["thread_status"] == "open") for row in rows]

    async def next_due(self) -> datetime | None:
        """Return when the next call that was put back may be tried."""
        query = select(func.min(OutboxRow.not_before)).where(OutboxRow.state == "waiting")
        return await self._database.read(lambda connection: connection.execute(query).scalar())

    async def sending(self, ids: Sequence[int]) -> None:
        """Commit that these are about to be sent."""
        await self._database.write(lambda connection: connection.execute(_SENDING, {"ids": list(ids)}))

    async def sent(self, item_id: int, message_id: int | None) -> None:
        """Commit that Telegram took it."""
        await self._end(item_id, state="sent", message_id=message_id)

    async def ended(self, item_id: int, state: str, error: str) -> None:
        """End it otherwise."""
        await self._end(item_id, state=state, error=error[:500])

    async def _end(self, item_id: int, **values: object) -> None:
        asked = {"item": item_id, "ended_at": self._clock.now(), **values}
        await self._database.write(lambda connection: connection.execute(_BY_ID, asked))

    async def again(self, item_id: int, not_before: datetime, error: str) -> None:
        """Put it back."""
        statement = (
            update(OutboxRow)
            .where(OutboxRow.id == item_id)
            .values(state="waiting", not_before=not_before, error=error[:500])
        )
        await self._database.write(lambda connection: connection.execute(statement))

    async def recover(self) -> int:
        """Sort out what was being sent when the worker died."""
        now = self._clock.now()

        def work(connection: Connection) -> int:
            stuck = update(OutboxRow).where(OutboxRow.state == "sending")
            connection.execute(stuck.where(OutboxRow.method.in_(REPEATABLE)).values(state="waiting"))
            ended = stuck.values(state="uncertain", error="the worker stopped while sending", ended_at=now)
            return connection.execute(ended).rowcount

        return await self._database.write(work)

    async def thread_of(self, chat_id: int, message_id: int) -> int | None:
        """Return the thread that a message in an admin's chat was about."""
        query = select(OutboxRow.thread_id).where(OutboxRow.chat_id == chat_id, OutboxRow.message_id == message_id)
        return await self._database.read(lambda connection: connection.execute(query).scalar())
