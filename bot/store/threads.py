"""The turn's memory: threads, messages, and one commit at a turn's end, with its buttons and its ledger's moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, insert, select, update

from bot.domain.journal import Opened, Try, TryLimits, TurnRecord
from bot.domain.model import Author, Button, Incoming, Message, Thread, ThreadKey
from bot.domain.ports import Clock
from bot.errors import StoreError
from bot.store.buttons import button_values, press, press_as_admin
from bot.store.database import Database
from bot.store.ledger import expire_proposals, move_ledger
from bot.store.rows import call_values, thread_from, thread_values, trace_values
from bot.store.tables import ButtonRow, InboxRow, MessageRow, OutboxRow, ThreadRow, TryRow, TurnRow, table

HISTORY = 40
_AUTHORS = {author.value: author for author in Author}


class Threads:
    """Implements `TurnStore`."""

    def __init__(self, database: Database, clock: Clock, wake_outbox: Callable[[], None] = lambda: None) -> None:
        self._database = database
        self._clock = clock
        self._wake_outbox = wake_outbox

    async def open(self, incoming: Incoming) -> Opened:
        """Return the thread and its recent messages; it is made when this is its first message."""
        opened = await self._database.read(lambda connection: _load(connection, incoming.key))
        if opened is None:
            now = self._clock.now()
            await self._database.write(lambda connection: _make(connection, incoming, now))
            opened = await self._database.read(lambda connection: _load(connection, incoming.key))
        if opened is None:
            raise StoreError(f"Thread {incoming.key} vanished while it was made")
        return opened

    async def close(self, record: TurnRecord) -> None:
        """Commit a turn's whole outcome at once."""
        await self._database.write_jointly(_close, (record, self._clock.now()))
        if record.calls:
            self._wake_outbox()

    async def press(self, token: str, thread_id: int, inbox_id: int, now: datetime) -> Button | None:
        """Use up a button and its group; the same update may press again after a crash."""
        return await self._database.write(lambda connection: press(connection, token, thread_id, inbox_id, now))

    async def press_as_admin(self, token: str, admin: int, inbox_id: int, now: datetime) -> Button | None:
        """Use up an admin's button and its group, those of other admins in it; likewise."""
        return await self._database.write(lambda connection: press_as_admin(connection, token, admin, inbox_id, now))

    async def take_try(self, thread_id: int, number: str, now: datetime, limits: TryLimits) -> Try | None:
        """Count a try before it is made, so that many at once cannot all be the last; None when they are used up."""
        return await self._database.write(lambda connection: _take_try(connection, thread_id, number, now, limits))


_THREAD = select(ThreadRow.__table__).where(
    ThreadRow.channel == bindparam("channel"), ThreadRow.address == bindparam("address")
)
_MESSAGES = (
    select(MessageRow.author, MessageRow.text, MessageRow.at, MessageRow.id)
    .where(MessageRow.thread_id == bindparam("thread"), MessageRow.id > bindparam("after"))
    .order_by(MessageRow.id.desc())
    .limit(HISTORY)
)


def _load(connection: Connection, key: ThreadKey) -> Opened | None:
    row = connection.execute(_THREAD, {"channel": key.channel.value, "address": key.address}).mappings().first()
    if row is None:
        return None
    thread = thread_from(row)
    return Opened(thread, newest_messages(connection, thread.id, thread.summary_upto))


def newest_messages(connection: Connection, thread_id: int, after: int = 0) -> tuple[Message, ...]:
    """Return the newest messages of a thread that came after a message id, oldest first."""
    rows = connection.execute(_MESSAGES, {"thread": thread_id, "after": after}).all()
    return tuple(Message(_AUTHORS[author], text, at, number) for author, text, at, number in reversed(rows))


def _make(connection: Connection, incoming: Incoming, now: datetime) -> None:
    if _load(connection, incoming.key) is not None:
        return
    thread = Thread(0, incoming.key, name=incoming.name)
    values = {"channel": incoming.key.channel.value, "address": incoming.key.address, "created_at": now}
    made = connection.execute(insert(ThreadRow).values(**values, **thread_values(thread, now)).returning(ThreadRow.id))
    thread_id = made.scalar_one()
    for message in incoming.history:
        connection.execute(_INSERT_MESSAGE, _message(thread_id, message.author.value, message.text, now))


# Statements are built once: SQLAlchemy caches their SQL, and building them anew would cost more than running them.
_INSERT_MESSAGE = table(MessageRow).insert()
_INSERT_BUTTON = table(ButtonRow).insert()
_FORGIVE_TRY = table(TryRow).delete().where(table(TryRow).c.id == bindparam("try"))
_INSERT_CALL = table(OutboxRow).insert()
_INSERT_TURN = table(TurnRow).insert()
_UPDATE_THREAD = table(ThreadRow).update().where(table(ThreadRow).c.id == bindparam("thread"))
_INBOX_DONE = table(InboxRow).update().where(table(InboxRow).c.id == bindparam("inbox")).values(state="done")


def _message(thread_id: int, author: str, text: str, now: datetime) -> dict[str, object]:
    return {"thread_id": thread_id, "author": author, "text": text, "at": now}


def _close(connection: Connection, ended: Sequence[tuple[TurnRecord, datetime]]) -> None:
    """Write the outcomes of turns that ended together, each table's rows at once."""
    connection.execute(_UPDATE_THREAD, [{"thread": r.thread.id, **thread_values(r.thread, now)} for r, now in ended])
    said = [_message(r.thread.id, author.value, text, now) for r, now in ended for author, text in r.said]
    buttons = [button_values(button, r.thread.id) for r, _ in ended for button in _buttons(r)]
    forgiven = [{"try": r.forgiven} for r, _ in ended if r.forgiven is not None]
    calls = [call_values(call, now) for r, now in ended for call in r.calls]
    for statement, rows in (
        (_INSERT_MESSAGE, said),
        (_INSERT_BUTTON, buttons),
        (_FORGIVE_TRY, forgiven),
        (_INSERT_CALL, calls),
    ):
        if rows:
            connection.execute(statement, rows)
    for record, now in ended:
        for entry in record.ledger:
            move_ledger(connection, entry, now)
    traces = [trace_values(r.trace, r.thread.id, r.inbox_id, r.kind, now) for r, now in ended]
    connection.execute(_INSERT_TURN, traces)
    connection.execute(_INBOX_DONE, [{"inbox": r.inbox_id, "done_at": now, "error": ""} for r, now in ended])


def _take_try(connection: Connection, thread_id: int, number: str, now: datetime, limits: TryLimits) -> Try | None:
    recent = select(func.count()).select_from(TryRow).where(TryRow.at >= now - limits.window)
    mine = connection.execute(recent.where(TryRow.thread_id == thread_id)).scalar_one()
    theirs = connection.execute(recent.where(TryRow.number == number)).scalar_one() if number else 0
    if mine >= limits.per_thread or theirs >= limits.per_order:
        return None
    row = {"thread_id": thread_id, "number": number, "at": now}
    made = connection.execute(insert(TryRow).values(**row).returning(TryRow.id)).scalar_one()
    return Try(made, limits.per_thread - mine - 1)


def _buttons(record: TurnRecord) -> list[Button]:
    """Return the customer's buttons, and the admins'."""
    return [button for reply in record.replies for row in reply.buttons for button in row] + [*record.buttons]


def expire_threads(connection: Connection, now: datetime, idle: timedelta) -> int:
    """Give threads back to the bot whose takeover has run out; return how many."""
    done = connection.execute(
        update(ThreadRow)
        .where(ThreadRow.status == "open", ThreadRow.open_until.is_not(None), ThreadRow.open_until <= now)
        .values(status="pending", open_until=None)
    )
    old = now - idle
    expire_proposals(connection, old, now)
    connection.execute(
        update(OutboxRow)
        .where(OutboxRow.state == "waiting", OutboxRow.method == "answerCallbackQuery", OutboxRow.created_at <= old)
        .values(state="dropped", error="too late for Telegram", ended_at=now)
    )
    return done.rowcount
