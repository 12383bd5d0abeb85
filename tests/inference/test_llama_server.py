"""The client against a real llama-server: what only a real one can show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from bot.domain.actions import parse_action
from bot.domain.ports import ChatMessage
from bot.errors import PassReason, TierPassed
from bot.inference.circuit import FAILURES, FIRST_PAUSE_S
from bot.inference.remote import RemoteModel
from tests.support import stand_in
from tests.support.llama_server import NAME, LlamaServer, llama_server
from tests.support.model_contract import CANDIDATES, LONG, ask

HELLO = (ChatMessage("user", "Hello!"),)
FREED = r"stop processing"
"""What llama-server says of a slot once it is free again."""


@pytest.fixture
async def server(tmp_path: Path, free_port: Callable[[], int]) -> AsyncIterator[LlamaServer]:
    """A server with one slot, so that whoever keeps it keeps it from all others."""
    async with llama_server(stand_in.make(tmp_path / "stand_in.gguf"), free_port(), slots=1) as server:
        yield server


@pytest.fixture
async def model(server: LlamaServer) -> AsyncIterator[RemoteModel]:
    """A client of it."""
    model = RemoteModel("far", server.url, NAME, wait_s=60)
    yield model
    await model.close()


async def reason_of(model: RemoteModel) -> TierPassed:
    """Return why the model passed."""
    with pytest.raises(TierPassed) as caught:
        await model.complete(ask("hello"))
    return caught.value


async def test_a_text_left_unread_frees_its_slot(server: LlamaServer, model: RemoteModel) -> None:
    """The server stops in the middle of a text of thousands of tokens, and has its only slot for the next one."""
    async with aclosing(model.stream(HELLO, 8000)) as pieces:
        await anext(pieces)
        since = len(server.lines)
    await server.says("cancel task", since)
    await server.says(FREED, since)
    assert parse_action(await model.complete(ask("next")), CANDIDATES)


@pytest.mark.parametrize("prompt", ["hello", "x" * 7000], ids=["while it writes", "while it reads"])
async def test_a_cancelled_call_frees_its_slot(server: LlamaServer, model: RemoteModel, prompt: str) -> None:
    """A customer whose time is up costs the server nothing more, wherever it is."""
    since = len(server.lines)
    call = asyncio.create_task(model.complete(ask(prompt, message=1000, tokens=1000)))
    await server.says("processing task", since)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await server.says("cancel task", since)
    await server.says(FREED, since)
    assert parse_action(await model.complete(ask("next")), CANDIDATES)


async def test_the_time_limit_frees_the_slot(server: LlamaServer) -> None:
    """An answer over its time is slow, and no longer written."""
    model = RemoteModel("far", server.url, NAME, timeout_s=0.05)
    since = len(server.lines)
    with pytest.raises(TierPassed) as caught:
        await model.complete(LONG)
    assert caught.value.reason is PassReason.SLOW
    await server.says(FREED, since)
    await model.close()


async def test_requests_side_by_side_use_all_slots(tmp_path: Path, free_port: Callable[[], int]) -> None:
    """As many are under way at once as the server has slots, and more of them wait here, not there."""
    async with llama_server(stand_in.make(tmp_path / "m.gguf"), free_port(), slots=2) as server:
        model = RemoteModel("far", server.url, NAME, max_concurrent=2, wait_s=60)
        answers = await asyncio.gather(*(model.complete(ask(f"number {n}", message=40)) for n in range(6)))
        assert all(parse_action(raw, CANDIDATES) for raw in answers)
        await server.says(r"id +0 .*" + FREED)
        await server.says(r"id +1 .*" + FREED)
        await model.close()


def connections(port: int) -> set[str]:
    """Return this machine's ends of the open connections to a port on loopback."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    established = "01"
    return {mine for _, mine, theirs, state, *_ in rows if theirs.endswith(f":{port:04X}") and state == established}


async def test_one_connection_is_kept(server: LlamaServer, model: RemoteModel) -> None:
    """Actions, texts and looks, one after another, go through the same connection."""
    seen = []
    for _ in range(3):
        await model.complete(ask("hello"))
        seen.append(connections(server.port))
        assert [piece async for piece in model.stream(HELLO, 8)]
        seen.append(connections(server.port))
        assert await model.problem() is None
        seen.append(connections(server.port))
    assert len(seen[0]) == 1
    assert all(found == seen[0] for found in seen)


async def test_killed_in_the_middle_and_started_again(server: LlamaServer, model: RemoteModel) -> None:
    """Half a text is told from a whole one, nobody at the address from a broken one, and a new start is found."""
    pieces = model.stream(HELLO, 8000)
    await anext(pieces)
    await server.kill()
    with pytest.raises(TierPassed) as caught:
        async for _ in pieces:
            pass
    assert caught.value.reason is PassReason.BROKEN
    assert (await reason_of(model)).reason is PassReason.UNAVAILABLE
    problem = await model.problem()
    assert problem is not None
    assert "cannot be reached" in problem
    await server.start()
    assert parse_action(await model.complete(ask("hello")), CANDIDATES)
    assert await model.problem() is None


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
