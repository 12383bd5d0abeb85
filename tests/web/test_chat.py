"""The REST chat over real HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import logging

import pytest

from bot.domain.chat import ChatAnswer, ChatText
from bot.domain.model import Author
from bot.errors import StoreFull
from bot.web.application import Limits
from tests.support.fake_chat import AUTH, KEY, ORDER_ANSWER, FakeChat, client, deps, events

STREAM = {**AUTH, "Accept": "text/event-stream"}


async def test_small_talk_is_of_type_text() -> None:
    """An answer without an action has exactly the contract's fields, with data null."""
    async with client() as http:
        answer = await http.post("/v1/chat", json={"message": "hi"}, headers=AUTH)
        assert answer.status == 200
        assert answer.content_type == "application/json"
        assert await answer.json() == {
            "thread": "t1",
            "type": "text",
            "content": "Hello! How may I help?",
            "data": None,
            "raw": "",
            "tier": "rules",
            "latency_ms": {"total": 1.5},
        }


async def test_an_action_is_of_type_json() -> None:
    """An answer with an action for code carries it in data and says type json."""
    async with client(deps(FakeChat(ORDER_ANSWER))) as http:
        body = await (await http.post("/v1/chat", json={"message": "order?"}, headers=AUTH)).json()
    assert body["type"] == "json"
    assert body["data"] == {
        "action": "query_order",
        "order_id": "ORD20241112001",
        "response_type": "json",
        "message": "",
    }
    assert body["latency_ms"] == {"understand": 12.346, "total": 20.0}


async def test_the_chat_sees_the_request_in_its_own_words() -> None:
    """Thread, history and language arrive, and the caller is a digest of the key and never the key."""
    chat = FakeChat()
    history = [{"role": "user", "text": "hola"}, {"role": "assistant", "text": "¡hola!"}]
    asked = {"message": "¿y mi pedido?", "thread": "кассир 7", "history": history, "language": "es-MX"}
    async with client(deps(chat)) as http:
        body = await (await http.post("/v1/chat", json=asked, headers=AUTH)).json()
    (request,) = chat.requests
    assert body["thread"] == request.thread == "кассир 7"
    assert [(one.author, one.text) for one in request.history] == [(Author.CUSTOMER, "hola"), (Author.BOT, "¡hola!")]
    assert request.language == "es-MX"
    assert request.caller == hashlib.sha256(KEY.encode()).hexdigest()[:16]


async def test_optional_fields_may_be_null() -> None:
    """A client may send null for everything but the message."""
    chat = FakeChat()
    asked = {"message": " ", "thread": None, "history": None, "language": None}
    async with client(deps(chat)) as http:
        assert (await http.post("/v1/chat", json=asked, headers=AUTH)).status == 200
    assert (chat.requests[0].message, chat.requests[0].thread, chat.requests[0].history) == (" ", None, ())


async def test_two_keys_are_two_callers() -> None:
    """Threads of two keys cannot meet, because their callers differ."""
    chat = FakeChat()
    async with client(deps(chat)) as http:
        for key in (KEY, "another-key"):
            await http.post("/v1/chat", json={"message": "hi"}, headers={"Authorization": f"bearer {key}"})
    assert len({request.caller for request in chat.requests}) == 2


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic a2V5", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", KEY, "Bearer ключ"]
)
async def test_a_missing_or_wrong_key_gets_401(header: str | None) -> None:
    """Without a valid key nothing reaches the chat, and the answer says how to send one."""
    chat = FakeChat()
    async with client(deps(chat)) as http:
        headers = {} if header is None else {"Authorization": header}
        answer = await http.post("/v1/chat", json={"message": "hi"}, headers=headers)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
        assert (await answer.json())["error"]["code"] == "unauthorized"
    assert chat.requests == []


async def test_the_key_is_asked_for_before_the_body_is_read() -> None:
    """A stranger's large body is refused for the key, not for its size."""
    async with client() as http:
        assert (await http.post("/v1/chat", data=io.BytesIO(b"x" * 2_000_000))).status == 401


@pytest.mark.parametrize("keys", [(), ("",), ("  ",)])
async def test_without_configured_keys_the_answer_names_the_setting(keys: tuple[str, ...]) -> None:
    """The API is off until a key is set; an empty key is none."""
    async with client(deps(api_keys=keys)) as http:
        answer = await http.post("/v1/chat", json={"message": "hi"}, headers={"Authorization": "Bearer "})
        assert answer.status == 403
        assert "web.api_keys" in (await answer.json())["error"]["message"]


async def test_a_stream_says_stages_then_the_content_then_the_plain_answer() -> None:
    """The deltas joined are the content, and done carries the very object of the plain answer."""
    long = ChatAnswer(thread="t", content="多语言 \n\r\u2028data: x\n\n" * 30, tier="faq", latency_ms={"total": 1})
    async with client(deps(FakeChat(long))) as http:
        answer = await http.post("/v1/chat", json={"message": "hi"}, headers=STREAM)
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        got = events((await answer.read()).decode())
        plain = await (await http.post("/v1/chat", json={"message": "hi"}, headers=AUTH)).json()
    assert got[:2] == [("stage", {"stage": "understand", "ms": 12.0}), ("stage", {"stage": "policy", "ms": 0.5})]
    assert [name for name, _ in got[2:-1]] == ["message"] * (len(got) - 3)
    assert "".join(data["delta"] for _, data in got[2:-1]) == long.content
    assert got[-1] == ("done", plain)


async def test_a_text_streams_as_it_is_written() -> None:
    """What a model has written so far is sent at once, and only the rest of the answer follows."""
    chat = FakeChat(ChatAnswer(thread="t", content="We are open till six.", tier="small"))
    chat.stages = (ChatText("We"), ChatText("We are"), ChatText("We are"), ChatText("We are open"))
    chat.gate = asyncio.Event()
    async with client(deps(chat)) as http:
        answer = await http.post("/v1/chat", json={"message": "hi"}, headers=STREAM)
        early = await answer.content.readuntil(b'" open"}\n\n')
        chat.gate.set()
        late = await answer.content.read()
    assert [data["delta"] for _, data in events(early.decode())] == ["We", " are", " open"]
    assert [data.get("delta") for _, data in events(late.decode())] == [" till six.", None]


async def test_another_answer_takes_the_place_of_what_was_begun() -> None:
    """When a later tier answers after all, the first piece of its answer says that the earlier ones count no longer."""
    chat = FakeChat(ChatAnswer(thread="t", content="Please tell me more.", tier="apology"))
    chat.stages = (ChatText("We are"), ChatText("Something else"))
    async with client(deps(chat)) as http:
        answer = await http.post("/v1/chat", json={"message": "hi"}, headers=STREAM)
        got = [data for name, data in events((await answer.read()).decode()) if name == "message"]
    assert got == [{"delta": "We are"}, {"delta": "Please tell me more.", "restart": True}]


async def test_stages_arrive_before_the_answer_is_there() -> None:
    """A stage is sent when it ends, while the turn still goes on, and a heartbeat keeps the line open."""
    chat = FakeChat()
    chat.gate = asyncio.Event()
    async with client(deps(chat, limits=Limits(heartbeat_s=0.01))) as http:
        answer = await http.post("/v1/chat", json={"message": "hi"}, headers=STREAM)
        early = await answer.content.readuntil(b": still here\n\n")
        chat.gate.set()
        late = await answer.content.read()
    assert [name for name, _ in events(early.decode())] == ["stage", "stage"]
    assert events(late.decode())[-1][0] == "done"


async def test_a_client_who_leaves_does_not_stop_the_turn() -> None:
    """The turn of a broken stream ends all the same, and keeps its place until then."""
    chat = FakeChat()
    chat.gate = asyncio.Event()
    async with client(deps(chat, limits=Limits(at_once=1, heartbeat_s=0.01))) as http:
        answer = await http.post("/v1/chat", json={"message": "hi"}, headers=STREAM)
        await chat.started.wait()
        answer.close()
        assert (await http.post("/v1/chat", json={"message": "hi"}, headers=AUTH)).status == 503
        chat.gate.set()
        await asyncio.wait_for(chat.finished.wait(), 10)


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/event-stream;q=0, */*", "text/html"])
async def test_only_who_asks_for_a_stream_gets_one(accept: str) -> None:
    """Any other Accept header gets the plain answer."""
    async with client() as http:
        answer = await http.post("/v1/chat", json={"message": "hi"}, headers={**AUTH, "Accept": accept})
        assert answer.content_type == "application/json"


async def test_a_failing_turn_gets_500_with_a_reference_and_no_stack(caplog: pytest.LogCaptureFixture) -> None:
    """The client gets a reference that the log has too; neither repeats the exception's words."""
    chat = FakeChat()
    chat.error = LookupError("anna@example.org said hello")
    async with client(deps(chat)) as http:
        with caplog.at_level(logging.INFO):
            answer = await http.post("/v1/chat", json={"message": "hi"}, headers=AUTH)
        body = await answer.json()
    (record,) = [one for one in caplog.records if one.message == "web.failed"]
    assert answer.status == 500
    assert body["error"]["code"] == "internal"
    assert record.__dict__["reference"] == body["error"]["reference"]
    assert record.__dict__["error"] == "LookupError"
    assert "converse" in record.__dict__["stack"]
    for text in (json.dumps(body), caplog.text, str(record.__dict__)):
        assert "anna@example.org" not in text
    assert "Traceback" not in json.dumps(body)


async def test_a_failing_stream_ends_with_the_same_error() -> None:
    """After the status is sent, an error is an event with the body of a plain error."""
    chat = FakeChat()
    chat.error = StoreFull()
    async with client(deps(chat)) as http:
        answer = await http.post("/v1/chat", json={"message": "hi"}, headers=STREAM)
        streamed = events((await answer.read()).decode())
        plain = await http.post("/v1/chat", json={"message": "hi"}, headers=AUTH)
        assert (plain.status, plain.headers["Retry-After"]) == (503, "5")
        assert streamed[-1] == ("error", await plain.json())
    assert streamed[-1][1]["error"]["code"] == "unavailable"


@pytest.mark.parametrize("headers", [AUTH, STREAM])
async def test_a_turn_without_an_answer_is_an_error(headers: dict[str, str]) -> None:
    """A chat that ends without an answer is a fault of the server, said as such."""
    async with client(deps(FakeChat(None))) as http:
        text = await (await http.post("/v1/chat", json={"message": "hi"}, headers=headers)).text()
    assert '"code": "internal"' in text


@pytest.mark.parametrize("headers", [AUTH, STREAM])
async def test_a_turn_that_never_ends_is_given_up(headers: dict[str, str]) -> None:
    """After the last limit the client is told that the turn goes on without it."""
    chat = FakeChat()
    chat.gate = asyncio.Event()
    async with client(deps(chat, limits=Limits(turn_s=0.05))) as http:
        text = await (await http.post("/v1/chat", json={"message": "hi"}, headers=headers)).text()
    assert '"code": "turn_timeout"' in text


async def test_one_turn_too_many_is_refused_at_once() -> None:
    """Beyond the limit a client is told when to come back, and the next one fits again once a turn has ended."""
    chat = FakeChat()
    chat.gate = asyncio.Event()
    async with client(deps(chat, limits=Limits(at_once=2))) as http:
        turns = [asyncio.create_task(http.post("/v1/chat", json={"message": "hi"}, headers=AUTH)) for _ in range(2)]
        while len(chat.requests) < 2:
            await asyncio.wait_for(chat.started.wait(), 10)
            chat.started.clear()
        refused = await http.post("/v1/chat", json={"message": "hi"}, headers=AUTH)
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert (await refused.json())["error"]["code"] == "busy"
        chat.gate.set()
        assert [(await turn).status for turn in turns] == [200, 200]
        assert (await http.post("/v1/chat", json={"message": "hi"}, headers=AUTH)).status == 200


async def test_broken_characters_of_a_model_do_not_break_the_answer() -> None:
    """A lone surrogate in an answer is replaced, in both forms."""
    broken = ChatAnswer(thread="t", content="a\ud800b\x00", raw="\udfff", tier="llama")
    async with client(deps(FakeChat(broken))) as http:
        plain = await (await http.post("/v1/chat", json={"message": "hi"}, headers=AUTH)).json()
        stream = await (await http.post("/v1/chat", json={"message": "hi"}, headers=STREAM)).read()
    assert plain["content"] == events(stream.decode())[-1][1]["content"] == "a?b\x00"
