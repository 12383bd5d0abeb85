"""From the bot to a person, and the silence that follows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.conversation.draft import Draft
from bot.conversation.replies import Replies
from bot.conversation.text import one_line
from bot.domain.journal import Post
from bot.domain.model import Author, Dialogue, Message, Thread, ThreadStatus

log = logging.getLogger(__name__)
SHOWN = 6
_WHO = {Author.CUSTOMER: "👤", Author.BOT: "🤖", Author.OPERATOR: "🧑‍💼"}


@dataclass(frozen=True, slots=True)
class Handoff:
    """Opens a thread for a person and keeps the admins in the picture."""

    post: Post
    replies: Replies
    takeover: timedelta = timedelta(hours=12)

    def start(self, draft: Draft, reason: str, text: str | None = None) -> None:
        """Give the thread to a person, tell the customer, and show the admins the last messages."""
        draft.decision = draft.decision or "handoff"
        draft.thread = opened(draft.thread, draft.now + self.takeover)
        draft.say(text or self.replies.handoff_started(draft.language))
        draft.calls += self.post.note(draft.thread, self._card(draft, reason))
        log.info("handoff.started", extra={"thread_id": draft.thread.id, "reason": reason})

    def relay(self, draft: Draft) -> None:
        """Show the admins what the customer wrote in a thread that is theirs."""
        draft.tier, draft.decision = "human", "silent"
        if draft.heard:
            draft.calls += self.post.note(draft.thread, f"👤 {_title(draft.thread)}\n{one_line(draft.heard, 3_500)}")
        if draft.incoming.media and draft.incoming.ref:
            draft.calls += self.post.show(draft.thread, draft.incoming.ref)

    def alert(self, draft: Draft, what: str) -> None:
        """Tell the admins that something went wrong in this thread, without handing it over."""
        draft.calls += self.post.note(draft.thread, f"⚠️ {what}\n{_title(draft.thread)}")

    def _card(self, draft: Draft, reason: str) -> str:
        who = "verified customer" if draft.thread.scope else "not verified"
        now = Message(Author.CUSTOMER, draft.heard, draft.now)
        last = [message for message in (*draft.history[-SHOWN:], now) if message.text]
        return "\n".join(
            [
                f"🙋 A customer needs a person: {reason}",
                f"{_title(draft.thread)} · {draft.language} · {who}",
                "",
                *lines(last),
                "",
                f"Answer by replying to this message. The bot stays silent until /handback {draft.thread.id}",
            ]
        )


def opened(thread: Thread, until: datetime) -> Thread:
    """Return the thread as a person's own; what the bot had asked is void."""
    return replace(thread, status=ThreadStatus.OPEN, open_until=until, dialogue=Dialogue())


def handed_back(thread: Thread) -> Thread:
    """Return the thread as the bot's again."""
    return replace(thread, status=ThreadStatus.PENDING, open_until=None, away_told=False)


def owned_by_person(thread: Thread, now: datetime) -> bool:
    """Whether the bot has to be silent here."""
    return thread.status is ThreadStatus.OPEN and (thread.open_until is None or thread.open_until > now)


def lines(messages: Sequence[Message], limit: int = 300) -> list[str]:
    """Return messages as short lines for an admin's eyes."""
    return [f"{_WHO[message.author]} {one_line(message.text, limit)}" for message in messages]


def _title(thread: Thread) -> str:
    return f"#{thread.id} {one_line(thread.name, 60) or 'customer'}"
