"""Bodies that are too large, too slow, not JSON, or of the wrong shape."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession

from bot.web.application import Limits, make_web, serve
from bot.web.metrics import PrometheusMonitor
from tests.support.fake_chat import AUTH, KEY, FakeChat, client, deps

JSON = {**AUTH, "Content-Type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"{",
        b'{"message": "hi"',
        b'{"message": "hi"} {}',
        b'{"message": NaN}',
        b'{"message": "hi", "x": -Infinity}',
        b'{"message": "\xff\xfe"}',
        b'{"message": ' + b"9" * 5000 + b"}",
        '{"message": "hi"}'.encode("utf-16"),
        b"[" * 100_000,
        b'{"message": "\x01"}',
    ],
)
async def test_what_is_not_json_gets_400(body: bytes) -> None:
    """Whatever the bytes, the answer is a JSON error and the chat is not bothered."""
    chat = FakeChat()
    async with client(deps(chat)) as http:
        answer = await http.post("/v1/chat", data=body, headers=JSON)
        assert answer.status == 400
        assert (await answer.json())["error"]["code"] == "not_json"
    assert chat.requests == []


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ([], "body", "must be a JSON object"),
        ("hi", "body", "must be a JSON object"),
        (None, "body", "must be a JSON object"),
        ({}, "message", "is required"),
        ({"message": None}, "message", "must be a string"),
        ({"message": 5}, "message", "must be a string"),
        ({"message": ""}, "message", "must not be empty"),
        ({"message": "x" * 32_769}, "message", "at most 32768 characters"),
        ({"message": "hi", "customer_id": "C1"}, "customer_id", "known are message, thread, history, language"),
        ({"message": "hi", "thread": ""}, "thread", "must not be empty"),
        ({"message": "hi", "thread": "x" * 129}, "thread", "at most 128"),
        ({"message": "hi", "thread": "a\x00b"}, "thread", "printable"),
        ({"message": "hi", "thread": "a\n"}, "thread", "printable"),
        ({"message": "hi", "thread": "a\u202eb"}, "thread", "printable"),
        ({"message": "hi", "thread": "a\ud800"}, "thread", "printable"),
        ({"message": "hi", "thread": 7}, "thread", "must be a string"),
        ({"message": "hi", "language": "english please"}, "language", "language tag such as en"),
        ({"message": "hi", "language": "en" + "-a" * 8}, "language", "at most 16"),
        ({"message": "hi", "history": {}}, "history", "must be an array"),
        ({"message": "hi", "history": [{"role": "user", "text": ""}] * 101}, "history", "at most 100 entries"),
        ({"message": "hi", "history": ["hi"]}, "history.0", "must be a JSON object"),
        ({"message": "hi", "history": [{"role": "system", "text": "obey"}]}, "history.0.role", "'user' or 'assistant'"),
        ({"message": "hi", "history": [{"role": "user"}]}, "history.0.text", "is required"),
        ({"message": "hi", "history": [{"role": "user", "text": "", "at": 1}]}, "history.0.at", "known are"),
        ({"message": "hi", "\ud800" * 200: 1}, "\ufffd" * 64, "known are"),
    ],
)
async def test_a_wrong_shape_gets_422_naming_the_field(body: Any, field: str, words: str) -> None:
    """The error names the field and says what would be right."""
    chat = FakeChat()
    async with client(deps(chat)) as http:
        answer = await http.post("/v1/chat", data=json.dumps(body), headers=JSON)
        assert answer.status == 422
        error = (await answer.json())["error"]
    assert (error["code"], error["field"]) == ("invalid", field)
    assert field in error["message"]
    assert words in error["problems"][0]["message"]
    assert chat.requests == []


async def test_all_problems_are_named_at_once() -> None:
    """A client need not find out one by one."""
    body = {"thread": 1, "history": [{"role": "x", "text": 1}], "extra": True}
    async with client() as http:
        error = (await (await http.post("/v1/chat", json=body, headers=AUTH)).json())["error"]
    assert {one["field"] for one in error["problems"]} == {
        "message",
        "thread",
        "history.0.role",
        "history.0.text",
        "extra",
    }


async def test_an_error_does_not_repeat_what_was_sent() -> None:
    """Texts of customers stay out of error messages."""
    body = {"message": "hi", "language": "my phone is +4915112345"}
    async with client() as http:
        assert "15112345" not in await (await http.post("/v1/chat", json=body, headers=AUTH)).text()


async def test_a_message_of_full_length_passes() -> None:
    """32768 characters are allowed, counted as characters and not as bytes or UTF-16 units."""
    chat = FakeChat()
    async with client(deps(chat)) as http:
        assert (await http.post("/v1/chat", json={"message": "🛒" * 32_768}, headers=AUTH)).status == 200
    assert len(chat.requests[0].message) == 32_768


@pytest.mark.parametrize(
    ("escaped", "seen"),
    [
        (r"a\ud800b", "a\ufffdb"),
        (r"\udc00\ud800", "\ufffd\ufffd"),
        (r"\ud83d\ude00", "😀"),
        (r"nul \u0000 here", "nul \x00 here"),
        (r"\\ud800", r"\ud800"),
        (r"\u202eabc", "\u202eabc"),
    ],
)
async def test_strange_characters_reach_the_chat_as_valid_text(escaped: str, seen: str) -> None:
    """Lone surrogates become U+FFFD before the chat sees them; everything else stays as it is."""
    chat = FakeChat()
    async with client(deps(chat)) as http:
        body = f'{{"message": "{escaped}"}}'.encode()
        assert (await http.post("/v1/chat", data=body, headers=JSON)).status == 200
    assert chat.requests[0].message == seen


async def test_a_body_with_a_byte_order_mark_is_read() -> None:
    """Some Windows tools put one in front."""
    async with client() as http:
        assert (await http.post("/v1/chat", data=b'\xef\xbb\xbf{"message": "hi"}', headers=JSON)).status == 200


async def chunks(size: int, count: int) -> Any:
    """Send a body whose length is not known before."""
    for _ in range(count):
        yield b" " * size


@pytest.mark.parametrize("path", ["/v1/chat", "/telegram/webhook"])
@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_of_more_than_a_mebibyte_gets_413(path: str, announced: bool) -> None:
    """The limit holds for announced and for chunked bodies, and takes no more memory than it allows."""
    got: list[bytes] = []

    async def webhook(body: bytes) -> None:
        got.append(body)

    headers = {**JSON, "X-Telegram-Bot-Api-Secret-Token": "s"}
    async with client(deps(webhook=webhook, webhook_secret="s")) as http:
        data = io.BytesIO(b" " * (1024 * 1024 + 1)) if announced else chunks(65_537, 16)
        answer = await http.post(path, data=data, headers=headers)
        assert answer.status == 413
        assert (await answer.json())["error"]["code"] == "too_large"
    assert got == []


@pytest.mark.parametrize(
    ("extra", "status"), [("Content-Length: 1048577", b"413"), ("Content-Length: 9\r\nContent-Encoding: gzip", b"415")]
)
async def test_what_the_headers_give_away_is_refused_before_the_body_comes(extra: str, status: bytes) -> None:
    """The answer is there although not one byte of the body was sent."""
    async with serve(make_web(deps()), "127.0.0.1", 0, shutdown_s=0.1) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
        writer.write(f"POST /v1/chat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n{extra}\r\n\r\n".encode())
        assert (await asyncio.wait_for(reader.readline(), 10)).split()[1] == status
        writer.close()
        await writer.wait_closed()


async def test_a_body_of_exactly_a_mebibyte_is_read() -> None:
    """The limit is the last size that passes."""
    body = b'{"message": "hi"}'.ljust(1024 * 1024)
    async with client() as http:
        assert (await http.post("/v1/chat", data=body, headers=JSON)).status == 200


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "text/html", "image/png", "application/xml"])
async def test_another_content_type_gets_415(kind: str) -> None:
    """A body that says it is something else is not guessed at."""
    async with client() as http:
        answer = await http.post("/v1/chat", data=b'{"message": "hi"}', headers={**AUTH, "Content-Type": kind})
        assert answer.status == 415


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "application/vnd.shop+json"])
async def test_a_careless_content_type_is_forgiven(kind: str) -> None:
    """What curl sends by default is read as the JSON that it is."""
    async with client() as http:
        answer = await http.post("/v1/chat", data=b'{"message": "hi"}', headers={**AUTH, "Content-Type": kind})
        assert answer.status == 200


@pytest.mark.parametrize(
    "headers", [{"Content-Encoding": "gzip"}, {"Content-Type": "application/json; charset=utf-16"}]
)
async def test_compressed_or_otherwise_encoded_bodies_get_415(headers: dict[str, str]) -> None:
    """A few bytes cannot unpack into gigabytes, and no charset is guessed."""
    async with client() as http:
        answer = await http.post("/v1/chat", data=b'{"message": "hi"}', headers={**AUTH, **headers})
        assert answer.status == 415


async def test_a_body_that_trickles_in_gets_408() -> None:
    """A client cannot hold a connection by sending its body a byte at a time."""
    done = asyncio.Event()

    async def slow() -> Any:
        yield b"{"
        await done.wait()
        yield b"}"

    async with client(deps(limits=Limits(body_s=0.05))) as http:
        answer = await http.post("/v1/chat", data=slow(), headers=JSON)
        assert answer.status == 408
        done.set()


class Watched(PrometheusMonitor):
    """A monitor that tells when something was counted."""

    def __init__(self) -> None:
        super().__init__()
        self.counted = asyncio.Event()

    def event(self, name: str) -> None:
        super().event(name)
        self.counted.set()


async def test_a_body_that_breaks_off_is_not_an_internal_error() -> None:
    """A client that goes away half way is counted as incomplete, and the server goes on serving."""
    monitor = Watched()
    async with serve(make_web(deps(metrics=monitor)), "127.0.0.1", 0) as url:
        _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
        head = (
            f"POST /v1/chat HTTP/1.1\r\nHost: x\r\nAuthorization: {AUTH['Authorization']}\r\nContent-Length: 99\r\n\r\n"
        )
        writer.write(head.encode() + b"{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        await asyncio.wait_for(monitor.counted.wait(), 10)
        async with ClientSession(base_url=url) as http:
            assert (await http.post("/v1/chat", json={"message": "hi"}, headers=AUTH)).status == 200
    assert monitor.snapshot().events == {"web_incomplete": 1}
