"""Named tasks that are watched: one that dies is logged and started again, more slowly each time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
HEALTHY_AFTER_S = 60.0


class Tasks:
    """The long-running parts of the bot, by name."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a part until it is stopped."""
        self._tasks[name] = asyncio.create_task(_keep_running(name, run), name=name)

    async def stop(self, name: str) -> None:
        """Cancel a part and wait for its end."""
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def stop_all(self) -> None:
        """Cancel every part, the newest first."""
        for name in reversed(list(self._tasks)):
            await self.stop(name)


async def _keep_running(name: str, run: Callable[[], Awaitable[None]]) -> None:
    pause = FIRST_PAUSE_S
    while True:
        started = time.monotonic()
        try:
            await run()
            return
        except Exception:  # (a task's edge: whatever ended it, it is logged and tried again)
            log.exception("task.died", extra={"task": name, "again_in_s": pause})
        if time.monotonic() - started > HEALTHY_AFTER_S:
            pause = FIRST_PAUSE_S
        await asyncio.sleep(pause)
        pause = min(LONGEST_PAUSE_S, 2 * pause)
