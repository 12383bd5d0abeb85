from __future__ import annotations

import asyncio
import threading

import pytest

from bot.inference.decoding import TooLong, shared_prefix, write
from bot.inference.worker import Closed, Worker


async def test_work_is_done_in_one_thread_in_order() -> None:
    """What is given at once runs one after another, first come first served, in the same thread."""
    worker, done = Worker("w"), []

    def work(number: int) -> str:
        done.append(number)
        return threading.current_thread().name

    names = await asyncio.gather(*(worker.do(lambda _, number=number: work(number)) for number in range(20)))
    assert done == list(range(20))
    assert len(set(names)) == 1
    assert names[0] != threading.current_thread().name
    await worker.close(lambda: None)


async def test_a_cancelled_caller_stops_running_work_and_drops_waiting_work() -> None:
    """The running one sees its event, the waiting one is never begun, and the next is done."""
    worker, begun, ended, ran = Worker("w"), threading.Event(), threading.Event(), []

    def long(stop: threading.Event) -> None:
        begun.set()
        assert stop.wait(10)
        ended.set()

    running = asyncio.create_task(worker.do(long))
    waiting = asyncio.create_task(worker.do(lambda _: ran.append("waiting")))
    await asyncio.to_thread(begun.wait, 10)
    waiting.cancel()
    running.cancel()
    await asyncio.gather(running, waiting, return_exceptions=True)
    assert await worker.do(lambda _: "next") == "next"
    assert ended.is_set()
    assert ran == []
    await worker.close(lambda: None)


async def test_closing_stops_what_runs_and_does_the_last_thing_last() -> None:
    """The last work runs after what ran, in the same thread, once; afterwards nothing is taken."""
    worker, begun, order = Worker("w"), threading.Event(), []

    def long(stop: threading.Event) -> None:
        begun.set()
        assert stop.wait(10)
        order.append("long")

    running = asyncio.create_task(worker.do(long))
    await asyncio.to_thread(begun.wait, 10)
    await worker.close(lambda: order.append("last"))
    await worker.close(lambda: order.append("twice"))
    await running
    assert order == ["long", "last"]
    with pytest.raises(Closed):
        await worker.do(lambda _: None)


class Script:
    """A matcher and reader in one: forces 1 2, lets one be chosen, forces 4, and is done."""

    def __init__(self) -> None:
        self.steps = [[1, 2], [4]]
        self.read_in: list[list[int]] = []
        self.accepted: list[int] = []

    @property
    def done(self) -> bool:
        return not self.steps

    def forced(self) -> list[int]:
        return self.steps.pop(0)

    def mask(self) -> bytes:
        return b"\x08"

    def accept(self, tokens: list[int]) -> None:
        self.accepted += tokens

    def read(self, tokens: list[int]) -> None:
        self.read_in.append(list(tokens))

    def best(self, mask: bytes) -> int:
        return mask[0].bit_length() - 1


def test_forced_tokens_are_read_with_the_prompt_and_the_last_ones_not_at_all() -> None:
    """One batch for the prompt and what must follow it; nothing is decoded that nobody reads on from."""
    script = Script()
    assert write(script, [7, 8], script, 10) == [1, 2, 3, 4]
    assert script.read_in == [[7, 8, 1, 2]]
    assert script.accepted == [3]


def test_the_limit_holds_for_forced_tokens_as_well() -> None:
    """An answer that is not done at its limit is an error, before anything more is read."""
    script = Script()
    with pytest.raises(TooLong, match="longer than 2 tokens"):
        write(script, [7], script, 2)
    assert script.read_in == []


@pytest.mark.parametrize(
    ("held", "wanted", "shared"),
    [([], [1], 0), ([1, 2], [1, 2, 3], 2), ([1, 2, 3], [1, 2, 3], 2), ([1, 9], [1, 2], 1), ([1, 2, 3], [1], 0)],
)
def test_the_last_token_is_always_read_again(held: list[int], wanted: list[int], shared: int) -> None:
    """As much is kept as is the same, but never all of the prompt."""
    assert shared_prefix(held, wanted) == shared
