"""One call of the Bot API: find the method, run it or let it fail, and answer."""

from __future__ import annotations

import asyncio
import hmac
import inspect
import json
import logging
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.simulator.account import BY_LOWER_NAME
from bot.simulator.faults import Fault, FaultKind
from bot.simulator.methods import Method
from bot.simulator.observe import Call
from bot.simulator.params import ApiError, Params, read_params

if TYPE_CHECKING:
    from bot.simulator.server import Simulator

log = logging.getLogger(__name__)


class Dispatcher:
    """Answers `/bot<token>/<method>` and `/file/bot<token>/<path>`."""

    def __init__(self, simulator: Simulator, token: str) -> None:
        self._simulator = simulator
        self._token = token.encode()
        self.closing = asyncio.Event()

    async def call(self, request: web.Request) -> web.StreamResponse:
        """Answer one call of a method."""
        try:
            self._authorise(request)
            method = BY_LOWER_NAME.get(request.match_info["method"].lower())
            if method is None:
                raise ApiError(404, "Not Found")
            params = await read_params(request)
        except ApiError as error:
            return _answer(error.status, error.body())
        except ConnectionResetError:
            # The bot went away in the middle of its request; nobody reads this.
            return web.Response(status=499)
        except web.HTTPRequestEntityTooLarge:
            return _answer(413, ApiError(413, "Request Entity Too Large").body())
        return await self._run(request, *method, params)

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Answer a download."""
        try:
            self._authorise(request)
            stored = self._simulator.world.files.by_path(request.match_info["path"])
            if stored is None:
                raise ApiError(404, "Not Found")
        except ApiError as error:
            return _answer(error.status, error.body())
        return web.Response(body=stored.content, content_type="application/octet-stream")

    def _authorise(self, request: web.Request) -> None:
        given = request.match_info["token"].encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._token):
            raise ApiError(401, "Unauthorized")

    async def _run(self, request: web.Request, name: str, method: Method, params: Params) -> web.StreamResponse:
        simulator = self._simulator
        call = simulator.log.start(name, params.values, simulator.world.clock())
        fault = simulator.faults.take(name.lower(), params.values.get("chat_id"))
        if fault is not None and not fault.acts and (failure := await self._fail(request, fault)) is not None:
            simulator.log.finish(call, _status(failure, fault))
            return failure
        status, body = await self._act(call, method, params)
        simulator.log.finish(call, status)
        if fault is not None and fault.acts and (failure := await self._fail(request, fault)) is not None:
            simulator.log.finish(call, _status(failure, fault))
            return failure
        return _answer(status, body)

    async def _act(self, call: Call, method: Method, params: Params) -> tuple[int, dict[str, Any]]:
        simulator = self._simulator
        try:
            if simulator.limits is not None:
                simulator.limits.check(call.method, params.values.get("chat_id"), simulator.world.clock())
            result = method(simulator.world, params)
            if inspect.isawaitable(result):
                result = await result
        except ApiError as error:
            return error.status, error.body()
        call.took_effect = True
        call.result = result
        return 200, {"ok": True, "result": result}

    async def _fail(self, request: web.Request, fault: Fault) -> web.Response | None:
        """Let a call fail as ordered; None if it only had to wait and its caller is still there."""
        log.debug("simulator.fault", extra={"fault": fault.kind.value})
        if not fault.kind.is_wait:
            return _failure(request, fault)
        await self._wait(fault)
        gone = request.transport is None or request.transport.is_closing()
        return web.Response(status=500) if gone else None

    async def _wait(self, fault: Fault) -> None:
        ends = [asyncio.ensure_future(event.wait()) for event in (fault.release, self.closing)]
        timeout = fault.delay_s if fault.kind is FaultKind.SLOW else None
        await asyncio.wait(ends, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()


def _failure(request: web.Request, fault: Fault) -> web.Response:
    if fault.kind is FaultKind.DROP:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)
    if fault.kind is FaultKind.GARBLED:
        return web.Response(body=b'{"ok":true,"result":{"message_id":', content_type="application/json")
    if fault.html:
        return web.Response(status=fault.status, text=fault.html, content_type="text/html")
    return _answer(fault.status, ApiError(fault.status, fault.description, fault.parameters).body())


def _status(failure: web.Response, fault: Fault) -> int | None:
    unanswered = fault.kind.is_wait or fault.kind is FaultKind.DROP
    return None if unanswered else failure.status


def _answer(status: int, body: dict[str, Any]) -> web.Response:
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/json")
