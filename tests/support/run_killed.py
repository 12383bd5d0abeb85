"""`deskhand run` that dies at a named moment, as a power cut would have it: run_killed.py CONFIG POINT.

Without a point it is an ordinary run.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from bot import logs
from bot.app import App
from bot.compose import Overrides
from bot.config import load
from bot.conversation.crash_points import CrashPoint, Reached
from bot.running import stop_signal


def dying_at(wanted: CrashPoint) -> Reached:
    """Return what kills this process when the moment has come."""

    def reached(point: CrashPoint) -> None:
        if point is wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached


async def run(config: Path, point: CrashPoint) -> None:
    """Run the bot until it dies, or is told to stop."""
    settings = load(config, os.environ)
    logs.setup(settings.log.level, settings.log.format, settings.secrets())
    stop = stop_signal()
    async with App.open(settings, Overrides(reached=dying_at(point))):
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), CrashPoint(sys.argv[2])))
