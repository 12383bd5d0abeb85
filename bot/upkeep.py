"""What is done once a minute: end what has run out, look after writes that nobody works on, forget what is old."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial

from bot.conversation.queues import ThreadQueues
from bot.conversation.rulings import Rulings
from bot.domain.ports import Monitor
from bot.errors import StoreError
from bot.store.inbox import Inbox
from bot.store.links import Links
from bot.store.operations import Operations

log = logging.getLogger(__name__)
EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Runs beside the bot until it is cancelled."""

    operations: Operations
    inbox: Inbox
    links: Links
    queues: ThreadQueues
    rulings: Rulings
    monitor: Monitor

    async def run(self) -> None:
        """Once a minute the small things, once an hour the large ones."""
        minutes = 0
        while True:
            try:
                await self.operations.expire(self.rulings.proposal_lives)
                await self.look_after()
                if minutes % 60 == 0:
                    await self.inbox.purge()
                    await self.links.purge()
            except StoreError as error:
                log.warning("housekeeping.failed", extra={"error": str(error)})
            self.monitor.queue("turns", self.queues.depth)
            minutes += 1
            await asyncio.sleep(EVERY_S)

    async def look_after(self) -> None:
        """Queue the writes that were left behind, each in its own thread's line; whoever comes later looks again."""
        for entry in await self.rulings.left_behind():
            thread = await self.operations.thread(entry.thread_id)
            if thread is not None:
                self.queues.put(thread.key, partial(self.rulings.look_after, thread.key, entry.key))
