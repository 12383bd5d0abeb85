"""What a turn reads at its start and leaves behind at its end, and the ports of the store that keeps it.

A turn decides without touching the database: it opens, decides, and closes with one `TurnRecord`, committed at once.
In between it only takes what must be taken once: a pressed button, a confirmed proposal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.domain.links import Link
from bot.domain.model import (
    Author,
    Button,
    FaqEntry,
    Incoming,
    LedgerEntry,
    LedgerState,
    Message,
    MessageRef,
    Reply,
    Thread,
    ThreadKey,
    Trace,
)

# Doing these twice is the same as doing them once, so a crash in between does no harm.
REPEATABLE = frozenset({"answerCallbackQuery", "editMessageReplyMarkup", "editMessageText", "sendChatAction"})

NO_UPDATE = 0
"""The inbox id of what happens by itself."""


@dataclass(frozen=True, slots=True)
class OutboxCall:
    """One call to the Bot API, waiting in the outbox.

    `voice` marks the bot's own words, dropped when a person has taken the thread over in the meantime; `thread_id`
    lets an admin's answer to this message find its customer.
    """

    chat_id: int
    method: str
    params: Mapping[str, Any]
    voice: bool = False
    thread_id: int | None = None


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """An outbox call with its place in the line; `open_thread` tells that a person owns its thread now."""

    id: int
    call: OutboxCall
    attempts: int = 0
    open_thread: bool = False


@dataclass(frozen=True, slots=True)
class RawUpdate:
    """What arrived, before anyone looked into it; unique by (source, bot, external id)."""

    source: str
    bot: str
    external_id: str
    payload: str


@dataclass(frozen=True, slots=True)
class InboxItem:
    """A committed update; `id` is the order of arrival."""

    id: int
    source: str
    external_id: str
    payload: str
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Opened:
    """What a turn starts from: the thread, and its recent messages, oldest first."""

    thread: Thread
    history: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """Everything a turn leaves behind.

    `thread` is the thread's new state; `said` the messages of this turn in order; `replies` carry the buttons to
    keep, `buttons` are the admins'; `calls` what goes to Telegram; `ledger` entries are inserted or moved on by their
    key; `forgiven` is the try at a verification that was none after all. `inbox_id` is `NO_UPDATE` when nothing that
    arrived was the cause.
    """

    inbox_id: int
    thread: Thread
    said: tuple[tuple[Author, str], ...] = ()
    replies: tuple[Reply, ...] = ()
    buttons: tuple[Button, ...] = ()
    calls: tuple[OutboxCall, ...] = ()
    ledger: tuple[LedgerEntry, ...] = ()
    forgiven: int | None = None
    trace: Trace = field(default_factory=Trace)
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class TryLimits:
    """How often a wrong answer may be given within a window."""

    per_thread: int = 5
    per_order: int = 10
    window: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Try:
    """A try at a verification, counted before the order system is asked; `left` is how many the thread has after it."""

    id: int
    left: int


class Inbox(Protocol):
    """Updates, committed before they are acknowledged."""

    async def commit(self, updates: Sequence[RawUpdate]) -> Sequence[InboxItem]:
        """Store what is new and return it; what came before is left out. Raises StoreError."""

    async def pending(self) -> Sequence[InboxItem]:
        """Return what was not finished, in order of arrival."""

    async def done(self, inbox_id: int) -> None:
        """Mark an update as dealt with."""

    async def failed(self, inbox_id: int, error: str, *, quarantine: bool) -> None:
        """Count a failed try; quarantined updates are never tried again."""


class Outbox(Protocol):
    """Calls to Telegram, each one line."""

    async def add(self, calls: Sequence[OutboxCall]) -> None:
        """Append calls."""

    async def take(self, limit: int, busy: Sequence[int]) -> Sequence[OutboxItem]:
        """Return the oldest waiting call of each chat that is not in `busy`, due now."""

    async def sending(self, ids: Sequence[int]) -> None:
        """Commit that these are about to be sent."""

    async def sent(self, item_id: int, message_id: int | None) -> None:
        """Commit that Telegram took it."""

    async def again(self, item_id: int, not_before: datetime, error: str) -> None:
        """Put it back: it was surely not sent."""

    async def ended(self, item_id: int, state: str, error: str) -> None:
        """End it as "uncertain", "failed" or "dropped"."""

    async def recover(self) -> int:
        """Mark as uncertain what was being sent when the worker died (what may be repeated waits again); count it."""

    async def thread_of(self, chat_id: int, message_id: int) -> int | None:
        """Return the thread that a message in an admin's chat was about."""


class TurnStore(Protocol):
    """The thread's memory, as a turn sees it."""

    async def open(self, incoming: Incoming) -> Opened:
        """Return the thread and its recent messages, making the thread on first sight."""

    async def close(self, record: TurnRecord) -> None:
        """Commit everything at once, and the update as done."""

    async def press(self, token: str, thread_id: int, inbox_id: int, now: datetime) -> Button | None:
        """Use up a button; None when it is unknown, another thread's, expired, or used by another update."""

    async def press_as_admin(self, token: str, admin: int, inbox_id: int, now: datetime) -> Button | None:
        """Use up an admin's button, likewise; the buttons that asked other admins the same are void then."""

    async def take_try(self, thread_id: int, number: str, now: datetime, limits: TryLimits) -> Try | None:
        """Count a try of this thread at this order number ("" for a contact), committed.

        None when this thread's tries, or those at this number by anyone, are used up. `TurnRecord.forgiven` takes it
        back.
        """


class LinkStore(Protocol):
    """The links in the shop's mails: the secret they are signed with, and who opened which."""

    async def secret(self) -> bytes | None:
        """Return the secret; None while the shop has made no link."""

    async def claim(self, link: Link, thread_id: int) -> str | None:
        """Give a link to the thread that opens it first, committed, and return its order's number.

        None when another thread has it, or the row that should hold the number is not there.
        """


class LedgerStore(Protocol):
    """The ledger, as those see it who move its entries on. Whatever a turn leaves behind is moved at its close."""

    async def entry(self, key: str) -> LedgerEntry | None:
        """Return the entry of this key."""

    async def confirm(self, key: str, inbox_id: int, *, needs_approval: bool) -> bool:
        """Commit the customer's yes to a proposal; False when it is a proposal no longer."""

    async def take_off(self, key: str, approved_by: int | None = None) -> bool:
        """Commit that a confirmed write is about to be sent.

        False when it is not confirmed any more, or another write for the same order is in flight or unknown.
        """

    async def under_way(self, customer_id: str, number: str) -> LedgerEntry | None:
        """Return the write of this order that is confirmed, in flight or unknown, if there is one."""

    async def latest(self, limit: int, *, number: str = "", state: LedgerState | None = None) -> Sequence[LedgerEntry]:
        """Return the newest entries, of this order or in this state where that is given, the newest first."""

    async def overdue(self, confirmed: datetime, asked: datetime, sent: datetime) -> Sequence[LedgerEntry]:
        """Return what nobody is working on any more: confirmed, asked for approval, or sent, at or before a moment."""

    async def thread_of(self, token: str, admin: int) -> ThreadKey | None:
        """Return the thread that an admin's button is about; None for one that is not theirs."""


class Operations(Protocol):
    """What admins see and do."""

    async def thread(self, thread_id: int) -> Thread | None:
        """Return a thread."""

    async def thread_by_key(self, key: ThreadKey) -> Thread | None:
        """Return the thread at an address, if it was ever seen."""

    async def threads(self, limit: int) -> Sequence[tuple[Thread, datetime, str]]:
        """Return the threads with the newest messages: thread, when, and the beginning of the last message."""

    async def messages(self, thread_id: int, limit: int) -> Sequence[Message]:
        """Return a thread's newest messages, oldest first."""

    async def update_thread(
        self, thread: Thread, calls: Sequence[OutboxCall], said: Sequence[tuple[Author, str]], inbox_id: int
    ) -> None:
        """Commit a thread's new state with what was said and what is to be sent."""

    async def counts(self) -> Mapping[str, int]:
        """Return the figures of /stats: threads by status, messages, actions, ledger states, outbox states, inbox."""

    async def get_fact(self, name: str) -> str | None:
        """Return a small remembered fact (the pause, the command menu's fingerprint)."""

    async def set_fact(self, name: str, value: str) -> None:
        """Remember a small fact."""


class FaqStore(Protocol):
    """The shop's own answers."""

    async def all(self) -> Sequence[FaqEntry]:
        """Return every entry."""

    async def replace(self, entries: Sequence[FaqEntry]) -> None:
        """Replace all entries at once."""


class Post(Protocol):
    """Writes replies and notes as Bot API calls; for a thread that is not in Telegram replies need none."""

    def reply(self, thread: Thread, reply: Reply) -> Sequence[OutboxCall]:
        """Return the calls that bring a reply to the customer."""

    def note(self, thread: Thread, text: str) -> Sequence[OutboxCall]:
        """Return the calls that bring a note to every admin; an answer to it goes to the thread's customer."""

    def ask(self, thread: Thread, text: str, buttons: Sequence[Sequence[Button]]) -> Sequence[OutboxCall]:
        """Return the calls that bring a note with buttons to each admin, of these those that are the admin's own."""

    @property
    def admins(self) -> Sequence[int]:
        """The admins' Telegram ids."""

    def show(self, thread: Thread, ref: MessageRef) -> Sequence[OutboxCall]:
        """Return the calls that show a customer's message, whatever it is, to every admin."""

    def pressed(self, incoming: Incoming, toast: str) -> Sequence[OutboxCall]:
        """Return the calls that end a button press: stop its spinner, take the used buttons away."""
