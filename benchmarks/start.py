"""How long the demo takes to answer after its start, and how much memory a bot without a model holds."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchmarks.bots import TOKEN
from benchmarks.turns import bot, rss_mb
from bot.simulator import Person, Simulator

RUNS = 5
PORT = 18_099


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


async def demo_start_s() -> float:
    """Return the seconds from starting `deskhand demo` until it is ready."""
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "demo", "--port", str(PORT), stdout=asyncio.subprocess.DEVNULL
    )
    try:
        ready = f"http://127.0.0.1:{PORT}/readyz"
        while not await asyncio.to_thread(_answers, ready):  # noqa: ASYNC110 (another process gives no event)
            await asyncio.sleep(0.02)
        return time.perf_counter() - started
    finally:
        process.terminate()
        await process.wait()


async def memory_mb() -> float:
    """Return the resident memory of a bot on rules after it answered 200 messages."""
    simulator = Simulator(TOKEN, [Person(id=1000, first_name="P")], record_calls=False)
    with tempfile.TemporaryDirectory() as folder:
        async with simulator.serve() as base_url, bot("deskhand", simulator, base_url, Path(folder)) as pid:
            after = 0
            for n in range(200):
                simulator.person(1000).send_text(f"where is my order {n}?")
                after = (await simulator.wait_message(1000, "", after=after))["message_id"]
            return rss_mb(pid)


async def main() -> None:
    """Print both."""
    starts = [await demo_start_s() for _ in range(RUNS)]
    print(f"demo, from start to ready: {statistics.median(starts):.2f} s (median of {RUNS})")
    print(f"resident memory without a model, after 200 turns: {await memory_mb():.0f} MB")


if __name__ == "__main__":
    asyncio.run(main())
