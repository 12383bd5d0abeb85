"""Updates, committed before they are acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection, RowMapping, delete, select, tuple_, update

from bot.domain.journal import InboxItem, RawUpdate
from bot.domain.ports import Clock
from bot.store.database import Database
from bot.store.tables import InboxRow, TurnRow, table

# Telegram keeps an update for 24 hours, so no repetition comes later; and after an idle week its ids start anew at
# random, so an old id must not shadow a new message.
KEPT = timedelta(days=3)
TRACES_KEPT = timedelta(days=30)


class Inbox:
    """Implements the port of the same name."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def commit(self, updates: Sequence[RawUpdate]) -> Sequence[InboxItem]:
        """Store what is new and return it."""
        now = self._clock.now()

        def work(connection: Connection) -> list[InboxItem]:
            keys = [(u.source, u.bot, u.external_id) for u in updates]
            known_query = select(InboxRow.source, InboxRow.bot, InboxRow.external_id).where(
                tuple_(InboxRow.source, InboxRow.bot, InboxRow.external_id).in_(keys)
            )
            known = {tuple(row) for row in connection.execute(known_query)}
            items = []
            for raw in updates:
                key = (raw.source, raw.bot, raw.external_id)
                if key in known:
                    continue
                known.add(key)
                values = {"source": raw.source, "bot": raw.bot, "external_id": raw.external_id, "payload": raw.payload}
                made = connection.execute(
                    _INSERT, {**values, "state": "pending", "attempts": 0, "error": "", "received_at": now}
                )
                items.append(InboxItem(int(made.inserted_primary_key[0]), raw.source, raw.external_id, raw.payload))  # type: ignore[index]
            return items

        return await self._database.write(work)

    async def pending(self) -> Sequence[InboxItem]:
        """Return what was not finished, in order of arrival."""
        query = select(InboxRow.__table__).where(InboxRow.state == "pending").order_by(InboxRow.id)
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [_item(row) for row in rows]

    async def done(self, inbox_id: int) -> None:
        """Mark an update as dealt with."""
        now = self._clock.now()
        statement = update(InboxRow).where(InboxRow.id == inbox_id).values(state="done", done_at=now)
        await self._database.write(lambda connection: connection.execute(statement))

    async def failed(self, inbox_id: int, error: str, *, quarantine: bool) -> None:
        """Count a failed try."""
        values = {"attempts": InboxRow.attempts + 1, "error": error[:500]}
        statement = update(InboxRow).where(InboxRow.id == inbox_id).values(**values)
        if quarantine:
            statement = statement.values(state="quarantined", done_at=self._clock.now())
        await self._database.write(lambda connection: connection.execute(statement))

    async def purge(self) -> None:
        """Forget what can no longer be repeated: raw updates after days, traces after a month. Messages stay."""
        now = self._clock.now()

        def work(connection: Connection) -> None:
            connection.execute(delete(InboxRow).where(InboxRow.state == "done", InboxRow.done_at < now - KEPT))
            connection.execute(delete(TurnRow).where(TurnRow.at < now - TRACES_KEPT))

        await self._database.write(work)


_INSERT = table(InboxRow).insert()


def _item(row: RowMapping) -> InboxItem:
    return InboxItem(row["id"], row["source"], row["external_id"], row["payload"], row["attempts"])
