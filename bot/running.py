"""`deskhand run`: the bot until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from bot import logs
from bot.app import App
from bot.config import Settings

log = logging.getLogger(__name__)


# Every turn crosses to the database's threads and back, and a crossing waits for the interpreter's lock: with Python's
# own 5 ms the 99th percentile of a turn at 200 a second was several times as long (benchmarks/inbox_to_outbox.py, one
# run each on a busy machine).
SWITCH_S = 0.0002


def tune() -> None:
    """Set what holds for the whole process."""
    sys.setswitchinterval(SWITCH_S)


def stop_signal() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def run(settings: Settings) -> int:
    """Run until told to stop."""
    logs.setup(settings.log.level, settings.log.format, settings.secrets())
    tune()
    stop = stop_signal()
    async with App.open(settings):
        await stop.wait()
        log.info("app.stopping")
    return 0
