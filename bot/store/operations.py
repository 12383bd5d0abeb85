"""What admins see and do, the shop's answers, and small remembered facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from bot.domain.journal import OutboxCall
from bot.domain.model import Author, FaqEntry, LedgerEntry, Message, Thread, ThreadKey
from bot.domain.ports import Clock
from bot.store.database import Database
from bot.store.ledger_rows import ledger_from
from bot.store.outbox import add_calls
from bot.store.rows import message_from, thread_from, thread_values, turn_view
from bot.store.tables import FactRow, FaqRow, InboxRow, LedgerRow, MessageRow, OutboxRow, ThreadRow, TurnRow
from bot.store.threads import expire_threads


class Operations:
    """Implements `Operations` and `FaqStore`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    # --- threads ---

    async def thread(self, thread_id: int) -> Thread | None:
        """Return a thread."""
        return await self._thread(select(ThreadRow.__table__).where(ThreadRow.id == thread_id))

    async def thread_by_key(self, key: ThreadKey) -> Thread | None:
        """Return the thread at an address."""
        query = select(ThreadRow.__table__).where(
            ThreadRow.channel == key.channel.value, ThreadRow.address == key.address
        )
        return await self._thread(query)

    async def _thread(self, query: Select[Any]) -> Thread | None:
        row = await self._database.read(lambda connection: connection.execute(query).mappings().first())
        return thread_from(row) if row else None

    async def threads(self, limit: int) -> Sequence[tuple[Thread, datetime, str]]:
        """Return the threads that moved last."""
        newest = select(ThreadRow.__table__).order_by(ThreadRow.updated_at.desc(), ThreadRow.id.desc()).limit(limit)

        def work(connection: Connection) -> list[tuple[Thread, datetime, str]]:
            found = []
            for row in connection.execute(newest).mappings().all():
                last = select(MessageRow.text).where(MessageRow.thread_id == row["id"]).order_by(MessageRow.id.desc())
                text = connection.execute(last.limit(1)).scalar() or ""
                found.append((thread_from(row), row["updated_at"], text))
            return found

        return await self._database.read(work)

    async def messages(self, thread_id: int, limit: int) -> Sequence[Message]:
        """Return a thread's newest messages, oldest first."""
        query = (
            select(MessageRow.__table__)
            .where(MessageRow.thread_id == thread_id)
            .order_by(MessageRow.id.desc())
            .limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [message_from(row) for row in reversed(rows)]

    async def update_thread(
        self, thread: Thread, calls: Sequence[OutboxCall], said: Sequence[tuple[Author, str]], inbox_id: int
    ) -> None:
        """Commit a thread's new state with what was said, what is to be sent, and the update as done."""
        now = self._clock.now()

        def work(connection: Connection) -> None:
            connection.execute(update(ThreadRow).where(ThreadRow.id == thread.id).values(**thread_values(thread, now)))
            for author, text in said:
                row = {"thread_id": thread.id, "author": author.value, "text": text, "at": now}
                connection.execute(insert(MessageRow).values(**row))
            if calls:
                add_calls(connection, calls, now)
            connection.execute(update(InboxRow).where(InboxRow.id == inbox_id).values(state="done", done_at=now))

        await self._database.write(work)

    async def expire(self, idle: timedelta) -> int:
        """End takeovers, proposals and answers whose time is over."""
        now = self._clock.now()
        return await self._database.write(lambda connection: expire_threads(connection, now, idle))

    # --- figures and traces ---

    async def counts(self) -> Mapping[str, int]:
        """Return counts by group and state, such as "threads.open" or "outbox.uncertain"."""
        groups = (
            ("threads", ThreadRow.status),
            ("ledger", LedgerRow.state),
            ("outbox", OutboxRow.state),
            ("inbox", InboxRow.state),
        )

        def work(connection: Connection) -> dict[str, int]:
            found = {}
            for name, column in groups:
                for state, count in connection.execute(select(column, func.count()).group_by(column)):
                    found[f"{name}.{state}"] = int(count)
            found["messages"] = connection.execute(select(func.count()).select_from(MessageRow)).scalar_one()
            return found

        return await self._database.read(work)

    async def troubles(self) -> Mapping[str, int]:
        """Return how many messages of the last day may not have arrived, by state; cheap, unlike `counts`."""
        since = self._clock.now() - timedelta(days=1)
        query = (
            select(OutboxRow.state, func.count())
            .where(OutboxRow.state.in_(("uncertain",)), OutboxRow.created_at >= since)
            .group_by(OutboxRow.state)
        )
        return await self._database.read(lambda connection: {row[0]: row[1] for row in connection.execute(query)})

    async def turns(self, thread_id: int, limit: int = 20) -> Sequence[Mapping[str, Any]]:
        """Return how a thread's last turns went, newest first."""
        query = select(TurnRow.__table__).where(TurnRow.thread_id == thread_id).order_by(TurnRow.id.desc()).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [turn_view(row) for row in rows]

    async def ledger(self, thread_id: int, limit: int = 20) -> Sequence[LedgerEntry]:
        """Return a thread's ledger, newest first."""
        query = (
            select(LedgerRow.__table__)
            .where(LedgerRow.thread_id == thread_id)
            .order_by(LedgerRow.proposed_at.desc())
            .limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [ledger_from(row) for row in rows]

    # --- facts ---

    async def get_fact(self, name: str) -> str | None:
        """Return a remembered fact."""
        query = select(FactRow.value).where(FactRow.name == name)
        return await self._database.read(lambda connection: connection.execute(query).scalar())

    async def set_fact(self, name: str, value: str) -> None:
        """Remember a fact; the health check uses it to prove that the database can be written."""

        def work(connection: Connection) -> None:
            changed = connection.execute(update(FactRow).where(FactRow.name == name).values(value=value))
            if not changed.rowcount:
                connection.execute(insert(FactRow).values(name=name, value=value))

        await self._database.write(work)

    # --- FAQ ---

    async def all(self) -> Sequence[FaqEntry]:
        """Return every FAQ entry."""
        query = select(FaqRow.__table__).order_by(FaqRow.id)
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [FaqEntry(row["language"], tuple(row["questions"]["ask"]), row["answer"], row["id"]) for row in rows]

    async def replace(self, entries: Sequence[FaqEntry]) -> None:
        """Replace all FAQ entries at once."""

        def work(connection: Connection) -> None:
            connection.execute(delete(FaqRow))
            for entry in entries:
                row = {"language": entry.language, "questions": {"ask": list(entry.questions)}, "answer": entry.answer}
                connection.execute(insert(FaqRow).values(**row))

        await self._database.write(work)
