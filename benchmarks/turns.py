"""Whole turns on SQLite with synchronous=FULL and no model, beside a bare PTB echo bot, against the same simulator.

Each bot runs in a process of its own; this one is Telegram and its 100 people. A turn is timed from the message that a
person sends to the answer that reaches Telegram: fetching, the inbox, the turn, the outbox and the sending call.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.bots import TOKEN
from bot.learning.phrases import read_phrases
from bot.simulator import Person, Simulator

THREADS = 100
SECONDS = 8.0
RUNS = 3
PHRASES = Path(__file__).parents[1] / "training" / "phrases"


@cache
def texts(chat: int) -> tuple[str, ...]:
    """Return what a person may write: hundreds of messages in one language, other people's in other languages.

    Those who ask for a person are left out, since that would end the talk.
    """
    files = sorted(PHRASES.glob("*.toml"))
    phrases = read_phrases(files[chat % len(files)])
    said = (phrase.text.replace("{order}", "ORD20241112001") for phrase in phrases if phrase.label != "handoff")
    return tuple(dict.fromkeys(said))


@dataclass(frozen=True, slots=True)
class Result:
    """Messages offered and answered per second, how long that took (milliseconds), and resident memory (MB)."""

    name: str
    offered: float
    answered: float
    p50_ms: float
    p99_ms: float
    rss_mb: float

    def row(self) -> str:
        """Return a line of the table."""
        offered = f"{self.offered:6.0f}/s" if self.offered else "     max"
        figures = f"{self.answered:8.1f}/s {self.p50_ms:8.1f} {self.p99_ms:8.1f} {self.rss_mb:7.0f}"
        return f"{self.name:20} {offered:>9} {figures}"


class Crowd:
    """People who write, and what they waited."""

    def __init__(self, simulator: Simulator, people: Sequence[Person], *, eager: bool) -> None:
        self._simulator, self._people, self._eager = simulator, people, eager
        self._sent: dict[int, float] = {}
        self._random = random.Random(1)
        self.took_s: list[float] = []

    def write(self, chat: int) -> None:
        """Let one person write, unless they still wait for an answer."""
        if chat not in self._sent:
            self._sent[chat] = time.monotonic()
            self._simulator.person(chat).send_text(self._random.choice(texts(chat)))

    async def listen(self, chat: int) -> None:
        """Take one person's answers; the eager write again at once."""
        after = 0
        while True:
            message = await self._simulator.wait_message(chat, "", timeout=60, after=after)
            after = message["message_id"]
            if started := self._sent.pop(chat, None):
                self.took_s.append(time.monotonic() - started)
                if self._eager:
                    self.write(chat)

    async def write_for(self, seconds: float, rate: float) -> float:
        """Let them write in turn at a rate (0: only the eager ones go on); return how long it took."""
        started, written = time.monotonic(), 0
        while (elapsed := time.monotonic() - started) < seconds:
            while written < elapsed * rate:
                self.write(self._people[written % len(self._people)].id)
                written += 1
            await asyncio.sleep(0.002)
        return elapsed


@asynccontextmanager
async def bot(kind: str, simulator: Simulator, base_url: str, folder: Path) -> AsyncIterator[int]:
    """Start a bot and yield its process id once it polls."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.bots", kind, base_url, str(folder))
    try:
        await simulator.wait_polling(60)
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


def rss_mb(pid: int) -> float:
    """Return a process's resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6


async def measure(kind: str, rate: float, seconds: float = SECONDS, folder: Path | None = None) -> Result:
    """Offer `rate` messages a second (0: as fast as they are answered) to a fresh bot, after one warming round."""
    people = [Person(id=1000 + n, first_name=f"P{n}") for n in range(THREADS)]
    simulator = Simulator(TOKEN, people, record_calls=False, history=50)
    crowd = Crowd(simulator, people, eager=not rate)
    with tempfile.TemporaryDirectory() as fresh:
        async with simulator.serve() as base_url, bot(kind, simulator, base_url, folder or Path(fresh)) as pid:
            listeners = [asyncio.create_task(crowd.listen(person.id)) for person in people]
            for person in people:
                crowd.write(person.id)
            await crowd.write_for(3.0, 0)
            crowd.took_s.clear()
            elapsed = await crowd.write_for(seconds, rate)
            memory = rss_mb(pid)
            for task in listeners:
                task.cancel()
    took = sorted(crowd.took_s) or [float("nan")]
    p50, p99 = statistics.median(took), took[int(len(took) * 0.99)]
    return Result(kind, rate, len(took) / elapsed, p50 * 1e3, p99 * 1e3, memory)


def median_of(results: Sequence[Result]) -> Result:
    """Return the run whose throughput and p99 stand in the middle, field by field."""
    first = results[0]
    fields = ("answered", "p50_ms", "p99_ms", "rss_mb")
    return Result(first.name, first.offered, *(statistics.median(getattr(r, f) for r in results) for f in fields))


async def main() -> None:
    """Print the table: medians of three runs."""
    print(f"{'bot':20} {'offered':>9} {'answered':>10} {'p50 ms':>8} {'p99 ms':>8} {'RSS MB':>7}")
    for kind in ("deskhand", "echo"):
        for rate in (0.0, 100.0, 200.0):
            print(median_of([await measure(kind, rate) for _ in range(RUNS)]).row(), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
