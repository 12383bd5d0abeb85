"""A store on a real SQLite file, a clock that is set by hand, and rows for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from bot.domain.actions import ActionKind
from bot.domain.journal import OutboxCall, RawUpdate, TurnRecord
from bot.domain.ledger import fingerprint
from bot.domain.model import (
    Button,
    ButtonKind,
    Channel,
    Incoming,
    IncomingKind,
    LedgerEntry,
    LedgerState,
    Reply,
    Thread,
    ThreadKey,
)
from bot.store.database import Database, Work
from bot.store.inbox import Inbox
from bot.store.ledger import Ledger
from bot.store.operations import Operations
from bot.store.outbox import Outbox
from bot.store.threads import Threads

T = TypeVar("T")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class SetClock:
    """Stands still until it is moved."""

    time: datetime = NOON

    def now(self) -> datetime:
        """Return the time it was set to."""
        return self.time

    def move(self, **by: float) -> datetime:
        """Move on by a `timedelta` of these arguments, and return the new time."""
        self.time += timedelta(**by)
        return self.time


@dataclass
class Stores:
    """One database and everything that stands on it; `rung` counts how often the sender was woken."""

    database: Database
    clock: SetClock
    rung: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Build the rooms."""
        self.inbox = Inbox(self.database, self.clock)
        self.outbox = Outbox(self.database, self.clock)
        self.operations = Operations(self.database, self.clock)
        self.ledger = Ledger(self.database, self.clock)
        self.threads = Threads(self.database, self.clock, lambda: self.rung.append(1))

    async def sql(self, statement: str, *values: Any) -> Sequence[Any]:
        """Return the rows of a query."""
        return await self.database.read(lambda c: c.exec_driver_sql(statement, tuple(values)).all())

    async def one(self, statement: str, *values: Any) -> Any:
        """Return a query's single value."""
        ((found,),) = await self.sql(statement, *values)
        return found

    async def thread(self, address: str = "7") -> Thread:
        """Return the thread at a Telegram address, made at first sight."""
        return (await self.threads.open(text(address))).thread

    async def arrive(self, number: int = 1) -> int:
        """Commit an update and return its inbox id."""
        (item,) = await self.inbox.commit([update(number)])
        return item.id

    async def end(self, thread: Thread, **fields: Any) -> int:
        """Close a turn on a fresh update that leaves these behind, and return its inbox id."""
        newest = await self.one("SELECT coalesce(max(id), 0) FROM inbox")
        inbox_id = await self.arrive(1_000_000 + newest)
        await self.threads.close(TurnRecord(inbox_id, thread, **fields))
        return inbox_id


@asynccontextmanager
async def stores(url: str, clock: SetClock | None = None) -> AsyncIterator[Stores]:
    """Open a store and close it at the end."""
    database = Database.open(url)
    try:
        yield Stores(database, clock or SetClock())
    finally:
        await database.close()


def url_of(path: Path) -> str:
    """Return a database file's URL."""
    return f"sqlite+aiosqlite:///{path}"


def text(address: str = "7", words: str = "Hello", **more: Any) -> Incoming:
    """Return a customer's message."""
    return Incoming(IncomingKind.TEXT, ThreadKey(Channel.TELEGRAM, address), text=words, **more)


def update(number: int | str, payload: str = "{}", source: str = "telegram", bot: str = "1") -> RawUpdate:
    """Return an update as it arrives."""
    return RawUpdate(source, bot, str(number), payload)


def call(chat_id: int, words: str = "Hi", **more: Any) -> OutboxCall:
    """Return a message to a chat."""
    return OutboxCall(chat_id, "sendMessage", {"chat_id": chat_id, "text": words}, **more)


def button(token: str = "yes", group: str = "g", **more: Any) -> Button:
    """Return a confirm button."""
    return replace(Button("Yes", token, ButtonKind.CONFIRM, group, data=group), **more)


def offer(*buttons: Button) -> tuple[Reply, ...]:
    """Return a reply with these buttons."""
    return (Reply("Sure?", (buttons,)),)


def proposal(thread: Thread, key: str, state: LedgerState = LedgerState.PROPOSED, detail: str = "") -> LedgerEntry:
    """Return a ledger entry about a cancellation."""
    entry = LedgerEntry(key, thread.id, "c-1", ActionKind.CANCEL_ORDER, "ORD1", state, detail)
    return replace(entry, digest=fingerprint(entry))


def remember(name: str, value: str = "1") -> Work[None]:
    """Return a unit of work that inserts a fact, and fails when the name is taken."""

    def work(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO facts (name, value) VALUES (?, ?)", (name, value))

    return work


async def settled(waiting: Iterable[Awaitable[T]]) -> list[T | BaseException]:
    """Wait for all, and return what each brought: a result or an error."""
    return list(await asyncio.gather(*waiting, return_exceptions=True))
