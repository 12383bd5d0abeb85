"""A program that talks to the bot by REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from tests.support.fake_chat import events
from tests.support.worker import API_KEY, World


@dataclass(frozen=True)
class Rest:
    """One thread of one API key; `thread` None begins a new one with each message."""

    http: aiohttp.ClientSession
    thread: str | None = "t1"
    key: str = API_KEY

    def of(self, thread: str | None = "t1", key: str = API_KEY) -> Rest:
        """Return another thread, or another key's."""
        return replace(self, thread=thread, key=key)

    async def says(self, message: str, **more: Any) -> dict[str, Any]:
        """Send a message that must be taken; return the answer."""
        status, answer = await self.posts(self.body(message, **more))
        assert status == 200, answer
        return answer

    def body(self, message: str, **more: Any) -> dict[str, Any]:
        """Return the request's body."""
        return {"message": message, **({"thread": self.thread} if self.thread else {}), **more}

    async def posts(self, body: Any) -> tuple[int, dict[str, Any]]:
        """Send any body; return the status and the answer."""
        async with self.http.post("/v1/chat", json=body, headers=self._headers()) as response:
            return response.status, await response.json()

    async def streams(self, message: str) -> list[tuple[str, Any]]:
        """Send a message and read the answer as events."""
        headers = self._headers() | {"Accept": "text/event-stream"}
        async with self.http.post("/v1/chat", json=self.body(message), headers=headers) as response:
            assert response.status == 200
            return events(await response.text())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@asynccontextmanager
async def rest(world: World) -> AsyncIterator[Rest]:
    """Talk to a running bot."""
    async with aiohttp.ClientSession(world.app.url) as http:
        yield Rest(http)
