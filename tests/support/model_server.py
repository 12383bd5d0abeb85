"""An OpenAI-compatible server on loopback that answers by script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

Callback = Callable[[web.Request], Awaitable[web.StreamResponse]]
Answer = web.StreamResponse | Callback


class ModelServer:
    """Gives its answers in turn, the last one again and again, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.bodies: list[Any] = []
        self.requests: list[web.Request] = []
        self.models: Answer | None = None
        self.peers: list[Any] = []
        self.most_at_once = 0
        self._at_once = 0
        self._came = asyncio.Condition()
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

    async def asked(self, times: int) -> None:
        """Wait until so many completions were asked for."""
        async with self._came, asyncio.timeout(30):
            await self._came.wait_for(lambda: len(self.bodies) >= times)

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(json.loads(await request.read()))
        assert request.transport is not None
        self.peers.append(request.transport.get_extra_info("peername"))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        async with self._came:
            self._came.notify_all()
        try:
            return await self._give(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0], request)
        finally:
            self._at_once -= 1

    async def _list(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        assert self.models is not None
        return await self._give(self.models, request)

    async def _give(self, answer: Answer, request: web.Request) -> web.StreamResponse:
        return answer if isinstance(answer, web.StreamResponse) else await answer(request)


def says(content: Any, finish: str = "stop", **message: Any) -> Answer:
    """An answer as OpenAI, llama-server, vLLM and Ollama shape it, streamed or whole as it is asked for."""

    async def give(request: web.Request) -> web.StreamResponse:
        if json.loads(await request.read()).get("stream"):
            steps = (chunk({"role": "assistant", "content": content, **message}), chunk({}, finish), END)
            return await streams(*steps)(request)
        return await says_at_once(content, finish, **message)(request)

    return give


def says_at_once(content: Any, finish: str = "stop", **message: Any) -> Callback:
    """An answer in one piece, although a stream was asked for."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
    return answers({"id": "c1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": {}})


END = b"data: [DONE]\n\n"
CUT = None
"""The end of a stream, and what ends one without it: the connection is cut."""


def chunk(delta: Any, finish: str | None = None) -> bytes:
    """One event of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event({"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})


def event(data: Any) -> bytes:
    """Any JSON as an event of a stream."""
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def streams(*steps: bytes | asyncio.Event | None) -> Callback:
    """A stream: bytes are sent, an event is waited for, and `CUT` cuts the connection."""

    async def give(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        for step in steps:
            if isinstance(step, asyncio.Event):
                await step.wait()
            elif step is None:
                await hangs_up(request)
            else:
                await response.write(step)
        return response

    return give


def answers(data: Any, status: int = 200) -> Callback:
    """Any JSON, made anew for each request."""

    async def give(request: web.Request) -> web.StreamResponse:
        return web.json_response(data, status=status)

    return give


def answers_text(text: str, status: int = 200, **headers: str) -> Callback:
    """Any text."""

    async def give(request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=status, headers=headers)

    return give


async def hangs_up(request: web.Request) -> web.StreamResponse:
    """Close the connection in the place of an answer."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()
