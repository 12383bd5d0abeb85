"""`POST /v1/chat`: one customer message in, the answer out, plain or as a stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from typing import Any, TypeVar

from aiohttp import web

from bot.domain.chat import Chat, ChatAnswer, ChatRequest, ChatStage, ChatStep, ChatText
from bot.web.body import read_json
from bot.web.deps import DEPS, KEYRING, SLOTS, Limits
from bot.web.refusals import Refusal, json_response, refusal_for
from bot.web.schema import answer_dict, read_chat

T = TypeVar("T")

_DELTA_CHARS = 40
_STREAM_HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}


async def chat(request: web.Request) -> web.StreamResponse:
    """Translate: who asks, what they ask, and the turn's answer."""
    deps = request.app[DEPS]
    caller = request.app[KEYRING].caller(request.headers.get("Authorization"))
    asked = read_chat(await read_json(request, deps.limits)).request(caller)
    with request.app[SLOTS].take():
        if wants_stream(request.headers.getall("Accept", [])):
            return await _streamed(request, deps.chat, asked, deps.limits)
        return json_response(answer_dict(await _answer(deps.chat, asked, deps.limits)))


def wants_stream(accept: list[str]) -> bool:
    """Whether an Accept header asks for server-sent events, in whatever place."""
    for choice in ",".join(accept).lower().split(","):
        kind, *parameters = (part.strip() for part in choice.split(";"))
        if kind == "text/event-stream":
            return not any(parameter in ("q=0", "q=0.0", "q=0.00", "q=0.000") for parameter in parameters)
    return False


async def _answer(chat: Chat, asked: ChatRequest, limits: Limits) -> ChatAnswer:
    answer = None
    try:
        async with asyncio.timeout(limits.turn_s):
            async for event in chat.converse(asked):
                answer = event if isinstance(event, ChatAnswer) else answer
    except TimeoutError:
        raise _late(limits) from None
    if answer is None:
        raise RuntimeError("the turn ended without an answer")
    return answer


def _late(limits: Limits) -> Refusal:
    message = f"There was no answer within {limits.turn_s:g} s; the turn goes on, ask again in the same thread."
    return Refusal(504, "turn_timeout", message)


async def _streamed(request: web.Request, chat: Chat, asked: ChatRequest, limits: Limits) -> web.StreamResponse:
    """Send events until the turn ends, also for a client who has gone: a turn under way keeps its place."""
    stream = _Stream(request, limits.write_s)
    await stream.open()
    try:
        await _relay(stream, chat, asked, limits)
    except Exception as error:  # noqa: BLE001 # The edge: the status is out already, so the stream says it.
        await stream.send(event("error", refusal_for(error, request.path).to_dict()))
    return stream.response


async def _relay(stream: _Stream, chat: Chat, asked: ChatRequest, limits: Limits) -> None:
    answered, said = False, ""
    try:
        async with asyncio.timeout(limits.turn_s), aclosing(beating(chat.converse(asked), limits.heartbeat_s)) as steps:
            async for step in steps:
                answered = answered or isinstance(step, ChatAnswer)
                await stream.send(b"".join(_events(step, said)))
                said = step.content if isinstance(step, ChatText) and step.content.startswith(said) else said
    except TimeoutError:
        raise _late(limits) from None
    if not answered:
        raise RuntimeError("the turn ended without an answer")


def _events(step: ChatStep | None, said: str) -> Iterator[bytes]:
    """Yield a step's events; `said` is as much of a message as was sent already."""
    match step:
        case None:
            yield b": still here\n\n"
        case ChatStage():
            yield event("stage", {"stage": step.stage, "ms": round(step.ms, 3)})
        case ChatText():
            if step.content.startswith(said) and step.content != said:
                yield event("message", {"delta": step.content[len(said) :]})
        case ChatAnswer():
            # Another tier may have answered in the place of the one that began to.
            again: dict[str, Any] = {} if step.content.startswith(said) else {"restart": True}
            for start in range(0 if again else len(said), len(step.content), _DELTA_CHARS):
                yield event("message", {"delta": step.content[start : start + _DELTA_CHARS], **again})
                again = {}
            yield event("done", answer_dict(step))


def event(name: str, data: Mapping[str, Any]) -> bytes:
    """Return one server-sent event; JSON holds no bare line break, so that one data line is enough."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False)
    return f"event: {name}\ndata: {text}\n\n".encode("utf-8", "replace")


async def beating(source: AsyncIterator[T], every_s: float) -> AsyncGenerator[T | None, None]:
    """Yield what comes from `source`, and None whenever nothing came for `every_s` seconds."""
    step: asyncio.Task[T | _End] | None = None
    try:
        while True:
            step = step or asyncio.create_task(_next(source), name="web.chat.step")
            done, _ = await asyncio.wait({step}, timeout=every_s)
            if not done:
                yield None
                continue
            result, step = step.result(), None
            if isinstance(result, _End):
                return
            yield result
    finally:
        if step is not None and not step.done():
            step.cancel()
            await asyncio.wait({step})


class _End:
    """Says that there is nothing more."""


async def _next(source: AsyncIterator[T]) -> T | _End:
    return await anext(source, _End())


class _Stream:
    """An event stream to a client who may be slow, or gone: then nothing more is sent."""

    def __init__(self, request: web.Request, write_s: float) -> None:
        self.response = web.StreamResponse(headers=_STREAM_HEADERS)
        self._request = request
        self._write_s = write_s
        self._gone = False

    async def open(self) -> None:
        await self.response.prepare(self._request)

    async def send(self, data: bytes) -> None:
        if self._gone:
            return
        try:
            async with asyncio.timeout(self._write_s):
                await self.response.write(data)
        except (ConnectionError, TimeoutError):
            self._gone = True
            if self._request.transport is not None:
                self._request.transport.abort()
