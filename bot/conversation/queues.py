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
        self._running = 0
        self._parked = False

    @property
    def depth(self) -> int:
        """How many jobs wait or run."""
        return sum(len(jobs) for jobs in self._waiting.values()) + self._running

    def put(self, key: Hashable, job: Job) -> bool:
        """Append a job; after `park` it is left for the next start, and the answer is False."""
        if self._parked:
            return False
        self._waiting.setdefault(key, deque()).append(job)
        if key not in self._tasks:
            task = asyncio.create_task(self._work(key), name=f"thread:{key}")
            self._tasks[key] = task
        return True

    async def run(self, key: Hashable, job: Job) -> None:
        """Run a job in its place in the line and wait for its end; what it raises is raised here.

        Cancelled if the queues are parked before the job has ended.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def told() -> None:
            try:
                await job()
            except Exception as error:  # noqa: BLE001 (whatever it is, it belongs to whoever waits)
                if not done.done():
                    done.set_exception(error)
            else:
                if not done.done():
                    done.set_result(None)
            finally:
                done.cancel()

        if not self.put(key, told):
            done.cancel()
        await done

    async def _work(self, key: Hashable) -> None:
        jobs = self._waiting[key]
        try:
            while jobs and not self._parked:
                async with self._slots:
                    # It may have been parked while this thread waited for a slot.
                    if not self._parked:
                        await self._run(jobs.popleft(), key)
        finally:
            # Both at once, with no await in between: a job that is put here later must find no task, and start its own.
            self._waiting.pop(key, None)
            self._tasks.pop(key, None)

    async def _run(self, job: Job, key: Hashable) -> None:
        self._running += 1
        try:
            await job()
        except Exception:  # (a thread's edge: the next message must still get its turn)
            log.exception("queue.job_failed", extra={"key": str(key)})
        finally:
            self._running -= 1

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
        # A task that was cut off before its first step has tidied nothing up.
        self._tasks.clear()
        self._waiting.clear()
