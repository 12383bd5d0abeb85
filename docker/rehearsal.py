"""Lives through a container's life, in the place where the image runs: start, health, a message answered, a stop."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
import time
from pathlib import Path

from bot.simulator import Person, Simulator

TOKEN = "4242:rehearsal"  # noqa: S105 (the simulator's own)
STOP_LIMIT_S = 10


async def main() -> None:
    """Run them all; whatever fails ends it."""
    read_only()
    simulator = Simulator(TOKEN, [Person(7, "Ana", "Gil", "es", "+34600111222")])
    async with simulator.serve() as telegram:
        bot = await started(telegram)
        try:
            await healthy(bot)
            await answered(simulator)
        finally:
            await stopped(bot)
    print(f"on the volume: {sorted(os.listdir('/data'))}")


def read_only() -> None:
    """Nothing can be written but the volume and /tmp, and nobody here is root."""
    assert os.getuid() == 10001, os.getuid()
    for folder in ("/", "/opt/deskhand", "/etc", "/var/tmp"):  # noqa: S108 (it must not be writable)
        try:
            Path(folder, "probe").touch()
        except OSError as error:
            print(f"{folder}: {error.strerror}")
        else:
            sys.exit(f"{folder} can be written")


async def started(telegram: str) -> asyncio.subprocess.Process:
    """Start what the image starts."""
    environment = {**os.environ, "DESKHAND_TELEGRAM__TOKEN": TOKEN, "DESKHAND_TELEGRAM__API_BASE_URL": telegram}
    command = ("deskhand", "run", "--config", "/data/config.toml")
    return await asyncio.create_subprocess_exec(*command, env=environment, cwd="/")


async def healthy(bot: asyncio.subprocess.Process) -> None:
    """Ask as the image's health check does, until it says yes."""
    begun = time.monotonic()
    while True:
        assert bot.returncode is None, "deskhand run has ended"
        probe = await asyncio.create_subprocess_exec(sys.executable, "-I", "/opt/docker/healthcheck.py")
        if await probe.wait() == 0:
            break
        assert time.monotonic() - begun < 60, "not healthy within a minute"
        await asyncio.sleep(0.5)
    print(f"healthy after {time.monotonic() - begun:.1f} s")


async def answered(simulator: Simulator) -> None:
    """Write to the bot as a customer, and wait for what it says."""
    sent = simulator.person(7).send_text("hola")
    message = await simulator.wait_message(7, after=sent, timeout=30)
    print(f"answered: {message['text'][:60]!r}")


async def stopped(bot: asyncio.subprocess.Process) -> None:
    """Stop as a container engine does."""
    begun = time.monotonic()
    bot.send_signal(signal.SIGTERM)
    status = await asyncio.wait_for(bot.wait(), STOP_LIMIT_S)
    assert status == 0, status
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"stopped after {time.monotonic() - begun:.1f} s; it took {peak_mb} MB at most")


asyncio.run(main())
