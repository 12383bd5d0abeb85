"""How many requests a server gets at once, when it is left alone, and what closing does."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing

import pytest

from bot.domain.ports import ChatMessage
from bot.errors import PassReason, TierPassed
from bot.inference.circuit import FAILURES, FIRST_PAUSE_S
from bot.inference.remote import RemoteModel
from tests.support.model_server import CUT, END, Answer, ModelServer, answers, chunk, says, streams
from tests.support.remote_model import ACTION, REQUEST, passed

MODELS = answers({"data": [{"id": "m"}]})
DOWN = answers({"error": {"message": "no memory"}}, 500)


async def test_no_more_at_once_than_allowed(server: ModelServer) -> None:
    """Requests over the number wait, and go as soon as one before them ends."""
    go = asyncio.Event()
    server.answers = [streams(go, chunk({"content": ACTION}, "stop"), END)]
    model = RemoteModel("far", server.url, "m", max_concurrent=3, wait_s=600)
    calls = [asyncio.create_task(model.complete(REQUEST)) for _ in range(8)]
    await server.asked(3)
    go.set()
    assert await asyncio.gather(*calls) == [ACTION] * 8
    assert (server.most_at_once, len(server.bodies)) == (3, 8)
    await model.close()


async def test_who_waits_too_long_for_a_turn_passes_as_busy(server: ModelServer) -> None:
    """The next tier answers rather than nobody, and the reason says how many are under way."""
    go = asyncio.Event()
    server.answers = [streams(go, chunk({"content": ACTION}, "stop"), END)]
    model = RemoteModel("far", server.url, "m", max_concurrent=1, wait_s=0.05)
    first = asyncio.create_task(model.complete(REQUEST))
    await server.asked(1)
    why = await passed(model)
    assert (why.reason, why.detail) == (
        PassReason.BUSY,
        "it has 1 requests at once already; none ended within 0.05 s",
    )
    go.set()
    assert await first == ACTION
    assert await model.complete(REQUEST) == ACTION
    await model.close()


async def test_whatever_ends_a_call_gives_its_turn_back(server: ModelServer) -> None:
    """After cancels, failures, broken streams and texts left unread there is still a turn for everyone."""
    model = RemoteModel("far", server.url, "m", max_concurrent=1, wait_s=0.05)
    never, talk = asyncio.Event(), (ChatMessage("user", "hi"),)
    for answer in (answers({}, 400), streams(chunk({"content": "x"}), CUT), says("", "length")):
        server.answers = [answer]
        await passed(model)
    server.answers = [streams(chunk({"content": "x"}), never)]
    async with aclosing(model.stream(talk, 9)) as pieces:
        await anext(pieces)
    seen = len(server.bodies)
    call = asyncio.create_task(model.complete(REQUEST))
    await server.asked(seen + 1)
    call.cancel()
    await asyncio.wait({call})
    server.answers = [says(ACTION)]
    assert await model.complete(REQUEST) == ACTION
    never.set()
    await model.close()


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_server_that_keeps_failing_is_left_alone(server: ModelServer, caplog: pytest.LogCaptureFixture) -> None:
    """After failures in a row it is not asked for a while, /healthz says so, and one answer brings it back."""
    clock = Clock()
    model = RemoteModel("far", server.url, "m", clock=clock)
    server.answers, server.models = [DOWN], MODELS
    with caplog.at_level(logging.INFO, "bot"):
        for _ in range(FAILURES):
            assert (await passed(model)).reason is PassReason.BROKEN
        refused = await passed(model)
        assert refused.reason is PassReason.UNAVAILABLE
        assert refused.detail == ("it failed 3 times in a row (it answered 500: no memory) and is tried again in 5 s")
        assert len(server.bodies) == FAILURES
        problem = await model.problem()
        assert problem is not None
        assert refused.detail in problem
        clock.now += FIRST_PAUSE_S
        server.answers = [says(ACTION)]
        assert await model.complete(REQUEST) == ACTION
        assert await model.problem() is None
    assert [record.getMessage() for record in caplog.records] == ["circuit.opened", "circuit.closed"]
    await model.close()


@pytest.mark.parametrize(
    ("answer", "is_failure"),
    [
        (DOWN, True),
        (answers({}, 503), True),
        (streams(chunk({"content": "x"}), CUT), True),
        (streams(chunk({"content": "x"})), True),
        (answers({}, 400), False),
        (answers({}, 401), False),
        (answers({}, 429), False),
        (says(""), False),
    ],
    ids=["500", "503", "cut", "broken off", "400", "401", "429", "empty"],
)
async def test_only_the_servers_own_failures_count(server: ModelServer, answer: Answer, is_failure: bool) -> None:
    """What is wrong with the question, the key or the answer's sense says nothing about whether the server lives."""
    model = RemoteModel("far", server.url, "m", clock=Clock())
    server.answers = [answer]
    for _ in range(FAILURES):
        await passed(model)
    server.answers = [says(ACTION)]
    if is_failure:
        assert (await passed(model)).reason is PassReason.UNAVAILABLE
    else:
        assert await model.complete(REQUEST) == ACTION
    await model.close()


async def test_a_server_over_its_time_counts_as_failed(server: ModelServer) -> None:
    """Each message would cost its customer the whole limit; after a few the next tier is asked at once."""
    never = asyncio.Event()
    server.answers = [streams(never)]
    model = RemoteModel("far", server.url, "m", timeout_s=0.05)
    for _ in range(FAILURES):
        assert (await passed(model)).reason is PassReason.SLOW
    assert (await passed(model)).reason is PassReason.UNAVAILABLE
    never.set()
    await model.close()


async def test_closing_tells_those_who_wait_and_those_who_come(server: ModelServer) -> None:
    """A call under way, one that waits for its turn and a later one all pass as unavailable."""
    never = asyncio.Event()
    server.answers = [streams(chunk({"content": "x"}), never)]
    model = RemoteModel("far", server.url, "m", max_concurrent=1, wait_s=600)
    calls = [asyncio.create_task(model.complete(REQUEST)) for _ in range(2)]
    await server.asked(1)
    await model.close()
    for call in (*calls, asyncio.create_task(model.complete(REQUEST))):
        with pytest.raises(TierPassed) as caught:
            await call
        assert (caught.value.reason, caught.value.detail) == (PassReason.UNAVAILABLE, "it is shut down")
    problem = await model.problem()
    assert problem is not None
    assert "it is shut down" in problem
    assert len(server.bodies) == 1
    never.set()
