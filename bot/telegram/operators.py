"""People in threads: an admin's answer goes to the customer; taking over and handing back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.conversation.handoff import handed_back, opened
from bot.conversation.replies import Replies
from bot.conversation.text import clean
from bot.conversation.verification import unbound
from bot.domain.journal import Operations, Outbox, OutboxCall, Post
from bot.domain.model import Author, Channel, Reply, Thread
from bot.domain.ports import Clock
from bot.telegram.customer import Arrived

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Operators:
    """What admins do in customers' threads; callers run it in the thread's own queue."""

    operations: Operations
    outbox: Outbox
    post: Post
    replies: Replies
    clock: Clock
    best_language: Callable[[str | None], str]
    wake_outbox: Callable[[], None]
    takeover: timedelta = timedelta(hours=12)

    async def thread_answered(self, arrived: Arrived) -> Thread | None:
        """Return the thread that an admin's message answers, if it answers one."""
        if arrived.reply_to is None:
            return None
        thread_id = await self.outbox.thread_of(arrived.user_id, arrived.reply_to)
        return await self.operations.thread(thread_id) if thread_id is not None else None

    async def answer(self, thread_id: int, arrived: Arrived, inbox_id: int) -> None:
        """Bring an admin's words, or picture, to the customer, and keep the bot silent there."""
        thread = await self.operations.thread(thread_id)
        if thread is None:
            return
        text = clean(arrived.incoming.text)
        until = self.clock.now() + self.takeover
        said = text or f"[{arrived.incoming.media}]"
        calls = self._to_customer(thread, arrived, text)
        # What the bot had asked is void now, and a later yes must not confirm it.
        await self.operations.update_thread(opened(thread, until), calls, [(Author.OPERATOR, said)], inbox_id)
        self.wake_outbox()
        log.info("operator.answered", extra={"thread_id": thread.id, "admin": arrived.user_id})

    def _to_customer(self, thread: Thread, arrived: Arrived, text: str) -> list[OutboxCall]:
        if not arrived.incoming.media:
            return [replace(call, voice=False) for call in self.post.reply(thread, Reply(text))]
        if thread.key.channel is not Channel.TELEGRAM or arrived.incoming.ref is None:
            return []
        chat, ref = int(thread.key.address), arrived.incoming.ref
        params = {"chat_id": chat, "from_chat_id": ref.chat_id, "message_id": ref.message_id}
        return [OutboxCall(chat, "copyMessage", params, thread_id=thread.id)]

    async def hand_back(self, thread_id: int, inbox_id: int) -> None:
        """Give a thread back to the bot and tell the customer."""
        thread = await self.operations.thread(thread_id)
        if thread is None:
            return
        text = self.replies.back_with_bot(self.best_language(thread.language))
        await self._changed(handed_back(thread), text, inbox_id)
        log.info("operator.handed_back", extra={"thread_id": thread.id})

    async def revoke(self, thread_id: int, inbox_id: int) -> None:
        """End a customer's verification and tell them, even where a person has the thread."""
        thread = await self.operations.thread(thread_id)
        if thread is None:
            return
        text = self.replies.unlinked(self.best_language(thread.language))
        await self._changed(unbound(thread), text, inbox_id)
        log.info("operator.revoked", extra={"thread_id": thread.id})

    async def _changed(self, thread: Thread, text: str, inbox_id: int) -> None:
        calls = self.post.reply(thread, Reply(text, fact=True))
        await self.operations.update_thread(thread, calls, [(Author.BOT, text)], inbox_id)
        self.wake_outbox()
