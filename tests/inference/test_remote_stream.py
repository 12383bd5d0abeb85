"""Answers that come token by token, and what may go wrong in the middle of one."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from aiohttp import web

from bot.domain.ports import ChatMessage
from bot.errors import PassReason, TierPassed
from bot.inference.remote import RemoteModel
from bot.inference.remote_http import MAX_ANSWER
from tests.support.model_server import CUT, END, Answer, ModelServer, answers, chunk, event, says_at_once, streams
from tests.support.remote_model import ACTION, KEY, REQUEST, passed

SMALL_TALK = (ChatMessage("user", "How are you?"),)
HELLO = chunk({"content": "Hello"})


async def said(model: RemoteModel) -> list[str]:
    """Return the pieces of a text."""
    return [piece async for piece in model.stream(SMALL_TALK, 20)]


async def test_text_comes_piece_by_piece(server: ModelServer, model: RemoteModel) -> None:
    """A piece is there before the server has the next one; what is asked for is text, of no form."""
    more = asyncio.Event()
    server.answers = [streams(HELLO, more, chunk({"content": " there"}), chunk({}, "stop"), END)]
    async with aclosing(model.stream(SMALL_TALK, 20)) as pieces:
        assert await anext(pieces) == "Hello"
        more.set()
        assert [piece async for piece in pieces] == [" there"]
    assert (server.bodies[0]["stream"], server.bodies[0]["max_tokens"]) == (True, 20)
    assert "response_format" not in server.bodies[0]


async def test_text_ends_at_the_limit_of_tokens(server: ModelServer, model: RemoteModel) -> None:
    """A text that was cut off at its limit is what was asked for, unlike an action."""
    server.answers = [streams(HELLO, chunk({}, "length"), END)]
    assert await said(model) == ["Hello"]


async def test_a_server_that_does_not_stream_serves_all_the_same(server: ModelServer, model: RemoteModel) -> None:
    """An answer in one piece is one piece."""
    server.answers = [says_at_once(ACTION)]
    assert await said(model) == [ACTION]
    assert await model.complete(REQUEST) == ACTION


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 64])
async def test_any_cut_of_the_bytes_gives_the_same_text(server: ModelServer, model: RemoteModel, cut: int) -> None:
    """Networks cut a stream anywhere, in the middle of a letter too."""
    whole = (
        chunk({"content": "Привет"}) + b": ping\r\n\r\n" + chunk({"content": " 👩‍💻"}, "stop").replace(b"\n", b"\r\n")
    )
    data = whole + END
    server.answers = [streams(*(data[start : start + cut] for start in range(0, len(data), cut)))]
    assert "".join(await said(model)) == "Привет 👩‍💻"


@pytest.mark.parametrize(
    "noise",
    [
        chunk({"role": "assistant", "content": None}),
        chunk({"reasoning_content": "Let me think."}),
        chunk({"reasoning": "Let me think."}),
        event({"choices": [], "usage": {"prompt_tokens": 9}}),
        event({"object": "chat.completion.chunk", "usage": {"prompt_tokens": 9}}),
        b": ping\n\n",
        b"event: message\nid: 7\nretry: 10\n\n",
    ],
    ids=["role", "thought", "Ollama's thought", "usage", "usage alone", "comment", "other fields"],
)
async def test_what_is_no_text_is_passed_over(server: ModelServer, model: RemoteModel, noise: bytes) -> None:
    """Roles, thoughts, counts and signs of life are no part of the answer, wherever they stand."""
    server.answers = [streams(noise, chunk({"content": ACTION}), noise, chunk({}, "stop"), noise, END)]
    assert await model.complete(REQUEST) == ACTION


@pytest.mark.parametrize("last", [END, b""], ids=["with [DONE] only", "with a reason only"])
async def test_an_end_is_known_by_either_of_its_signs(server: ModelServer, model: RemoteModel, last: bytes) -> None:
    """Some servers send no [DONE] and some no reason to finish; one of them is enough."""
    server.answers = [streams(chunk({"content": ACTION}, None if last else "stop"), last)]
    assert await model.complete(REQUEST) == ACTION


@pytest.mark.parametrize(
    ("answer", "reason", "detail"),
    [
        (streams(HELLO), PassReason.BROKEN, "broke off"),
        (streams(HELLO, CUT), PassReason.BROKEN, "connection broke"),
        (streams(HELLO, b"data: {"), PassReason.BROKEN, "broke off"),
        (streams(HELLO, b"data: {\n\n"), PassReason.INVALID, "not JSON"),
        (streams(HELLO, event([1])), PassReason.INVALID, "no choice"),
        (streams(HELLO, event({"error": {"code": 500, "message": "Compute error."}})), PassReason.BROKEN, "Compute"),
        (streams(HELLO, event({"error": "out of memory"}), END), PassReason.BROKEN, "out of memory"),
        (streams(HELLO, event({"object": "error", "message": "dead"}), END), PassReason.BROKEN, "dead"),
        (streams(event({"error": {"code": 400, "message": "too long"}}), END), PassReason.INVALID, "too long"),
        (streams(event({"error": {"code": 429, "message": "later"}}), END), PassReason.BUSY, "later"),
        (streams(event({"error": {"code": "x", "message": f"key {KEY}"}})), PassReason.BROKEN, "key [key]"),
        (streams(chunk({"content": "x" * (MAX_ANSWER + 1)})), PassReason.INVALID, "longer than"),
        (streams(END), PassReason.INVALID, "empty"),
        (streams(HELLO, chunk({}, "length"), END), PassReason.INVALID, "cut off"),
    ],
)
async def test_every_failure_in_the_middle_has_its_reason(
    server: ModelServer, model: RemoteModel, answer: Answer, reason: PassReason, detail: str
) -> None:
    """Half an answer is never taken for a whole one, and the next call works."""
    server.answers = [answer]
    why = await passed(model)
    assert why.reason is reason
    assert detail in why.detail
    server.answers = [streams(chunk({"content": ACTION}, "stop"), END)]
    assert await model.complete(REQUEST) == ACTION


async def test_a_text_that_breaks_off_says_so_after_its_pieces(server: ModelServer, model: RemoteModel) -> None:
    """What came is kept by whoever took it, and the failure follows."""
    server.answers = [streams(HELLO, CUT)]
    pieces = model.stream(SMALL_TALK, 20)
    assert await anext(pieces) == "Hello"
    with pytest.raises(TierPassed) as caught:
        await anext(pieces)
    assert caught.value.reason is PassReason.BROKEN


async def test_no_text_at_all_is_invalid(server: ModelServer, model: RemoteModel) -> None:
    """A model that only thinks, or says nothing, has not answered."""
    server.answers = [streams(chunk({"reasoning_content": "Hm."}), chunk({}, "stop"), END)]
    with pytest.raises(TierPassed) as caught:
        await said(model)
    assert (caught.value.reason, caught.value.detail) == (PassReason.INVALID, "its answer is empty")


async def test_silence_between_tokens_is_slow(server: ModelServer) -> None:
    """A server that hangs after its first token is given up long before the whole time is over, pings or not."""
    never = asyncio.Event()
    server.answers = [streams(HELLO, b": ping\n\n", never)]
    model = RemoteModel("far", server.url, "m", timeout_s=600, quiet_s=0.05)
    why = await passed(model)
    assert (why.reason, why.detail) == (PassReason.SLOW, "it fell silent in the middle of its answer")
    never.set()
    await model.close()


async def test_before_the_first_token_only_the_whole_time_counts(server: ModelServer) -> None:
    """A model may have to be loaded first, and a long prompt read: that is not silence, even after the role."""
    go = asyncio.Event()
    server.models = answers({"data": [{"id": "m"}]})
    server.answers = [streams(chunk({"role": "assistant"}), go, chunk({"content": ACTION}, "stop"), END)]
    model = RemoteModel("far", server.url, "m", timeout_s=600, quiet_s=0.0)
    call = asyncio.create_task(model.complete(REQUEST))
    await server.asked(1)
    # No silence is allowed at all; a wait under that limit would be over by the time another request is answered.
    assert await model.problem() is None
    go.set()
    assert await call == ACTION
    await model.close()


async def test_an_answer_that_never_ends_is_slow(server: ModelServer) -> None:
    """Tokens that go on and on end with the whole time."""

    async def babbles(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        while True:
            await response.write(chunk({"content": ""}))
            await asyncio.sleep(0)

    server.answers = [babbles]
    model = RemoteModel("far", server.url, "m", timeout_s=0.2)
    why = await passed(model)
    assert (why.reason, why.detail) == (PassReason.SLOW, "no whole answer within 0.2 s")
    await model.close()


async def test_who_stops_listening_stops_the_server(server: ModelServer, model: RemoteModel) -> None:
    """A text that is not read to its end closes its connection, at which servers stop."""
    gone = asyncio.Event()

    async def goes_on(request: web.Request) -> web.StreamResponse:
        try:
            return await streams(HELLO, asyncio.Event())(request)
        finally:
            gone.set()

    server.answers = [goes_on]
    async with aclosing(model.stream(SMALL_TALK, 20)) as pieces:
        assert await anext(pieces) == "Hello"
    await asyncio.wait_for(gone.wait(), 10)


async def test_a_stream_that_was_read_keeps_its_connection(server: ModelServer, model: RemoteModel) -> None:
    """One connection serves streams one after another."""
    server.answers = [streams(chunk({"content": ACTION}, "stop"), END)]
    ports = set()
    for _ in range(3):
        await model.complete(REQUEST)
        ports.add(server.peers[-1])
    assert len(ports) == 1
