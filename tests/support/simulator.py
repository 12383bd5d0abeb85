"""People, images and a bare client for tests against the simulated Telegram."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from telegram import Bot
from telegram.request import HTTPXRequest

from bot.simulator import Person

TOKEN = "4242:simulated-token"
ANA = Person(7, "Ana", "Gil", "es", "+34600111222", "ana@example.com")
WEI = Person(8, "伟", "", "zh-hans", "+8613800138000")
ADMIN = Person(9, "Olga", "Admin", "en", "+4930123456", role="admin")

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
JPEG_640_480 = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    b"\xff\xc0\x00\x0b\x08\x01\xe0\x02\x80\x01\x01\x11\x00\xff\xd9"
)


@dataclass
class Api:
    """A client of the Bot API that knows nothing but HTTP and JSON."""

    session: aiohttp.ClientSession
    base: str
    token: str = TOKEN

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method with a JSON body; return the whole answer."""
        async with self.session.post(f"{self.base}/bot{self.token}/{method}", json=params) as response:
            answer: dict[str, Any] = await response.json()
            assert response.status == answer.get("error_code", 200)
            return answer

    async def result(self, method: str, **params: Any) -> Any:
        """Call a method that must succeed; return its result."""
        answer = await self.call(method, **params)
        assert answer["ok"], answer
        return answer["result"]

    async def error(self, method: str, **params: Any) -> str:
        """Call a method that must fail; return what it says."""
        answer = await self.call(method, **params)
        assert not answer["ok"], answer
        return str(answer["description"])


@asynccontextmanager
async def ptb_bot(base: str, token: str = TOKEN) -> AsyncIterator[Bot]:
    """Give the real python-telegram-bot, pointed at a simulator."""

    def request() -> HTTPXRequest:
        return HTTPXRequest(httpx_kwargs={"trust_env": False})

    bot = Bot(
        token,
        base_url=f"{base}/bot",
        base_file_url=f"{base}/file/bot",
        request=request(),
        get_updates_request=request(),
    )
    async with bot:
        yield bot


async def read_events(response: aiohttp.ClientResponse, count: int) -> list[tuple[int, str, dict[str, Any]]]:
    """Read so many events of a chat's stream: (number, type, data)."""
    events: list[tuple[int, str, dict[str, Any]]] = []
    fields: dict[str, str] = {}
    while len(events) < count:
        line = (await response.content.readline()).decode().rstrip("\n")
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            events.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
            fields = {}
    return events
