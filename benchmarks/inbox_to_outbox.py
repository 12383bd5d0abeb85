"""Turns alone: from before an update is committed to the inbox until its answer is committed to the outbox.

Nothing is sent, so Telegram's pace plays no part. SQLite with synchronous=FULL, no model, 100 threads.
`python -m benchmarks.inbox_to_outbox [MESSAGES [KIND ...]]` fills the database with so many messages first, and takes
tiers of these kinds instead of rules alone.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bots import FAQ, TOKEN
from benchmarks.turns import THREADS, texts
from bot.app import App
from bot.compose import Overrides
from bot.config import Settings, load
from bot.running import tune
from bot.simulator import Simulator
from bot.telegram.customer import parse
from bot.telegram.fetch import raw_update
from bot.telegram.pace import Pace

BATCH_S = 0.01


def settings_in(folder: Path, base_url: str, kinds: Sequence[str]) -> Settings:
    """Return settings for a bot with tiers of these kinds and a small FAQ."""
    faq = folder / "faq.toml"
    faq.write_text(FAQ, encoding="utf-8")
    database = {"url": f"sqlite+aiosqlite:///{folder / 'deskhand.db'}", "backup_dir": str(folder / "backups")}
    return load(
        None,
        {},
        defaults={
            "telegram": {"token": TOKEN, "api_base_url": base_url},
            "database": database,
            "orders": {"demo": {"path": str(folder / "shop.db")}},
            "faq": {"file": str(faq)},
            "understanding": {"tiers": [tier(kind) for kind in kinds]},
            "web": {"port": 0},
        },
    )


def tier(kind: str) -> dict[str, str]:
    """Return a tier of this kind; "embedded" is the language model that ships."""
    return {"kind": kind} if kind != "embedded" else {"kind": "llama", "name": kind, "model": kind}


class Updates:
    """Makes customers' messages, as Telegram would bring them."""

    def __init__(self) -> None:
        self._random = random.Random(1)
        self._next = 1

    def make(self, chat: int) -> dict[str, object]:
        """Return one message of one person."""
        self._next += 1
        person = {"id": chat, "is_bot": False, "first_name": f"P{chat}", "language_code": "en"}
        message = {
            "message_id": self._next,
            "date": 1_700_000_000,
            "chat": {"id": chat, "type": "private", "first_name": person["first_name"]},
            "from": person,
            "text": self._random.choice(texts(chat)),
        }
        return {"update_id": self._next, "message": message}


async def turns(app: App, updates: Sequence[dict[str, object]]) -> list[float]:
    """Commit a batch and run its turns; return each turn's seconds from before the commit."""
    started = time.perf_counter()
    items = await app.store.inbox.commit([raw_update(update, "1") for update in updates])
    took = []

    async def one(done: asyncio.Future[object]) -> None:
        await done
        took.append(time.perf_counter() - started)

    waits = []
    for item in items:
        arrived = parse(json.loads(item.payload), app.client.parser)
        assert arrived is not None
        waits.append(one(app.worker.submit(item, arrived.incoming)))  # type: ignore[arg-type]
    await asyncio.gather(*waits)
    return took


async def offered(app: App, source: Updates, rate: float, seconds: float) -> tuple[float, list[float]]:
    """Offer messages at a rate, in batches as a poll brings them; return how many a second were done, and the times."""
    running, written = set(), 0
    results: list[float] = []
    started = time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds:
        due = int(elapsed * rate) - written
        if due > 0:
            batch = [source.make(1000 + (written + n) % THREADS) for n in range(due)]
            written += due
            task = asyncio.create_task(turns(app, batch))
            running.add(task)
            task.add_done_callback(lambda done: (running.discard(done), results.extend(done.result())))
        await asyncio.sleep(BATCH_S)
    await asyncio.gather(*running)
    return written / (time.perf_counter() - started), results


async def at_most(app: App, source: Updates, count: int) -> float:
    """Run `count` turns in batches of 100 threads as fast as they go; return turns per second."""
    started = time.perf_counter()
    for _ in range(count // THREADS):
        await turns(app, [source.make(1000 + n) for n in range(THREADS)])
    return count / (time.perf_counter() - started)


def fill(path: Path, messages: int) -> None:
    """Store old messages: threads of 100, 100 of them those of the benchmark's people."""
    database = sqlite3.connect(path)
    threads = [row[0] for row in database.execute("SELECT id FROM threads")]
    now = "2026-01-01 00:00:00.000000"
    rows = (
        (threads[n % len(threads)], "customer" if n // len(threads) % 2 else "bot", texts(n % 34)[n % 500], now)
        for n in range(messages)
    )
    database.executemany("INSERT INTO messages (thread_id, author, text, at) VALUES (?, ?, ?, ?)", rows)
    database.commit()
    database.close()


async def measure(rate: float, seconds: float, messages: int, kinds: Sequence[str] = ("rules",)) -> None:
    """Print capacity, and the times at the offered rate."""
    tune()
    pace, source = Pace(time.monotonic, total=1e-9), Updates()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulator = Simulator(TOKEN)
        async with simulator.serve() as base_url:
            settings = settings_in(folder, base_url, kinds)
            if messages:
                async with App.open(settings, Overrides(pace=pace)) as app:
                    await at_most(app, source, THREADS)
                fill(folder / "deskhand.db", messages)
            async with App.open(settings, Overrides(pace=pace)) as app:
                await at_most(app, source, 5 * THREADS)
                capacity = statistics.median([await at_most(app, source, 5 * THREADS) for _ in range(5)])
                done, took = await offered(app, source, rate, seconds)
    took.sort()
    p50, p99 = statistics.median(took) * 1e3, took[int(len(took) * 0.99)] * 1e3
    print(
        f"inbox to outbox by {'+'.join(kinds)}, {messages:>9,} stored messages: at most {capacity:5.0f} turns/s; "
        f"{done:5.0f}/s offered: p50 {p50:5.1f} ms, p99 {p99:5.1f} ms",
        flush=True,
    )


def main() -> None:
    """Measure with the number of stored messages that the argument names."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    asyncio.run(measure(rate=200.0, seconds=8.0, messages=messages, kinds=sys.argv[2:] or ("rules",)))


if __name__ == "__main__":
    main()
