"""The client against a server on loopback that answers in the shapes the known servers document."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp import web

from bot.domain.actions import action_schema
from bot.domain.ports import ChatMessage, Completion
from bot.errors import PassReason
from bot.inference.remote import RemoteModel, estimate_tokens
from bot.inference.remote_http import MAX_ANSWER
from tests.support.model_server import Answer, ModelServer, answers, answers_text, hangs_up, says, says_at_once
from tests.support.remote_model import ACTION, KEY, REQUEST, passed


async def test_it_asks_for_the_schema_and_returns_the_text(server: ModelServer, model: RemoteModel) -> None:
    """The request holds the messages, the schema, no temperature and the key; the answer is the text as it came."""
    server.answers = [says(ACTION)]
    assert await model.complete(REQUEST) == ACTION
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    assert server.bodies == [
        {
            "model": "qwen2.5:0.5b",
            "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Привет"}],
            "temperature": 0,
            "max_tokens": 99,
            "stream": True,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "action", "strict": True, "schema": action_schema(["A-1"])},
            },
        }
    ]


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
async def test_base_url_with_or_without_v1(server: ModelServer, suffix: str) -> None:
    """However people write the address, the same path is asked."""
    server.answers = [says(ACTION)]
    model = RemoteModel("far", server.url + suffix, "m")
    assert await model.complete(REQUEST) == ACTION
    assert "Authorization" not in server.requests[0].headers
    await model.close()


async def test_the_connection_is_kept(server: ModelServer, model: RemoteModel) -> None:
    """Calls one after another share a connection."""
    server.answers = [says(ACTION)]
    ports = set()
    for _ in range(3):
        await model.complete(REQUEST)
        assert server.requests[-1].transport is not None
        ports.add(server.requests[-1].transport.get_extra_info("peername"))
    assert len(ports) == 1


async def test_a_server_that_knows_no_schema_is_remembered(server: ModelServer, model: RemoteModel) -> None:
    """A 400 is answered by one try with plain JSON, and when that works the schema is not offered again."""
    server.answers = [answers({"error": {"message": "response_format json_schema unsupported"}}, 400), says(ACTION)]
    assert await model.complete(REQUEST) == ACTION
    assert await model.complete(REQUEST) == ACTION
    forms = [body["response_format"]["type"] for body in server.bodies]
    assert forms == ["json_schema", "json_object", "json_object"]


async def test_a_server_that_knows_no_form_of_json_is_asked_for_text(server: ModelServer, model: RemoteModel) -> None:
    """LM Studio refuses plain JSON by name; the prompt still says the form, and the parser still checks it."""
    no_grammar = answers({"error": "this model cannot be held to a schema"}, 400)
    no_json = answers({"error": "'response_format.type' must be 'json_schema' or 'text'"}, 400)
    server.answers = [no_grammar, no_json, says(ACTION)]
    assert await model.complete(REQUEST) == ACTION
    assert await model.complete(REQUEST) == ACTION
    forms = [body.get("response_format", {}).get("type") for body in server.bodies]
    assert forms == ["json_schema", "json_object", None, None]


async def test_a_400_of_another_reason_is_not_remembered(server: ModelServer, model: RemoteModel) -> None:
    """A prompt too long for the server says nothing about what forms it knows."""
    too_long = {"error": {"code": 400, "message": "the request exceeds the context", "type": "exceed_context_size"}}
    server.answers = [answers(too_long, 400), answers(too_long, 400), says(ACTION)]
    assert (await passed(model)).reason is PassReason.INVALID
    assert await model.complete(REQUEST) == ACTION
    assert [body["response_format"]["type"] for body in server.bodies] == ["json_schema", "json_object", "json_schema"]


@pytest.mark.parametrize(
    ("answer", "reason", "said"),
    [
        (answers({"error": {"message": "Incorrect API key provided"}}, 401), PassReason.UNAVAILABLE, "Incorrect API"),
        (answers({"detail": "Forbidden"}, 403), PassReason.UNAVAILABLE, "Forbidden"),
        (answers({"error": {"message": "model 'x' not found"}}, 404), PassReason.UNAVAILABLE, "model 'x' not found"),
        (answers({"error": "model not loaded"}, 404), PassReason.UNAVAILABLE, "model not loaded"),
        (answers({"object": "error", "message": "no model"}, 404), PassReason.UNAVAILABLE, "no model"),
        (answers({"error": {"message": "Rate limit"}}, 429), PassReason.BUSY, "Rate limit"),
        (answers({"error": {"message": "Loading model", "code": 503}}, 503), PassReason.BUSY, "Loading model"),
        (answers({"detail": [{"msg": "bad"}]}, 422), PassReason.INVALID, "422"),
        (answers_text("<html>Bad gateway</html>", 502), PassReason.BROKEN, "answered 502"),
        (answers_text("boom\n\n at line\x1b[31m 3", 500), PassReason.BROKEN, "boom at line"),
        (answers_text("", 500), PassReason.BROKEN, "answered 500"),
        (answers_text("", 302, Location="http://example.org/"), PassReason.UNAVAILABLE, "redirects (302)"),
        (answers_text("not JSON"), PassReason.INVALID, "not JSON"),
        (answers_text("[" * 100_000), PassReason.INVALID, "not JSON"),
        (answers([1, 2]), PassReason.INVALID, "no choice"),
        (answers({"choices": []}), PassReason.INVALID, "no choice"),
        (answers({"choices": [7]}), PassReason.INVALID, "no choice"),
        (answers({"choices": [{"message": "hi"}]}), PassReason.INVALID, "no choice"),
        (says_at_once(None, refusal="no"), PassReason.INVALID, "empty"),
        (says_at_once('{"action":', finish="length"), PassReason.INVALID, "cut off"),
        (says(None, refusal="no"), PassReason.INVALID, "empty"),
        (says("  "), PassReason.INVALID, "empty"),
        (says([{"type": "text"}]), PassReason.INVALID, "empty"),
        (says('{"action":', finish="length"), PassReason.INVALID, "cut off"),
        (answers_text("x" * (MAX_ANSWER + 1)), PassReason.INVALID, "longer than"),
        (hangs_up, PassReason.BROKEN, "connection broke"),
    ],
)
async def test_every_failure_has_its_reason(
    server: ModelServer, model: RemoteModel, answer: Answer, reason: PassReason, said: str
) -> None:
    """What a server may do wrong ends in a reason and a short line of its own words, and the next call works."""
    server.answers = [answer]
    why = await passed(model)
    assert why.reason is reason
    assert said in why.detail
    assert len(why.detail) < 300
    assert why.detail.isprintable()
    server.answers = [says(ACTION)]
    assert await model.complete(REQUEST) == ACTION


async def test_the_key_is_not_repeated(server: ModelServer, model: RemoteModel) -> None:
    """A server that quotes the key does not get it into our logs."""
    server.answers = [answers({"error": {"message": f"bad key {KEY}"}}, 401)]
    why = await passed(model)
    assert KEY not in str(why)
    assert "[key]" in why.detail


async def test_a_connection_closed_meanwhile_is_made_anew(server: ModelServer, model: RemoteModel) -> None:
    """A kept connection that the server gave up costs a second try, not the turn."""
    server.answers = [says(ACTION), hangs_up, says(ACTION)]
    assert await model.complete(REQUEST) == ACTION
    assert await model.complete(REQUEST) == ACTION
    assert len(server.bodies) == 3


def unused_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}", "no address", "ftp://127.0.0.1:{port}"])
async def test_a_server_that_is_not_there(address: str) -> None:
    """Nobody at the address, or no address at all, means unavailable, and `problem` says what to correct."""
    model = RemoteModel("far", address.format(port=unused_port()), "m")
    assert (await passed(model)).reason is PassReason.UNAVAILABLE
    problem = await model.problem()
    assert problem is not None
    assert "'base_url'" in problem
    await model.close()


async def test_a_slow_server_is_slow(server: ModelServer) -> None:
    """Its own limit ends a request whose caller set none."""
    release = asyncio.Event()

    async def waits(request: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    server.answers = [waits]
    model = RemoteModel("far", server.url, "m", timeout_s=0.05)
    assert (await passed(model)).reason is PassReason.SLOW
    release.set()
    await model.close()


async def test_a_cancelled_call_ends_the_request(server: ModelServer, model: RemoteModel) -> None:
    """Who stops waiting stops the server's work as well: the connection is closed."""
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def waits(request: web.Request) -> web.StreamResponse:
        arrived.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        return web.Response()

    server.answers = [waits]
    call = asyncio.create_task(model.complete(REQUEST))
    await arrived.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.wait_for(gone.wait(), 10)


async def test_lone_surrogates_are_sent_as_question_marks(server: ModelServer, model: RemoteModel) -> None:
    """A broken letter of a customer's does not break the request."""
    server.answers = [says(ACTION)]
    await model.complete(Completion((ChatMessage("user", "a\ud800b\0"),), {}))
    assert server.bodies[0]["messages"][0]["content"] == "a?b\0"


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        (answers({"object": "list", "data": [{"id": "qwen2.5:0.5b"}, {"id": "other"}]}), None),
        (answers({"data": [{"id": "qwen2.5:0.5b:latest"}]}), None),
        (answers({"data": [{"id": "other"}]}), "'other'"),
        (answers({"data": []}), "lists none"),
        (answers({"hello": "world"}), "OpenAI-compatible"),
        (answers_text("<html>"), "OpenAI-compatible"),
        (answers({"error": {"message": "no key"}}, 401), "no key"),
        (answers({"error": {"message": "Loading model"}}, 503), "Loading model"),
    ],
)
async def test_problem_names_what_is_wrong(
    server: ModelServer, model: RemoteModel, listed: Answer, problem: str | None
) -> None:
    """The list of models tells whether this one is there, under its own name or with Ollama's ':latest'."""
    server.models = listed
    found = await model.problem()
    assert (found is None) if problem is None else (found is not None and problem in found)


async def test_close_is_enough_and_may_be_repeated(server: ModelServer, model: RemoteModel) -> None:
    """Nothing stays open after it, and closing what was never used is no mistake."""
    server.answers = [says(ACTION)]
    await model.complete(REQUEST)
    await model.close()
    await model.close()


@pytest.mark.parametrize(
    "text", ["", "order", "ORD20241112001", "查询订单号的状态", "मेरा ऑर्डर", "أين طلبي؟", "👩‍💻", "\ud800", "a  b\n\n"]
)
async def test_tokens_are_estimated_from_above(text: str) -> None:
    """Never less than a byte-level tokenizer could need: every byte of what is not a plain word counts."""
    spelled = [c for c in text if not (c.isascii() and (c.isalpha() or c == " "))]
    floor = len("".join(spelled).encode("utf-8", "replace"))
    assert await RemoteModel("far", "http://127.0.0.1", "m").count_tokens(text) == estimate_tokens(text)
    assert floor <= estimate_tokens(text) <= len(text.encode("utf-8", "replace"))


def test_estimates_of_long_texts_are_not_absurd() -> None:
    """Plain English is not counted by the letter: a budget for twenty messages holds twenty."""
    assert estimate_tokens("cancel my last order please") == 14
