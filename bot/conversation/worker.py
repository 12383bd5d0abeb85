"""From a committed update to a finished turn, whatever happens in between: nothing is lost, nothing blocks the line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeVar

from bot.conversation.draft import NOBODY, Listener
from bot.conversation.queues import ThreadQueues
from bot.conversation.replies import Replies
from bot.conversation.turn import Turn
from bot.domain.journal import Inbox, InboxItem, OutboxCall, Post, TurnRecord
from bot.domain.model import Incoming, Reply, Thread, ThreadKey
from bot.domain.ports import Monitor
from bot.errors import StoreError

log = logging.getLogger(__name__)
T = TypeVar("T")
TRIES = 3
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0

Busy = Callable[[ThreadKey], Callable[[], None]]
"""Shows the customer that work is under way; returns what ends that."""


def _quiet(_key: ThreadKey) -> Callable[[], None]:
    return lambda: None


@dataclass(frozen=True, slots=True)
class Worker:
    """Queues turns by thread and runs each to its end."""

    turn: Turn
    inbox: Inbox
    post: Post
    replies: Replies
    monitor: Monitor
    add_calls: Callable[[list[OutboxCall]], Awaitable[None]]
    busy: Busy = _quiet
    queues: ThreadQueues = field(default_factory=ThreadQueues)

    def submit(self, item: InboxItem, incoming: Incoming, listener: Listener = NOBODY) -> asyncio.Future[TurnRecord]:
        """Queue a turn; the future holds its record, or the error for which it was quarantined."""
        done: asyncio.Future[TurnRecord] = asyncio.get_running_loop().create_future()
        # Telegram's turns have nobody waiting, and an error there is logged already.
        done.add_done_callback(lambda future: None if future.cancelled() else future.exception())

        async def job() -> None:
            stop = self.busy(incoming.key)
            try:
                record = await self._finish(item, lambda: self.turn.run(incoming, item.id, listener))
            except Exception as error:  # noqa: BLE001 (logged and counted in _finish; here it reaches whoever waits)
                if not done.done():
                    done.set_exception(error)
                await self._apologise(item, incoming)
            else:
                if not done.done():
                    done.set_result(record)
            finally:
                stop()
                done.cancel()

        if not self._put(incoming.key, job):
            done.cancel()
        return done

    def submit_job(self, key: Hashable, item: InboxItem, job: Callable[[], Awaitable[None]]) -> None:
        """Queue something else that an update asks for; it is marked as done afterwards."""

        async def once() -> None:
            await job()
            await self.inbox.done(item.id)

        self.submit_step(key, item, once)

    def submit_step(self, key: Hashable, item: InboxItem, step: Callable[[], Awaitable[None]]) -> None:
        """Queue a step towards what an update asks for, which sees to the update's end itself."""

        async def whole() -> None:
            await self._finish(item, step)

        self._put(key, whole)

    def put_aside(self, item: InboxItem, error: Exception, sender: Incoming | None = None) -> None:
        """Quarantine an update that cannot be read; its sender, as far as that is known, and the admins are told."""
        log.warning("update.malformed", extra={"inbox": item.id, "error": type(error).__name__})

        async def job() -> None:
            await self.failed(item, error, quarantine=True)
            if sender is not None:
                await self._apologise(item, sender)

        self._put(("poison", 0), job)

    def _put(self, key: Hashable, job: Callable[[], Awaitable[None]]) -> bool:
        taken = self.queues.put(key, job)
        self.monitor.queue("turns", self.queues.depth)
        return taken

    async def _finish(self, item: InboxItem, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try until it is done; a full or locked database is waited for, other errors are tried again twice."""
        tries, pause = item.attempts, FIRST_PAUSE_S
        while True:
            try:
                return await attempt()
            except StoreError as error:
                log.error("turn.store_failed", extra={"inbox": item.id, "error": str(error), "again_in_s": pause})
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE_S, 2 * pause)
            except Exception as error:  # (a turn's edge: logged, counted, after three times put aside)
                tries += 1
                log.error("turn.failed", extra={"inbox": item.id, "try": tries}, exc_info=error)
                await self.failed(item, error, quarantine=tries >= TRIES)
                if tries >= TRIES:
                    raise

    async def failed(self, item: InboxItem, error: Exception, *, quarantine: bool) -> None:
        """Count a failure in the inbox; quarantined updates stay there for a person to look at."""
        if quarantine:
            self.monitor.event("quarantined")
            log.error("inbox.quarantined", extra={"inbox": item.id, "error": type(error).__name__})
        try:
            await self.inbox.failed(item.id, f"{type(error).__name__}: {error}", quarantine=quarantine)
        except StoreError as store_error:
            log.error("inbox.unmarked", extra={"inbox": item.id, "error": str(store_error)})

    async def _apologise(self, item: InboxItem, incoming: Incoming) -> None:
        """Tell the customer, in their language, and the admins, that this message was put aside."""
        thread = Thread(0, incoming.key, name=incoming.name)
        language = self.turn.best_language(incoming.language_hint)
        calls = [*self.post.reply(thread, Reply(self.replies.error(language)))]
        calls += self.post.note(thread, f"⚠️ A message could not be handled; see the log for inbox {item.id}")
        try:
            await self.add_calls([_unlinked(call) for call in calls])
        except StoreError as store_error:
            log.error("inbox.apology_failed", extra={"inbox": item.id, "error": str(store_error)})


def _unlinked(call: OutboxCall) -> OutboxCall:
    """The thread may not exist yet, if it was its first message that failed."""
    return OutboxCall(call.chat_id, call.method, call.params)
