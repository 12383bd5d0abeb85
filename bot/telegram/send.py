"""Empty the outbox: one line per chat, paced, never sent twice where that cannot be ruled out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from bot.domain.journal import REPEATABLE, Outbox, OutboxItem
from bot.domain.ports import Clock, Monitor
from bot.errors import MaybeSent, NotSent, Rejected, StoreError
from bot.telegram.client import TelegramClient
from bot.telegram.pace import Pace

log = logging.getLogger(__name__)
AT_ONCE = 16
GIVE_UP_AFTER = 40
LONGEST_PAUSE_S = 300.0
STORE_PAUSE_S = 0.5
# These cost no place in Telegram's limits.
UNPACED = frozenset({"answerCallbackQuery"})


class Sender:
    """Sends until it is cancelled or drained; `wake` tells it that something was added."""

    def __init__(
        self, client: TelegramClient, outbox: Outbox, clock: Clock, monitor: Monitor, pace: Pace | None = None
    ) -> None:
        self._client, self._outbox, self._clock, self._monitor = client, outbox, clock, monitor
        self._pace = pace or Pace(time.monotonic)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._taking = asyncio.Lock()
        self._stopping = False

    def wake(self) -> None:
        """Look into the outbox now."""
        self._wake.set()

    async def run(self) -> None:
        """Take, send, mark, until it is drained; a failing database only makes it wait."""
        await self._recover()
        while not self._stopping:
            self._wake.clear()
            try:
                started = await self._start_what_is_due()
            except StoreError as error:
                log.warning("outbox.failed", extra={"error": str(error)})
                await asyncio.sleep(STORE_PAUSE_S)
                continue
            if not started:
                await self._rest()

    async def drain(self, grace_s: float) -> None:
        """Send what is due for at most `grace_s` more, then stop; the rest stays in the outbox.

        `run` ends by itself meanwhile: cancelled between marking a call and making it, it would leave it uncertain.
        """
        deadline = time.monotonic() + grace_s
        self._stopping = True
        self._wake.set()
        try:
            while (left := deadline - time.monotonic()) > 0:
                await self._start_what_is_due()
                if self._tasks:
                    await asyncio.wait(self._tasks.values(), timeout=left, return_when=asyncio.FIRST_COMPLETED)
                elif (pause := self._pace.wait_s()) is not None and pause < left:
                    await asyncio.sleep(pause)
                else:
                    break
        except StoreError as error:
            log.warning("outbox.failed", extra={"error": str(error)})
        if late := list(self._tasks.values()):
            for task in late:
                task.cancel()
            await asyncio.wait(late, timeout=1.0)

    async def _recover(self) -> None:
        uncertain = await self._outbox.recover()
        if uncertain:
            self._monitor.event("uncertain")
            log.warning("outbox.uncertain", extra={"messages": uncertain, "why": "the worker stopped while sending"})

    async def _rest(self) -> None:
        """Sleep until something is added, a chat has room again, or a put-back call is due (looked at every second)."""
        pause = min(self._pace.wait_s() or 1.0, 1.0)
        # Not asyncio.wait_for: before Python 3.12 it swallows a cancellation that comes with the bell, and never ends.
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._wake.wait()

    async def _start_what_is_due(self) -> int:
        room = min(AT_ONCE - len(self._tasks), self._pace.room())
        if room <= 0:
            return 0
        async with self._taking:
            items = await self._outbox.take(room, [*self._tasks, *self._pace.cooling()])
            if items := await self._without_silenced(items):
                await self._outbox.sending([item.id for item in items])
            for item in items:
                self._start(item)
        return len(items)

    async def _without_silenced(self, items: Sequence[OutboxItem]) -> list[OutboxItem]:
        """Drop the bot's own words in threads that a person has taken over since they were written."""
        for item in items:
            if item.call.voice and item.open_thread:
                await self._outbox.ended(item.id, "dropped", "a person has taken the thread over")
                self._monitor.event("silenced")
        return [item for item in items if not (item.call.voice and item.open_thread)]

    def _start(self, item: OutboxItem) -> None:
        if item.call.method not in UNPACED:
            self._pace.spend(item.call.chat_id)
        lane = item.call.chat_id or -item.id
        task = asyncio.create_task(self._send(item), name=f"send:{item.id}")
        self._tasks[lane] = task
        task.add_done_callback(lambda _task: self._finished(lane))

    def _finished(self, lane: int) -> None:
        self._tasks.pop(lane, None)
        self._wake.set()

    async def _send(self, item: OutboxItem) -> None:
        try:
            await self._make(item)
        except Exception as error:  # (a task's edge: no call may stay under way for ever, whatever broke)
            log.exception("send.broken", extra={"item": item.id, "method": item.call.method})
            await self._commit(item, partial(self._outbox.ended, item.id, "uncertain", type(error).__name__))

    async def _commit(self, item: OutboxItem, mark: Callable[[], Awaitable[None]]) -> None:
        """Write down how a call ended, as soon as the database takes it: what is known must not become uncertain."""
        while True:
            try:
                return await mark()
            except StoreError as error:
                log.error("outbox.unmarked", extra={"item": item.id, "error": str(error)})
                await asyncio.sleep(STORE_PAUSE_S)

    async def _make(self, item: OutboxItem) -> None:
        """Make the call and commit how it ended."""
        call = item.call
        try:
            result = await self._client.call(call.method, call.params)
        except NotSent as error:
            await self._again(item, error)
        except MaybeSent as error:
            if call.method in REPEATABLE and item.attempts < GIVE_UP_AFTER:
                await self._again(item, NotSent(str(error)))
                return
            self._monitor.event("uncertain")
            log.warning("send.uncertain", extra={"item": item.id, "method": call.method, "error": str(error)})
            await self._commit(item, partial(self._outbox.ended, item.id, "uncertain", str(error)))
        except Rejected as error:
            log.info("send.rejected", extra={"item": item.id, "method": call.method, "error": str(error)})
            await self._commit(item, partial(self._outbox.ended, item.id, "failed", str(error)))
        else:
            await self._commit(item, partial(self._outbox.sent, item.id, _message_id(result)))

    async def _again(self, item: OutboxItem, error: NotSent) -> None:
        if item.attempts >= GIVE_UP_AFTER:
            await self._commit(item, partial(self._outbox.ended, item.id, "failed", str(error)))
            log.error("send.given_up", extra={"item": item.id, "error": str(error)})
            return
        pause = error.retry_after_s or min(LONGEST_PAUSE_S, 2.0**item.attempts)
        log.warning("send.again", extra={"item": item.id, "in_s": pause, "error": str(error)})
        again = self._clock.now() + timedelta(seconds=pause)
        await self._commit(item, partial(self._outbox.again, item.id, again, str(error)))


def _message_id(result: Any) -> int | None:
    found = result.get("message_id") if isinstance(result, dict) else None
    return found if isinstance(found, int) else None
