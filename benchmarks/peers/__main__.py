"""`python -m benchmarks.peers SYSTEM FILE THREADS CHATS TURNS`: measures one system once, and prints JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.peers.servers import Missing
from benchmarks.peers.systems import SYSTEMS
from bot.bench.engine import BenchError
from bot.bench.measuring import timed, waits
from bot.bench.workload import Turn
from bot.domain.actions import parse_action

SAMPLE_S = 0.2


class Memory:
    """Remembers the most that some processes held together; it looks five times a second."""

    def __init__(self, processes: Callable[[], Sequence[int]]) -> None:
        self._processes = processes
        self.peak_mb = 0.0

    async def watch(self) -> None:
        """Look until it is cancelled."""
        while True:
            self.peak_mb = max(self.peak_mb, sum(map(resident_mb, self._processes())))
            await asyncio.sleep(SAMPLE_S)


def resident_mb(pid: int) -> float:
    """Return a process's resident memory; 0 once it is gone."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return 0.0


async def measure(name: str, path: Path, threads: int, chats: int, turns: int) -> dict[str, str | int | float]:
    """Start a system, ask it the workload, and return the figures."""
    invalid = 0
    async with SYSTEMS[name](path, threads, chats) as peer:
        memory = Memory(peer.processes)
        watching = asyncio.create_task(memory.watch())

        async def answer(turn: Turn) -> str:
            nonlocal invalid
            raw = await peer.answer(turn)
            try:
                # The example server shows the token that ends an answer, which is no part of it.
                parse_action(raw.removesuffix("<|endoftext|>"), turn.candidates)
            except ValueError:
                invalid += 1
            return raw

        times = await timed(answer, chats, turns, lambda said: print(f"  {name}: {said}", file=sys.stderr, flush=True))
        watching.cancel()
    return {**waits(times), "rss_mb": memory.peak_mb, "invalid": invalid}


def main() -> int:
    """Measure what the arguments say; return 1 with a sentence where it cannot be."""
    name, path, threads, chats, turns = sys.argv[1:]
    try:
        print(json.dumps(asyncio.run(measure(name, Path(path), int(threads), int(chats), int(turns)))))
    except (Missing, BenchError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
