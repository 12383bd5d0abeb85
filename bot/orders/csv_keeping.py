"""Keeps the index up with the folder of exports while questions are answered.

One thread owns the index and the record of requests, so that calls are served one at a time and the event loop never
waits for a disk. A new export is read in that thread in small steps, between the calls, which the old one answers.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

from bot.errors import OrderSystemDown, OrderSystemError, OrderSystemGarbled
from bot.orders.csv_folder import Folder
from bot.orders.csv_index import Index
from bot.orders.csv_loader import Loader
from bot.orders.csv_options import CsvOptions
from bot.orders.csv_reading import Reading
from bot.orders.csv_requests import Requests

log = logging.getLogger(__name__)

T = TypeVar("T")


class Keeper:
    """Owns the thread. Nothing is opened before the first call.

    Args:
        now: tells the time, aware, in UTC.
        patience_s: how long a call waits for a new export to be read before the last one answers it.

    `trouble` says why the folder cannot be read, "" while it can.
    """

    def __init__(self, options: CsvOptions, now: Callable[[], datetime], patience_s: float) -> None:
        self.requests = Requests(options)
        self.trouble = ""
        self.closed = False
        self._options = options
        self._now = now
        self._patience_s = patience_s
        self._opened: tuple[Index, Loader, Reading] | None = None
        self._loading: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="csv-shop")

    # --- for the event loop ---

    async def call(self, work: Callable[[], T]) -> T:
        """Do something in the thread.

        Raises:
            OrderSystemError: whatever went wrong, as one of these; after closing, OrderSystemDown.
        """
        if self.closed:
            raise OrderSystemDown("the folder of exports is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    async def read(self, work: Callable[[], T]) -> T:
        """Do something in the thread, once the index is that of the folder.

        Raises:
            OrderSystemDown: when there is no export that can be used.
        """
        if await self.call(self._is_behind) and self._loading is None:
            self._loading = asyncio.create_task(self._load(), name="csv-load")
        if self._loading is not None:
            serving = await self.call(self.index.has_orders)
            if self._loading is not None:
                await asyncio.wait({self._loading}, timeout=self._patience_s if serving else None)
        if not await self.call(self.index.has_orders):
            raise OrderSystemDown(self.trouble or await self.call(self._nothing))
        return await self.call(work)

    async def close(self) -> None:
        """Let go of everything."""
        if self.closed:
            return
        self.closed = True
        if self._loading is not None:
            await asyncio.wait({self._loading})
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    # --- for the thread ---

    @property
    def index(self) -> Index:
        """The index, opened at its first use."""
        return self._all()[0]

    @property
    def loader(self) -> Loader:
        """What fills the index."""
        return self._all()[1]

    @property
    def reading(self) -> Reading:
        """What asks the index."""
        return self._all()[2]

    def _all(self) -> tuple[Index, Loader, Reading]:
        if self._opened is None:
            index = Index()
            loader = Loader(self._options, index, Folder(self._options))
            self._opened = index, loader, Reading(self._options, index, self._now)
        return self._opened

    def _run(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except OrderSystemError:
            raise
        except (sqlite3.OperationalError, OSError) as error:
            raise OrderSystemDown(f"the exports cannot be used: {error}") from error
        except (sqlite3.Error, ValueError, ArithmeticError) as error:
            raise OrderSystemGarbled(f"the exports make no sense: {error}") from error

    def _disconnect(self) -> None:
        self.requests.close()
        if self._opened is not None:
            self._opened[0].close()

    # --- reading anew ---

    async def _load(self) -> None:
        steps: Iterator[None] = iter(())
        try:
            steps = await self.call(self.loader.steps)
            while await self.call(lambda: next(steps, self) is not self):
                pass
        except OrderSystemError as error:
            if not self.closed:
                self.trouble = str(error)
                log.error("orders.csv.unread", extra={"problem": self.trouble})
        finally:
            self._loading = None
            # What was half read is taken out of the index, in the thread that owns it.
            await asyncio.get_running_loop().run_in_executor(self._thread, getattr(steps, "close", lambda: None))

    def _is_behind(self) -> bool:
        try:
            behind = self.loader.is_behind()
        except OSError as error:
            self.trouble = f"the folder of exports {self._options.folder} cannot be read: {error.strerror or error}"
            return False
        self.trouble = ""
        return behind

    def _nothing(self) -> str:
        if notes := self.loader.notes():
            return f"no export can be used: {notes[0]}"
        if busy := self.loader.busy:
            return (
                f"{busy[0]} was written to just now; it is read once it was left alone for {self._options.settle_s:g} s"
            )
        patterns = ", ".join(self._options.files)
        return f"there is no whole export in {self._options.folder} that is called {patterns}; export your orders there"
