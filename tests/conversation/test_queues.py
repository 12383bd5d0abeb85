"""Queues: in order within a thread, side by side across threads, and nothing new once parked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.conversation.queues import ThreadQueues

Job = Callable[[], Awaitable[None]]


class Script:
    """Jobs that write down what they do, and wait for their gate where they have one."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.started: dict[str, asyncio.Event] = {}
        self.gates: dict[str, asyncio.Event] = {}

    def job(self, name: str, *, gated: bool = False) -> Job:
        """Return a job of that name."""
        self.started[name] = asyncio.Event()
        if gated:
            self.gates[name] = asyncio.Event()

        async def run() -> None:
            self.started[name].set()
            if gated:
                await self.gates[name].wait()
            self.done.append(name)

        return run

    async def until_started(self, *names: str) -> None:
        """Wait until these run."""
        async with asyncio.timeout(10):
            for name in names:
                await self.started[name].wait()


async def idle(queues: ThreadQueues) -> None:
    """Wait until nothing runs, but not for ever."""
    async with asyncio.timeout(10):
        await queues.idle()


async def test_in_order_within_a_thread() -> None:
    """One thread's messages are answered one after the other, in the order in which they came."""
    queues, script = ThreadQueues(), Script()
    names = [f"m{number}" for number in range(100)]
    for name in names:
        queues.put("thread", script.job(name))
    await idle(queues)
    assert script.done == names


async def test_one_at_a_time_within_a_thread() -> None:
    """A message is not begun before the one ahead of it in its thread has ended."""
    queues, script = ThreadQueues(), Script()
    queues.put("thread", script.job("first", gated=True))
    queues.put("thread", script.job("second"))
    await script.until_started("first")
    assert not script.started["second"].is_set()
    script.gates["first"].set()
    await idle(queues)
    assert script.done == ["first", "second"]


async def test_side_by_side_across_threads() -> None:
    """A thread that takes long does not hold up the others."""
    queues, script = ThreadQueues(), Script()
    queues.put("slow", script.job("slow", gated=True))
    for number in range(20):
        queues.put(number, script.job(f"{number}"))
    await script.until_started("slow", *(f"{number}" for number in range(20)))
    script.gates["slow"].set()
    await idle(queues)
    assert script.done[-1] == "slow"


async def test_no_more_than_so_many_at_once() -> None:
    """Only so many threads are worked on side by side; the next one gets the first free place."""
    queues, script = ThreadQueues(side_by_side=2), Script()
    for name in ("a", "b", "c"):
        queues.put(name, script.job(name, gated=True))
    await script.until_started("a", "b")
    assert not script.started["c"].is_set()
    script.gates["a"].set()
    await script.until_started("c")
    for gate in script.gates.values():
        gate.set()
    await idle(queues)


async def test_a_failing_job_does_not_stop_the_line(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a job raises is logged, and the thread's next message still gets its turn."""
    queues, script = ThreadQueues(), Script()

    async def broken() -> None:
        raise LookupError("a mistake")

    queues.put("thread", broken)
    queues.put("thread", script.job("next"))
    await idle(queues)
    assert script.done == ["next"]
    assert [record.message for record in caplog.records] == ["queue.job_failed"]


async def test_a_job_put_the_moment_another_ends() -> None:
    """Whoever waits for a job and puts the next one in the very step in which it ends is not forgotten."""
    queues, script = ThreadQueues(), Script()
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def first() -> None:
        ended.set_result(None)

    queues.put("thread", first)
    await ended
    queues.put("thread", script.job("next"))
    await script.until_started("next")
    await idle(queues)


async def test_depth_counts_what_waits_and_what_runs() -> None:
    """The depth is the number of jobs that have not ended, whether they run, wait in line or for a place."""
    queues, script = ThreadQueues(side_by_side=1), Script()
    assert queues.depth == 0
    for name in ("a", "b", "c"):
        queues.put(name[0], script.job(name, gated=True))
    queues.put("a", script.job("a2"))
    await script.until_started("a")
    assert queues.depth == 4
    for gate in script.gates.values():
        gate.set()
    await idle(queues)
    assert queues.depth == 0


async def test_park_lets_the_running_finish() -> None:
    """Parking waits for what runs, within its time; what waits in line is left for the next start."""
    queues, script = ThreadQueues(), Script()
    queues.put("thread", script.job("running", gated=True))
    queues.put("thread", script.job("waiting"))
    await script.until_started("running")
    parking = asyncio.create_task(queues.park(grace_s=60))
    script.gates["running"].set()
    await parking
    assert script.done == ["running"]
    assert not script.started["waiting"].is_set()


async def test_park_cuts_off_what_is_late(caplog: pytest.LogCaptureFixture) -> None:
    """What does not end within the time is cancelled, and has ended when parking has."""
    queues, script = ThreadQueues(), Script()
    cut: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cut.append("cut")

    queues.put("a", endless)
    queues.put("b", script.job("b", gated=True))
    await script.until_started("b")
    await queues.park(grace_s=0.01)
    assert cut == ["cut"]
    assert script.done == []
    assert caplog.records[-1].message == "queue.parked"
    await idle(queues)
    assert queues.depth == 0


async def test_nothing_begins_once_parked() -> None:
    """After parking has begun nothing starts: what is put is refused, and what waited for a place stays where it is."""
    queues, script = ThreadQueues(side_by_side=1), Script()
    queues.put("a", script.job("running", gated=True))
    queues.put("b", script.job("waits for a place"))
    queues.put("c", script.job("waits too"))
    await script.until_started("running")
    parking = asyncio.create_task(queues.park(grace_s=60))
    await asyncio.sleep(0)
    assert queues.put("d", script.job("too late")) is False
    script.gates["running"].set()
    await parking
    assert script.done == ["running"]


async def test_park_with_nothing_to_do() -> None:
    """Parking idle queues returns at once, and may be repeated."""
    queues = ThreadQueues()
    await queues.park(grace_s=60)
    await queues.park(grace_s=60)
    await idle(queues)


async def test_a_job_that_is_waited_for() -> None:
    """Whoever runs a job in a thread's line waits for its turn and its end, and gets what it raises."""
    queues, script = ThreadQueues(), Script()
    queues.put("thread", script.job("ahead", gated=True))
    waiting = asyncio.create_task(queues.run("thread", script.job("mine")))
    await script.until_started("ahead")
    assert not waiting.done()
    script.gates["ahead"].set()
    await waiting
    assert script.done == ["ahead", "mine"]

    async def broken() -> None:
        raise LookupError("a mistake")

    with pytest.raises(LookupError, match="a mistake"):
        await queues.run("thread", broken)
    await queues.run("thread", script.job("next"))
    assert script.done[-1] == "next"


async def test_waiting_for_a_job_ends_with_the_queues() -> None:
    """Whoever waits for a job that parking cuts off, or that comes too late, does not wait for ever."""
    queues, script = ThreadQueues(), Script()
    waiting = asyncio.create_task(queues.run("thread", script.job("endless", gated=True)))
    await script.until_started("endless")
    await queues.park(grace_s=0.01)
    for task in (waiting, asyncio.create_task(queues.run("thread", script.job("late")))):
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(10):
                await task
    assert script.done == []


async def test_a_waiter_that_goes_away_leaves_its_job() -> None:
    """A job goes on when whoever waited for it is cancelled, and the line behind it, too."""
    queues, script = ThreadQueues(), Script()
    waiting = asyncio.create_task(queues.run("thread", script.job("job", gated=True)))
    await script.until_started("job")
    waiting.cancel()
    script.gates["job"].set()
    queues.put("thread", script.job("next"))
    await idle(queues)
    assert script.done == ["job", "next"]
