"""A process that asks for a cancellation and is killed on the way; run as `python -m tests.support.kill_csv_shop`.

kill_csv_shop FOLDER statement N   kills itself before that statement of the record, from 1
kill_csv_shop FOLDER byte N        kills itself when so many bytes of what is added to the outbox are on the disk
"""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from pathlib import Path

from bot.orders.csv_outbox import Outbox
from bot.orders.testing import scope_of
from tests.support.csv_exports import open_shop


def die() -> None:
    """End at once, as after a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)


class DoomedOutbox(Outbox):
    """Writes only so many bytes."""

    left = 0

    def _put(self, file: io.FileIO, content: bytes) -> None:
        if len(content) > self.left:
            super()._put(file, content[: self.left])
            die()
        super()._put(file, content)


class Countdown:
    """Kills the process before that statement."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self, _: str) -> None:
        self.left -= 1
        if self.left == 0:
            die()


async def ask(base: Path, where: str, count: int) -> None:
    """Ask for the cancellation of the pending order."""
    shop = open_shop(base)
    requests = shop._keeper.requests
    if where == "byte":
        requests._outbox = DoomedOutbox(requests._outbox.path, ",")
        requests._outbox.left = count
    else:
        requests._open().set_trace_callback(Countdown(count))
    await shop.cancel(scope_of("email:ana@example.com"), "SH-1003", key="key-1")
    await shop.close()


if __name__ == "__main__":
    asyncio.run(ask(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
