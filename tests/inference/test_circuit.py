"""The circuit breaker, with a clock that is set by hand."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import PassReason, TierPassed
from bot.inference.circuit import FAILURES, FIRST_PAUSE_S, LONGEST_PAUSE_S, Circuit, ServerFailed


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def answers(circuit: Circuit) -> None:
    """Make a call that succeeds."""
    with circuit.call():
        pass


def fails(circuit: Circuit) -> None:
    """Make a call that the server fails."""
    with pytest.raises(ServerFailed), circuit.call():
        raise ServerFailed(PassReason.BROKEN, "boom")


def refused(circuit: Circuit) -> bool:
    """Return whether a call would be refused."""
    try:
        circuit.check()
    except TierPassed as passed:
        return passed.reason is PassReason.UNAVAILABLE
    return False


def opened(clock: Clock) -> Circuit:
    """Return a circuit that has just opened."""
    circuit = Circuit("far", clock)
    for _ in range(FAILURES):
        fails(circuit)
    return circuit


def test_an_answer_between_failures_starts_the_count_anew() -> None:
    """Only failures in a row open it, however many there were."""
    circuit = Circuit("far", Clock())
    for _ in range(5):
        for _ in range(FAILURES - 1):
            fails(circuit)
        assert not refused(circuit)
        answers(circuit)


def test_each_failed_probe_doubles_the_pause_up_to_a_cap() -> None:
    """A server that stays down is asked less and less often, but never given up."""
    clock, pauses = Clock(), []
    circuit = opened(clock)
    for _ in range(10):
        began = clock.now
        while refused(circuit):
            clock.now += FIRST_PAUSE_S
        pauses.append(clock.now - began)
        fails(circuit)
        assert refused(circuit)
    assert pauses[:4] == [FIRST_PAUSE_S * n for n in (1, 2, 4, 8)]
    assert pauses[-3:] == [LONGEST_PAUSE_S] * 3
    assert circuit.state() == f"it failed {FAILURES + 10} times in a row (boom) and is tried again in 300 s"


def test_one_call_is_the_probe_and_the_others_are_refused_meanwhile() -> None:
    """A server that has just come back is not met by everybody at once; the probe's success opens the way."""
    clock = Clock()
    circuit = opened(clock)
    clock.now += FIRST_PAUSE_S
    assert "with the next message" in circuit.state()
    with circuit.call():
        assert refused(circuit)
    assert not refused(circuit)
    assert circuit.state() == ""
    for _ in range(FAILURES - 1):
        fails(circuit)
    assert not refused(circuit)


@pytest.mark.parametrize("end", [asyncio.CancelledError, GeneratorExit])
def test_a_probe_that_was_cancelled_leaves_the_way_to_the_next(end: type[BaseException]) -> None:
    """A customer who goes away proves nothing, and must not keep the circuit open for ever."""
    clock = Clock()
    circuit = opened(clock)
    clock.now += FIRST_PAUSE_S
    with pytest.raises(end), circuit.call():
        raise end
    assert not refused(circuit)
    assert circuit.state() != ""
    fails(circuit)
    clock.now += 2 * FIRST_PAUSE_S - 1
    assert refused(circuit)


def test_calls_from_before_it_opened_do_not_lengthen_the_pause() -> None:
    """Of many calls under way when a server dies each fails, and they count as one."""
    clock = Clock()
    circuit = Circuit("far", clock)

    def fail_together(calls: int) -> None:
        with circuit.call():
            if calls > 1:
                with suppress(ServerFailed):
                    fail_together(calls - 1)
            raise ServerFailed(PassReason.BROKEN, "boom")

    with suppress(ServerFailed):
        fail_together(FAILURES + 5)
    assert refused(circuit)
    clock.now += FIRST_PAUSE_S
    assert not refused(circuit)


@given(st.lists(st.sampled_from(["answers", "fails", "waits"]), max_size=60))
def test_whatever_happens_a_server_that_answers_again_is_used_again(steps: list[str]) -> None:
    """From any history, the longest pause and one good answer close it."""
    clock = Clock()
    circuit = Circuit("far", clock)
    for step in steps:
        if step == "waits":
            clock.now += FIRST_PAUSE_S
        elif not refused(circuit):
            (answers if step == "answers" else fails)(circuit)
    clock.now += LONGEST_PAUSE_S
    answers(circuit)
    assert circuit.state() == ""
