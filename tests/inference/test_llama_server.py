"""The client against a real llama-server: what only a real one can show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.actions import parse_action
from bot.domain.ports import ChatMessage
from bot.errors import PassReason, TierPassed
from bot.inference.circuit import FAILURES, FIRST_PAUSE_S
from bot.inference.embedded import SHIPPED
from bot.inference.remote import RemoteModel
from tests.support import stand_in
from tests.support.llama_server import NAME, LlamaServer, llama_server
from tests.support.model_contract import CANDIDATES, LONG, ask

HELLO = (ChatMessage("user", "Hello!"),)
FREED = r"stop processing"
"""What llama-server says of a slot once it is free again."""


@pytest.fixture
async def server(free_port: Callable[[], int]) -> AsyncIterator[LlamaServer]:
    """A server of the model that ships."""
    async with llama_server(SHIPPED, free_port()) as server:
        yield server


@pytest.fixture
async def model(server: LlamaServer) -> AsyncIterator[RemoteModel]:
    """A client of it."""
    model = RemoteModel("far", server.url, NAME, wait_s=60)
    yield model
    await model.close()


@pytest.fixture
async def babbler(tmp_path: Path, free_port: Callable[[], int]) -> AsyncIterator[LlamaServer]:
    """A server of random weights, which never come to an end; whoever keeps its one slot keeps it from all others."""
    async with llama_server(stand_in.make(tmp_path / "stand_in.gguf"), free_port(), slots=1) as server:
        yield server


@pytest.fixture
async def talk(babbler: LlamaServer) -> AsyncIterator[RemoteModel]:
    """A client of the babbler."""
    model = RemoteModel("far", babbler.url, NAME, wait_s=60)
    yield model
    await model.close()


async def reason_of(model: RemoteModel) -> TierPassed:
    """Return why the model passed."""
    with pytest.raises(TierPassed) as caught:
        await model.complete(ask("hello"))
    return caught.value


async def said(model: RemoteModel) -> list[str]:
    """Return a short text."""
    return [piece async for piece in model.stream(HELLO, 8)]


async def test_a_text_left_unread_frees_its_slot(babbler: LlamaServer, talk: RemoteModel) -> None:
    """The server stops in the middle of a text of thousands of tokens, and has its only slot for the next one."""
    since = len(babbler.lines)
    async with aclosing(talk.stream(HELLO, 8000)) as pieces:
        await anext(pieces)
    await babbler.says("cancel task", since)
    await babbler.says(FREED, since)
    assert await said(talk)


@pytest.mark.parametrize("prompt", ["hello", "x" * 7000], ids=["while it writes", "while it reads"])
async def test_a_cancelled_call_frees_its_slot(babbler: LlamaServer, talk: RemoteModel, prompt: str) -> None:
    """A customer whose time is up costs the server nothing more, wherever it is."""
    since = len(babbler.lines)
    call = asyncio.create_task(talk.complete(replace(LONG, messages=(ChatMessage("user", prompt),))))
    await babbler.says("processing task", since)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await babbler.says("cancel task", since)
    await babbler.says(FREED, since)
    assert await said(talk)


async def test_the_time_limit_frees_the_slot(babbler: LlamaServer) -> None:
    """An answer over its time is slow, and no longer written."""
    model = RemoteModel("far", babbler.url, NAME, timeout_s=0.1)
    since = len(babbler.lines)
    with pytest.raises(TierPassed) as caught:
        await model.complete(LONG)
    assert caught.value.reason is PassReason.SLOW
    await babbler.says(FREED, since)
    await model.close()


async def test_a_model_that_writes_nonsense_is_broken(talk: RemoteModel) -> None:
    """llama-server reads what its model writes, and tells in the middle of the stream that it cannot."""
    reasons = set()
    for number in range(20):
        try:
            await talk.complete(ask(f"{number}"))
        except TierPassed as passed:
            reasons.add((passed.reason, passed.detail))
    nonsense = "it failed in the middle of its answer: The model produced output that does not match"
    assert [reason for reason, detail in reasons if detail.startswith(nonsense)] == [PassReason.BROKEN]


async def test_requests_side_by_side_use_all_slots(server: LlamaServer) -> None:
    """As many are under way at once as the server has slots, and more of them wait here, not there."""
    model = RemoteModel("far", server.url, NAME, max_concurrent=2, wait_s=60)
    answers = await asyncio.gather(*(model.complete(ask(f"number {n}", message=40)) for n in range(6)))
    assert all(parse_action(raw, CANDIDATES) for raw in answers)
    await server.says(r"id +0 .*" + FREED)
    await server.says(r"id +1 .*" + FREED)
    await model.close()


async def test_connections_that_it_closes_are_made_anew(server: LlamaServer, model: RemoteModel) -> None:
    """llama-server closes after every stream; questions in quick succession are each answered, and asked only once."""
    since = len(server.lines)
    for number in range(20):
        assert parse_action(await model.complete(ask(f"{number}")), CANDIDATES)
    assert sum("processing task" in line for line in server.lines[since:]) == 20


async def test_killed_in_the_middle(babbler: LlamaServer, talk: RemoteModel) -> None:
    """Half a text is told from a whole one, and nobody at the address from a server that broke."""
    pieces = talk.stream(HELLO, 8000)
    await anext(pieces)
    await babbler.kill()
    with pytest.raises(TierPassed) as caught:
        async for _ in pieces:
            pass
    assert caught.value.reason is PassReason.BROKEN
    assert (await reason_of(talk)).reason is PassReason.UNAVAILABLE
    problem = await talk.problem()
    assert problem is not None
    assert "cannot be reached" in problem
    await babbler.start()
    assert await said(talk)
    assert await talk.problem() is None


async def test_restarted_between_two_questions(server: LlamaServer, model: RemoteModel) -> None:
    """The kept connection is dead, and nobody notices."""
    assert parse_action(await model.complete(ask("hello")), CANDIDATES)
    await server.kill()
    await server.start()
    assert parse_action(await model.complete(ask("hello")), CANDIDATES)


async def test_the_circuit_opens_and_closes(server: LlamaServer) -> None:
    """A server that is gone is not called for a while, even once it is back; then one call finds it."""
    now = [1000.0]
    model = RemoteModel("far", server.url, NAME, clock=lambda: now[0])
    await server.kill()
    for _ in range(FAILURES):
        assert "cannot be reached" in (await reason_of(model)).detail
    await server.start()
    assert "3 times in a row" in (await reason_of(model)).detail
    problem = await model.problem()
    assert problem is not None
    assert "lists its model again" in problem
    now[0] += FIRST_PAUSE_S
    assert parse_action(await model.complete(ask("hello")), CANDIDATES)
    assert await model.problem() is None
    await model.close()


async def test_a_prompt_over_the_context_is_refused_in_the_servers_words(
    server: LlamaServer, model: RemoteModel
) -> None:
    """It is the question's fault, so that the server is not left alone however often it happens."""
    for _ in range(FAILURES + 1):
        with pytest.raises(TierPassed) as caught:
            await model.complete(ask("x" * 20_000))
        assert caught.value.reason is PassReason.INVALID
        assert "context size" in caught.value.detail
    assert parse_action(await model.complete(ask("hello")), CANDIDATES)


async def test_another_name_for_its_model_is_a_problem(server: LlamaServer) -> None:
    """The name that the server knows is named."""
    model = RemoteModel("far", server.url, "qwen")
    problem = await model.problem()
    assert problem is not None
    assert f"one of {NAME!r}" in problem
    await model.close()
