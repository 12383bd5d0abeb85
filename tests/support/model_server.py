"""An OpenAI-compatible server on loopback that answers by script."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

Answer = web.StreamResponse | Callable[[web.Request], Awaitable[web.StreamResponse]]


class ModelServer:
    """Gives its answers in turn, the last one again and again, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.bodies: list[Any] = []
        self.requests: list[web.Request] = []
        self.models: Answer | None = None
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._list)
        self._server = TestServer(app, host="127.0.0.1")

    @property
    def url(self) -> str:
        return str(self._server.make_url("/")).rstrip("/")

    async def __aenter__(self) -> ModelServer:
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(json.loads(await request.read()))
        return await self._give(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0], request)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        assert self.models is not None
        return await self._give(self.models, request)

    async def _give(self, answer: Answer, request: web.Request) -> web.StreamResponse:
        return answer if isinstance(answer, web.StreamResponse) else await answer(request)


def says(content: Any, finish: str = "stop", **message: Any) -> Answer:
    """An answer as OpenAI, llama-server, vLLM and Ollama shape it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
    return answers({"id": "c1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": {}})


def answers(data: Any, status: int = 200) -> Answer:
    """Any JSON, made anew for each request."""

    async def give(request: web.Request) -> web.StreamResponse:
        return web.json_response(data, status=status)

    return give


def answers_text(text: str, status: int = 200, **headers: str) -> Answer:
    """Any text."""

    async def give(request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=status, headers=headers)

    return give


async def hangs_up(request: web.Request) -> web.StreamResponse:
    """Close the connection in the place of an answer."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()
