"""Shows 'typing…' while a turn takes longer than a moment, and never sooner."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from bot.domain.model import Channel, ThreadKey
from bot.errors import TransportError
from bot.telegram.client import TelegramClient

log = logging.getLogger(__name__)
AFTER_S = 0.4
AGAIN_S = 4.5


class Typing:
    """Call it with a thread's key when a turn starts; call what it returns when the turn has ended."""

    def __init__(self, client: TelegramClient, after_s: float = AFTER_S) -> None:
        self._client = client
        self._after_s = after_s
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, key: ThreadKey) -> Callable[[], None]:
        """Start the clock."""
        if key.channel is not Channel.TELEGRAM:
            return lambda: None
        shown: list[asyncio.Task[None]] = []

        def begin() -> None:
            shown.append(self._start(int(key.address)))

        timer = asyncio.get_running_loop().call_later(self._after_s, begin)

        def stop() -> None:
            timer.cancel()
            for task in shown:
                task.cancel()

        return stop

    def _start(self, chat_id: int) -> asyncio.Task[None]:
        task = asyncio.create_task(self._show(chat_id), name=f"typing:{chat_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _show(self, chat_id: int) -> None:
        try:
            while True:
                await self._client.call("sendChatAction", {"chat_id": chat_id, "action": "typing"})
                await asyncio.sleep(AGAIN_S)
        except TransportError as error:
            log.debug("typing.failed", extra={"error": str(error)})
