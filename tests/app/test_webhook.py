"""Webhook mode, end to end: Telegram brings the updates, and keeps them until they are committed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.listening import logged
from tests.support.rows import connect, rows
from tests.support.worker import World, running

SECRET = "s3cret-of-the-hook"
HEADER = "X-Telegram-Bot-Api-Secret-Token"


@asynccontextmanager
async def hooked(folder: Path, port: int, path: str = "/telegram/webhook") -> AsyncIterator[World]:
    """Run a bot that Telegram brings its updates to."""
    url = f"http://127.0.0.1:{port}{path}"
    telegram = {"mode": "webhook", "webhook_url": url, "webhook_secret": SECRET}
    async with running(folder, telegram=telegram, web={"port": port}, greeted="setMyCommands") as world:
        yield world


async def _post(world: World, body: bytes, secret: str = SECRET) -> int:
    headers = {HEADER: secret}
    async with aiohttp.request("POST", f"{world.app.url}/telegram/webhook", data=body, headers=headers) as response:
        return response.status


@pytest.mark.parametrize("path", ["/telegram/webhook", "/shop/hook", ""])
async def test_a_dialogue_over_the_webhook(tmp_path: Path, free_port: Callable[[], int], path: str) -> None:
    """At whatever path webhook_url names: asked, verified, confirmed and cancelled, without one poll."""
    async with hooked(tmp_path, free_port(), path) as world:
        emily, number = world.customer("en"), world.orders("en", "pending")[0]
        await emily.asks(f"cancel {number}", "share your phone number")
        await emily.shares_contact("Shall I cancel")
        await emily.presses("Yes", "is cancelled")
        assert not any(call.method == "getUpdates" for call in world.simulator.calls)
        assert not world.simulator.pending


async def test_a_wrong_secret(tmp_path: Path, free_port: Callable[[], int]) -> None:
    """Whoever does not know the secret gets 403, and nothing into the inbox."""
    async with hooked(tmp_path, free_port()) as world:
        update = json.dumps({"update_id": 1, "message": {"text": "/help"}}).encode()
        assert [await _post(world, update, secret) for secret in ("", "wrong", SECRET + "x")] == [403, 403, 403]
    assert rows(tmp_path / "deskhand.db", "SELECT 1 FROM inbox") == []


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"not json \x00\xff",
    "no object": b"[1, 2, 3]",
    "an update without an id": b'{"message": {"text": 5}}',
    "a nested one": b"[" * 20_000,
    "nested objects": b'{"a":' * 900 + b"1" + b"}" * 900,
    "a huge number": b'{"update_id": ' + b"9" * 5_000 + b"}",
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_is_no_update(tmp_path: Path, free_port: Callable[[], int], name: str) -> None:
    """It is taken, so that Telegram does not bring it for ever, and put aside, once however often it comes."""
    async with hooked(tmp_path, free_port()) as world:
        assert [await _post(world, BODIES[name]) for _ in range(3)] == [200, 200, 200]
        await world.customer("en").asks("/help", "/human")
        await world.app.worker.queues.idle()
    found = rows(tmp_path / "deskhand.db", "SELECT state FROM inbox ORDER BY id")
    assert found[0][0] in ("quarantined", "done")
    assert len(found) == 2


async def test_an_update_that_cannot_be_committed_is_brought_again(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    """While the database fails Telegram hears 503; it brings the update again, and it is answered once."""
    async with hooked(tmp_path, free_port()) as world:
        emily = world.customer("en")
        await world.app.store.database.write(lambda connection: connection.exec_driver_sql("PRAGMA busy_timeout=1"))
        with closing(connect(tmp_path / "deskhand.db")) as other, logged("web.store_failed") as refused:
            other.execute("BEGIN IMMEDIATE")
            emily.phone.send_text("/help")
            await refused.wait()
            assert await _post(world, b'{"update_id": 1}') == 503
            other.execute("ROLLBACK")
        await emily.hears("/human")
        assert len(emily.heard()) == 1


async def test_health_in_webhook_mode(tmp_path: Path, free_port: Callable[[], int]) -> None:
    """A bot that is not polled is healthy all the same."""
    async with hooked(tmp_path, free_port()) as world, aiohttp.request("GET", f"{world.app.url}/healthz") as response:
        found: dict[str, Any] = await response.json()
        assert (response.status, found["status"]) == (200, "ok")
