"""A turn while it is being decided: what was found out so far and what will be said; committed once, at its end."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.domain.actions import Action, ActionKind
from bot.domain.journal import Opened, OutboxCall, Post, TurnRecord
from bot.domain.model import (
    Author,
    Button,
    ButtonKind,
    Dialogue,
    Incoming,
    IncomingKind,
    LedgerEntry,
    Message,
    Passed,
    Reply,
    Thread,
    ThreadStatus,
    Trace,
    Waiting,
)


@dataclass(frozen=True, slots=True)
class Listener:
    """Who follows a turn: is told each stage with its seconds, and a model's text as far as it is written."""

    stage: Callable[[str, float], None] = lambda _stage, _seconds: None
    text: Callable[[str], None] | None = None


NOBODY = Listener()


ADMIN_TOKEN = "admin."  # noqa: S105 (only its beginning)
"""How the tokens of admins' buttons begin; whose a button is, only the store tells."""


def new_token() -> str:
    """Return an opaque id for a button; 22 characters, far below Telegram's 64 bytes."""
    return secrets.token_urlsafe(16)


@dataclass
class Draft:
    """The one mutable thing of a turn."""

    incoming: Incoming
    inbox_id: int
    now: datetime
    thread: Thread
    history: tuple[Message, ...]
    language: str
    listener: Listener = NOBODY
    heard: str = ""
    replies: list[Reply] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)
    calls: list[OutboxCall] = field(default_factory=list)
    ledger: list[LedgerEntry] = field(default_factory=list)
    forgiven: int | None = None
    lapsed: bool = False
    toast: str = ""
    tier: str = ""
    action: Action | None = None
    raw: str = ""
    decision: str = ""
    passed: tuple[Passed, ...] = ()
    stages: dict[str, float] = field(default_factory=dict)

    @classmethod
    def start(cls, incoming: Incoming, inbox_id: int, opened: Opened, now: datetime, listener: Listener) -> Draft:
        """Begin a turn on an opened thread."""
        thread = replace(opened.thread, name=incoming.name or opened.thread.name)
        return cls(incoming, inbox_id, now, thread, opened.history, thread.language or "en", listener)

    def remembered(self) -> tuple[Message, ...]:
        """Return the thread's messages, behind the summary of older ones: an order number may stand only there."""
        if not self.thread.summary:
            return self.history
        return (Message(Author.CUSTOMER, self.thread.summary, self.now), *self.history)

    def wish(self) -> str:
        """Return the customer's words that are being answered: the last ones, where this is a button or a contact.

        A command has none, and neither has what follows one.
        """
        if self.incoming.kind in (IncomingKind.TEXT, IncomingKind.MEDIA):
            return self.heard
        if self.incoming.kind is IncomingKind.COMMAND:
            return ""
        said = (message.text for message in reversed(self.history) if message.author is Author.CUSTOMER)
        words = next((text for text in said if not text.startswith("[")), "")
        return "" if words.startswith("/") else words

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage; stages entered twice add up."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.timed(name, started)

    def timed(self, name: str, started: float) -> None:
        """Record a stage that began at `started` (of `time.perf_counter`)."""
        self.stages[name] = self.stages.get(name, 0.0) + time.perf_counter() - started
        self.listener.stage(name, self.stages[name])

    def say(self, text: str, *rows: tuple[Button, ...], contact_button: str = "", fact: bool = False) -> None:
        """Add a reply."""
        self.replies.append(Reply(text, tuple(rows), contact_button=contact_button, fact=fact))

    def button(self, label: str, kind: ButtonKind, group: str, data: str = "", **more: Any) -> Button:
        """Make a button with a fresh token."""
        return Button(label=label[:60], token=new_token(), kind=kind, group=group, data=data, **more)

    def wait_for(
        self, waiting: Waiting, action: ActionKind | None = None, order_id: str | None = None, **more: Any
    ) -> None:
        """Remember the open question; `more` are other fields of `Dialogue`."""
        self.thread = replace(self.thread, dialogue=Dialogue(waiting, action, order_id, since=self.now, **more))

    def settle(self) -> None:
        """Forget the open question."""
        self.thread = replace(self.thread, dialogue=Dialogue())

    def record(self, post: Post) -> TurnRecord:
        """Return everything this turn leaves behind."""
        said = [(Author.CUSTOMER, self.heard)] if self.heard else []
        said += [(Author.BOT, reply.text) for reply in self.replies]
        # Once a person has the thread, the only words of the bot are those that say so; they must not be dropped.
        handed_over = self.thread.status is ThreadStatus.OPEN
        calls = [
            replace(call, voice=call.voice and not handed_over)
            for reply in self.replies
            for call in post.reply(self.thread, reply)
        ]
        return TurnRecord(
            inbox_id=self.inbox_id,
            thread=self.thread,
            said=tuple(said),
            replies=tuple(self.replies),
            buttons=tuple(self.buttons),
            calls=(*post.pressed(self.incoming, self.toast), *calls, *self.calls),
            ledger=tuple(self.ledger),
            forgiven=self.forgiven,
            trace=Trace(self.tier, self.action, self.raw, self.decision, self.passed, dict(self.stages)),
            kind=self.incoming.kind.value,
        )
