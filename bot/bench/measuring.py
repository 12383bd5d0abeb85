"""Run the threads of the workload against whatever answers them, and time it."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import ceil
from pathlib import Path

from bot.bench.engine import Engine
from bot.bench.workload import Turn, threads
from bot.inference.engine import Stats
from bot.inference.llama import library
from bot.inference.requantise import checked
from bot.inference.speed import Speed, measure, resident_mb

Answer = Callable[[Turn], Awaitable[str]]
"""Answers a turn."""

Say = Callable[[str], None]
"""Told what is being done, for whoever waits."""

WARMING, ALONE, ACTION, MESSAGE = range(4)
"""The seeds of the parts of a measurement: no two of them share a message's order number."""


@dataclass(frozen=True, slots=True)
class Run:
    """How long it took in all, and what each turn waited, in seconds."""

    seconds: float
    waits: tuple[float, ...]

    @property
    def turns_per_s(self) -> float:
        """How many turns were answered a second."""
        return len(self.waits) / self.seconds

    def share_waited(self, share: float) -> float:
        """Return what this share of the turns waited at most; a half is the median."""
        ranked = sorted(self.waits)
        return statistics.median(ranked) if share == 0.5 else ranked[ceil(share * len(ranked)) - 1]


@dataclass(frozen=True, slots=True)
class Times:
    """The three parts of a measurement: one thread alone, and all of them with and without a message."""

    alone: Run
    action: Run
    message: Run


@dataclass(frozen=True, slots=True)
class Figures:
    """What `deskhand bench` reports.

    Turns a second are of all chats together; `alone_s` is the median of a turn when nobody else writes; p50 and p95 are
    what the turns of the action run waited. `limit_share` is the part of that run's time that the same tokens take
    when llama.cpp does nothing else, at `prompt_tokens_per_s` and `decoded_tokens_per_s`; the tokens counted are those
    of that run.
    """

    model: str
    threads: int
    chats: int
    turns: int
    action_turns_per_s: float
    message_turns_per_s: float
    alone_s: float
    limit_share: float
    message_limit_share: float
    p50_s: float
    p95_s: float
    message_p50_s: float
    message_p95_s: float
    rss_mb: float
    prompt_tokens: int
    decoded_tokens: int
    prompt_tokens_per_s: float
    decoded_tokens_per_s: float

    def to_dict(self) -> dict[str, str | int | float]:
        """Return the figures by name, rounded to what can be measured."""
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}


async def bench(path: Path, processor_threads: int, chats: int, turns: int, say: Say) -> Figures:
    """Measure the engine with a model file.

    Raises:
        BenchError: the engine does not answer as it should.
        RequantiseError: the file is no sound GGUF.
        SpeedError: llama.cpp does not run it.
    """
    checked(path)
    engine = Engine(path, processor_threads)
    counted: list[Stats] = []

    try:
        times = await timed(engine.answer, chats, turns, say, lambda: counted.append(engine.stats()))
        rss_mb = resident_mb()
    finally:
        await engine.close()
    say("llama.cpp alone ...")
    speed = await asyncio.to_thread(measure, library(), path, processor_threads, chats)
    action, message = (_since(now, before) for before, now in pairwise(counted))
    return Figures(
        model=path.name,
        threads=processor_threads,
        chats=chats,
        turns=turns,
        **waits(times),
        limit_share=_limit_s(action, speed) / times.action.seconds,
        message_limit_share=_limit_s(message, speed) / times.message.seconds,
        rss_mb=rss_mb,
        prompt_tokens=action.prompt_tokens,
        decoded_tokens=action.decoded_tokens,
        prompt_tokens_per_s=speed.prompt,
        decoded_tokens_per_s=speed.decode,
    )


def waits(times: Times) -> dict[str, float]:
    """Return turns a second and waits in seconds, by their names in the report."""
    return {
        "action_turns_per_s": times.action.turns_per_s,
        "message_turns_per_s": times.message.turns_per_s,
        "alone_s": times.alone.share_waited(0.5),
        "p50_s": times.action.share_waited(0.5),
        "p95_s": times.action.share_waited(0.95),
        "message_p50_s": times.message.share_waited(0.5),
        "message_p95_s": times.message.share_waited(0.95),
    }


async def timed(answer: Answer, chats: int, turns: int, say: Say, after: Callable[[], None] = lambda: None) -> Times:
    """Time all three parts; `after` is called behind the first one and behind each of the others."""
    say("loading the model, and one turn to warm up ...")
    await run(answer, threads(1, 1, says=False, seed=WARMING))
    say("one chat alone ...")
    alone = await run(answer, threads(1, max(turns, 3), says=False, seed=ALONE))
    after()
    say(f"{chats} chats of {turns} turns, actions ...")
    action = await run(answer, threads(chats, turns, says=False, seed=ACTION))
    after()
    say(f"{chats} chats of {turns} turns, with a message ...")
    message = await run(answer, threads(chats, turns, says=True, seed=MESSAGE))
    after()
    return Times(alone, action, message)


async def run(answer: Answer, chats: Sequence[Sequence[Turn]]) -> Run:
    """Let all threads write at once, each its next message as soon as the last one is answered."""
    waits: list[float] = []

    async def one(turns: Sequence[Turn]) -> None:
        for turn in turns:
            began = time.perf_counter()
            await answer(turn)
            waits.append(time.perf_counter() - began)

    began = time.perf_counter()
    try:
        async with asyncio.TaskGroup() as group:
            for turns in chats:
                group.create_task(one(turns))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None  # One sentence is wanted; that all chats fail alike says no more.
    return Run(time.perf_counter() - began, tuple(waits))


def _since(now: Stats, before: Stats) -> Stats:
    return Stats(now.prompt_tokens - before.prompt_tokens, now.decoded_tokens - before.decoded_tokens)


def _limit_s(computed: Stats, speed: Speed) -> float:
    """Return the seconds that so many tokens take at the least."""
    return computed.prompt_tokens / speed.prompt + computed.decoded_tokens / speed.decode
