"""One queue per thread: its messages in order, one at a time; different threads side by side."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable

log = logging.getLogger(__name__)
Job = Callable[[], Awaitable[None]]


class ThreadQueues:
    """Runs jobs by key, in order within a key.

    A job that is cut off by `park` was never marked as done in the inbox, so the next start runs it again.
    """

    def __init__(self, side_by_side: int = 32) -> None:
        self._waiting: dict[Hashable, deque[Job]] = {}
        self._tasks: dict[Hashable, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(side_by_side)
        self._parked = False

    @property
    def depth(self) -> int:
        """How many jobs wait or run."""
        return sum(len(jobs) for jobs in self._waiting.values()) + len(self._tasks)

    def put(self, key: Hashable, job: Job) -> None:
        """Append a job; after `park` it is left for the next start."""
        if self._parked:
            return
        self._waiting.setdefault(key, deque()).append(job)
        if key not in self._tasks:
            task = asyncio.create_task(self._work(key), name=f"thread:{key}")
            self._tasks[key] = task
            task.add_done_callback(lambda _task: self._tasks.pop(key, None))

    async def _work(self, key: Hashable) -> None:
        jobs = self._waiting[key]
        while jobs and not self._parked:
            job = jobs.popleft()
            async with self._slots:
                try:
                    await job()
                except Exception:  # (a thread's edge: the next message must still get its turn)
                    log.exception("queue.job_failed", extra={"key": str(key)})
        self._waiting.pop(key, None)

    async def idle(self) -> None:
        """Wait until nothing waits or runs."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def park(self, grace_s: float) -> None:
        """Let running jobs finish within `grace_s`, cut off the rest, leave what waits."""
        self._parked = True
        if tasks := list(self._tasks.values()):
            _, late = await asyncio.wait(tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            if late:
                log.warning("queue.parked", extra={"turns": len(late)})
                await asyncio.gather(*late, return_exceptions=True)
