"""Polling: committed before it is acknowledged, in no hurry where nothing can be acknowledged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.domain.journal import InboxItem, RawUpdate
from bot.errors import StoreFull
from bot.telegram.client import TelegramClient
from bot.telegram.fetch import Poller, raw_body, raw_update
from bot.web.metrics import PrometheusMonitor


class Telegram:
    """Answers polls from a script, then lets them wait; `offsets` tells what was acknowledged."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.offsets: list[int | None] = []
        self.idle = asyncio.Event()

    async def get_updates(self, request: web.Request) -> web.Response:
        """Give the next answer."""
        given = (await request.post()).get("offset")
        self.offsets.append(None if given is None else int(str(given)))
        if not self.answers:
            self.idle.set()
            await asyncio.Event().wait()
        return web.json_response({"ok": True, "result": self.answers.pop(0)})


class Kept:
    """An inbox that fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.updates: list[RawUpdate] = []

    async def commit(self, updates: Sequence[RawUpdate]) -> Sequence[InboxItem]:
        """Keep them, or raise StoreFull."""
        if self.failures:
            self.failures -= 1
            raise StoreFull
        self.updates += updates
        return [InboxItem(n, raw.source, raw.external_id, raw.payload) for n, raw in enumerate(updates)]


@asynccontextmanager
async def polled(telegram: Telegram, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Poller]:
    """Poll until the script has ended; pauses are noted instead of waited for."""
    app = web.Application()
    app.router.add_post("/bot1:a/getUpdates", telegram.get_updates)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    async with TelegramClient("1:a", str(server.make_url("/"))) as client:
        monkeypatch.setattr("bot.telegram.fetch.FIRST_PAUSE_S", 0.01)
        poller = Poller(client, kept, lambda items: None, PrometheusMonitor(), bot="1")  # type: ignore[arg-type]
        task = asyncio.create_task(poller.run())
        await asyncio.wait_for(telegram.idle.wait(), 10)
        yield poller
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await server.close()


async def test_what_is_committed_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next poll confirms the highest id of the batch; after an empty answer nothing is left to confirm."""
    telegram, kept = Telegram([{"update_id": 5}, {"update_id": 9}], [], [{"update_id": 2}]), Kept()
    async with polled(telegram, kept, monkeypatch):
        assert telegram.offsets == [None, 10, None, 3]
    assert [raw.external_id for raw in kept.updates] == ["5", "9", "2"]


async def test_what_is_not_committed_is_not_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a full disk the same batch is asked for again, as it was."""
    batch = [{"update_id": 5}]
    telegram, kept = Telegram(batch, batch, batch), Kept(failures=2)
    async with polled(telegram, kept, monkeypatch):
        assert telegram.offsets == [None, None, None, 6]
    assert [raw.external_id for raw in kept.updates] == ["5"]


SENSELESS: dict[str, Any] = {
    "no list": {"a": 1},
    "no objects": [1, 2],
    "null": None,
    "no ids": [{"message": {}}],
    "ids of text": [{"update_id": "5"}],
    "a truth": [{"update_id": True}],
    "a negative id": [{"update_id": -5}],
}


@pytest.mark.parametrize("name", SENSELESS)
async def test_senseless_answers_are_no_hurry(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """An answer that cannot be acknowledged is asked for again after a pause, and sensible ones are taken then."""
    telegram, kept = Telegram(SENSELESS[name], SENSELESS[name], [{"update_id": 5}]), Kept()
    monkeypatch.setattr("bot.telegram.fetch.LONGEST_PAUSE_S", 0.02)
    async with polled(telegram, kept, monkeypatch) as poller:
        assert telegram.offsets == [None, None, None, 6]
        assert poller.age_s < 10
    assert kept.updates[-1].external_id == "5"


def test_an_update_as_the_inbox_keeps_it() -> None:
    """ASCII only, as a lone surrogate could not be stored; without an id its digest stands for it."""
    raw = raw_update({"update_id": 7, "message": {"text": "\ud800 ü"}}, "1")
    assert (raw.external_id, raw.payload.isascii()) == ("7", True)
    assert json.loads(raw.payload)["message"]["text"] == "\ud800 ü"
    assert raw_update({"x": 1}, "1").external_id.startswith("sha256:")


@pytest.mark.parametrize(
    "body", [b"", b"\xff\x00", b"5", b"[1]", b"[" * 100_000, b'{"update_id":' + b"9" * 5000 + b"}"]
)
def test_a_body_that_is_no_update(body: bytes) -> None:
    """It is kept under its digest, in a form that any database takes."""
    raw = raw_body(body, "1")
    assert raw.external_id.startswith("sha256:")
    assert "\x00" not in raw.payload
    raw.payload.encode()
