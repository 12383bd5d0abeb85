"""What the engine promises beside speed: nobody waits for another's long history, and a long thread costs no more.

    python -m benchmarks.engine [--quant Q4_0] [--threads 2] [--rounds 3]

Random weights in the exact shape of Qwen2.5-0.5B, so nothing is downloaded. Each figure is the median of the rounds,
and a ratio wherever there is something to compare with in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import ceil
from pathlib import Path

from bot.bench import workload
from bot.cli_parts import whole
from bot.compose import lexicon_book
from bot.domain.actions import branching_schema
from bot.domain.model import Author, Message, Query
from bot.domain.order_numbers import OrderNumbers
from bot.domain.ports import ChatMessage, Completion
from bot.inference.classifier import ClassifierTier
from bot.inference.llama import library
from bot.inference.local_model import LlamaModel
from bot.inference.rules import RulesTier
from bot.inference.settings import SMALL_MICRO_BATCH, EngineSettings, KvType, default_threads
from bot.inference.shapes import default_folder, make, shape

CHATS, TURNS, LONG_TOKENS = 7, 4, 4_000
SYSTEM = ChatMessage("system", workload.SYSTEM)


def model(file: Path, threads: int, *, small: bool = False) -> LlamaModel:
    """Return a model with room for everything that is measured here, as it is run here or on a small machine."""
    told = EngineSettings(threads=threads, context_tokens=8192, cells=16_384)
    if small:
        told = replace(told, kv_type=KvType.Q8_0, micro_batch=SMALL_MICRO_BATCH)
    return LlamaModel("bench", file, settings=told)


async def waits(engine: LlamaModel, chats: Sequence[Sequence[workload.Turn]]) -> list[float]:
    """Let all chats write at once; return what each turn waited, in seconds."""
    found: list[float] = []

    async def one(turns: Sequence[workload.Turn]) -> None:
        for turn in turns:
            began = time.perf_counter()
            await engine.complete(Completion(turn.messages, turn.schema, thread=turn.thread))
            found.append(time.perf_counter() - began)

    await asyncio.gather(*map(one, chats))
    return found


def p95(found: Sequence[float]) -> float:
    """Return what 95 % waited at most."""
    return sorted(found)[ceil(0.95 * len(found)) - 1]


async def beside_a_long_one(engine: LlamaModel, seed: int) -> tuple[float, float]:
    """Return the p95 of seven short chats, alone and while an eighth brings 4,000 tokens of history."""
    await waits(engine, workload.threads(CHATS, 1, says=False, seed=seed))
    alone = p95(await waits(engine, workload.threads(CHATS, TURNS, says=False, seed=seed + 1)))
    history, sentence = [SYSTEM], "I wrote to you about the lamp last week and nobody has answered me. "
    per_line = await engine.count_tokens(sentence)
    history += [
        ChatMessage("user" if at % 2 == 0 else "assistant", sentence * 4) for at in range(LONG_TOKENS // (4 * per_line))
    ]
    asked = Completion((*history, ChatMessage("user", "and now?")), branching_schema((), 0), thread=f"long-{seed}")
    long = asyncio.create_task(engine.complete(asked))
    beside = p95(await waits(engine, workload.threads(CHATS, TURNS, says=False, seed=seed + 2)))
    await long
    return alone, beside


async def by_length(engine: LlamaModel, seed: int, messages: int) -> float:
    """Return the seconds of a turn at the end of a thread of so many messages; the newest are in the prompt."""
    chance = random.Random(seed)
    before = [
        ChatMessage("user" if at % 2 == 0 else "assistant", f"message {chance.randrange(10**6)} of {at}")
        for at in range(min(messages, 40))
    ]
    said = [SYSTEM, *before]
    thread, schema, found = f"{seed}-{messages}", branching_schema((), 0), list[float]()
    await engine.complete(Completion((*said, ChatMessage("user", "hello")), schema, thread=thread))
    for at in range(5):
        said += [ChatMessage("user", f"and what about number {at}?"), ChatMessage("assistant", "It is on its way.")]
        began = time.perf_counter()
        await engine.complete(Completion((*said, ChatMessage("user", "thank you, and now?")), schema, thread=thread))
        found.append(time.perf_counter() - began)
    return statistics.median(found)


async def understanding_meanwhile(engine: LlamaModel) -> tuple[float, float]:
    """Return messages a second, and p99 in ms, of classifier and rules while the model writes without a pause."""
    numbers, book = OrderNumbers(), lexicon_book()
    tiers = (ClassifierTier(book, numbers), RulesTier(book))
    history = (Message(Author.BOT, "Hello", datetime.now(UTC)),)
    queries = [Query(text, "en", history) for text in workload.texts()]
    for query in queries:
        await tiers[0].understand(query)
    chats = workload.threads(8, 6, says=True, seed=77)
    writing = asyncio.create_task(waits(engine, chats))
    await asyncio.sleep(0)
    times: list[float] = []
    began = time.perf_counter()
    while not writing.done() and len(times) < 5_000:
        query = queries[len(times) % len(queries)]
        started = time.perf_counter()
        await tiers[0].understand(query)
        tiers[1].read(query)
        times.append(time.perf_counter() - started)
        await asyncio.sleep(0)
    rate = len(times) / (time.perf_counter() - began)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    return rate, 1000 * sorted(times)[ceil(0.99 * len(times)) - 1]


_MEMORY = """
import asyncio, sys
from pathlib import Path
import bot.app, bot.running  # All that a running bot holds beside its model.
from benchmarks.engine import SYSTEM, model, waits
from bot.bench import workload
from bot.inference.speed import resident_mb
async def main():
    engine = model(Path(sys.argv[1]), int(sys.argv[2]), small=True)
    await engine.prepare(SYSTEM)
    await waits(engine, workload.threads(16, 2, says=False, seed=5))
    print(resident_mb(), flush=True)
    await engine.close()
asyncio.run(main())
"""

_FIRST = """
import asyncio, sys
from pathlib import Path
from benchmarks.engine import SYSTEM, model
from bot.domain.actions import branching_schema
from bot.domain.ports import ChatMessage, Completion
async def main():
    engine = model(Path(sys.argv[1]), int(sys.argv[2]))
    said = (SYSTEM, ChatMessage("user", "where is NG-12345?"))
    await engine.complete(Completion(said, branching_schema(("NG-12345",), 0)))
    print("answered", flush=True)
    await engine.close()
asyncio.run(main())
"""


def said_by(script: str, file: Path, threads: int) -> tuple[str, float]:
    """Return the first line that a process of its own says, and the seconds from its start until then."""
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", script, file, str(threads)], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        return run.stdout.readline(), time.perf_counter() - began


async def measure(file: Path, threads: int, rounds: int) -> list[tuple[str, str, str]]:
    """Return rows: what, the goal, what was measured."""
    engine = model(file, threads)
    await engine.prepare(SYSTEM)
    pairs = [await beside_a_long_one(engine, 10 * at) for at in range(rounds)]
    beside = statistics.median(beside / alone for alone, beside in pairs)
    lengths = {count: [await by_length(engine, at, count) for at in range(rounds)] for count in (10, 1000)}
    short, long = (statistics.median(lengths[count]) for count in (10, 1000))
    rate, p99 = await understanding_meanwhile(engine)
    await engine.close()
    memory = float(said_by(_MEMORY, file, threads)[0])
    said_by(_FIRST, file, threads)  # The prefix on the disk is that of the small machine's cells now.
    first = statistics.median(said_by(_FIRST, file, threads)[1] for _ in range(rounds))
    return [
        ("p95 of seven short chats beside 4,000 tokens of history", "1.5 times", f"{beside:.2f} times"),
        ("a turn after 1,000 messages against one after 10", "1.2 times", f"{long / short:.2f} times"),
        ("from process start to the first answer", "1.5 s", f"{first:.2f} s"),
        ("resident memory of a bot, 16 threads, 16k cells, as on a small machine", "700 MB", f"{memory:,.0f} MB"),
        ("classifier and rules while the model writes", "500 a second", f"{rate:,.0f} a second"),
        ("99th percentile of those", "10 ms", f"{p99:.1f} ms"),
    ]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    options.add_argument("--quant", default="Q4_0")
    options.add_argument("--threads", type=whole(256), default=default_threads())
    options.add_argument("--rounds", type=whole(100), default=3)
    options.add_argument("--shapes", type=Path, default=default_folder())
    asked = options.parse_args()
    file = make(library(), shape("qwen2.5-0.5b"), asked.quant, asked.shapes, asked.threads)
    for what, goal, found in asyncio.run(measure(file, asked.threads, asked.rounds)):
        print(f"{what:70} {goal:>14} {found:>16}")


if __name__ == "__main__":
    main()
