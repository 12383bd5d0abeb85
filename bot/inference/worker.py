"""One thread that does one thing after another, waited for from asyncio."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Closed(Exception):
    """The worker takes nothing more."""


class Worker:
    """Runs what it is given in its own thread, first come first served.

    Each work gets an event that is set when nobody waits for it any more: it should look at it often, and stop.
    What was cancelled before its turn came is never begun.
    """

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._stops: set[threading.Event] = set()
        self._closed = False

    async def do(self, work: Callable[[threading.Event], T]) -> T:
        """Run `work` in the thread and return what it returns.

        Raises:
            Closed: the worker is closed, or about to be.
        """
        if self._closed:
            raise Closed
        stop = threading.Event()
        self._stops.add(stop)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, stop)
        finally:
            stop.set()
            self._stops.discard(stop)

    async def close(self, last: Callable[[], None]) -> None:
        """Tell what runs to stop, run `last` in the thread and let the thread end."""
        if self._closed:
            return
        self._closed = True
        for stop in self._stops:
            stop.set()
        await asyncio.get_running_loop().run_in_executor(self._pool, last)
        self._pool.shutdown(wait=False)
