"""A chat that answers from a script, and a web application around it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from aiohttp import ClientSession, web

from bot.domain.actions import Action, ActionKind
from bot.domain.chat import ChatAnswer, ChatRequest, ChatStage, ChatStep
from bot.domain.ports import HealthItem
from bot.web.application import WebDeps, make_web, serve
from bot.web.metrics import PrometheusMonitor

KEY = "key-of-the-shop"
AUTH = {"Authorization": f"Bearer {KEY}"}

SMALL_TALK = ChatAnswer(thread="t1", content="Hello! How may I help?", tier="rules", latency_ms={"total": 1.5})
ORDER_ACTION = Action(ActionKind.QUERY_ORDER, "ORD20241112001")
ORDER_ANSWER = ChatAnswer(
    thread="t2",
    content="Order ORD20241112001 is on its way.",
    action=ORDER_ACTION,
    raw='{"action":"query_order"}',
    tier="llama",
    latency_ms={"understand": 12.34567, "total": 20.0},
)


class FakeChat:
    """Yields `stages`, then waits for `gate` when there is one, then yields `answer` or raises `error`.

    `requests` is what it was asked, `started` and `finished` are set by the latest turn.
    """

    def __init__(self, answer: ChatAnswer | None = SMALL_TALK) -> None:
        self.answer = answer
        self.stages: Sequence[ChatStep] = (ChatStage("understand", 12.0), ChatStage("policy", 0.5))
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.requests: list[ChatRequest] = []
        self.started = asyncio.Event()
        self.finished = asyncio.Event()

    async def converse(self, request: ChatRequest) -> AsyncIterator[ChatStep]:
        """Play the script."""
        self.requests.append(request)
        for stage in self.stages:
            yield stage
        self.started.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        if self.answer is not None:
            yield replace(self.answer, thread=request.thread or self.answer.thread)
        self.finished.set()


async def all_well() -> Sequence[HealthItem]:
    """Find nothing wrong."""
    return (HealthItem("database", ok=True, detail="written in 2 ms"), HealthItem("models", ok=True, fatal=False))


def deps(chat: FakeChat | None = None, **changes: Any) -> WebDeps:
    """Return what a web application needs, everything well, with `changes`."""
    usual = WebDeps(
        chat=chat or FakeChat(),
        api_keys=("another-key", KEY),
        health=all_well,
        metrics=PrometheusMonitor(),
        ready=lambda: True,
    )
    return replace(usual, **changes)


@asynccontextmanager
async def client(given: WebDeps | None = None, app: web.Application | None = None) -> AsyncIterator[ClientSession]:
    """Serve an application on a free port of 127.0.0.1, as the worker does, and yield an HTTP client for it."""
    served = app if app is not None else make_web(given or deps())
    async with serve(served, "127.0.0.1", 0, shutdown_s=1) as url, ClientSession(base_url=url) as session:
        yield session


def events(text: str) -> list[tuple[str, Any]]:
    """Parse an event stream into (event, data) pairs, as a browser would; comments are left out."""
    parsed = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":"))
        if fields:
            parsed.append((fields["event"], json.loads(fields["data"])))
    return parsed
