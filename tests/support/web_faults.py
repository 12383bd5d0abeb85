"""Faults of a web server, for the stand-ins of shops on 127.0.0.1.

    faults.plan("PUT", late())              # the next change is made, and its answer never comes
    faults.always("/orders", status(503))   # every call whose path ends so fails from now on

A fault gets the request and the handler, still uncalled, and answers in its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Fault = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


class Faults:
    """The faults that are planned; `calls` tells method and path of each request that came in."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.released = asyncio.Event()
        self._planned: list[tuple[str, Fault]] = []
        self._always: list[tuple[str, Fault]] = []

    def plan(self, what: str, *faults: Fault) -> None:
        """Give the next requests that `what` stands in ("PUT", "/refunds", an operation's name) one fault each."""
        self._planned += [(what, fault) for fault in faults]

    def always(self, what: str, fault: Fault) -> None:
        """Give every such request this fault."""
        self._always.append((what, fault))

    def heal(self) -> None:
        """Forget all faults."""
        self._planned.clear()
        self._always.clear()

    async def serve(self, called: str, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request that is called so, with its fault or without."""
        self.calls.append(called)
        for planned in self._planned:
            if planned[0] in called:
                self._planned.remove(planned)
                return await planned[1](request, handler)
        for what, fault in self._always:
            if what in called:
                return await fault(request, handler)
        return await handler(request)

    def hang(self) -> Fault:
        """Never answer, and do nothing."""

        async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
            await self.released.wait()
            return web.Response(status=500)

        return fault

    def hang_where(self, picks: Callable[[web.Request], bool]) -> Fault:
        """Never answer the requests that are picked, and all others as ever."""

        async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await (self.hang() if picks(request) else _answer)(request, handler)

        return fault

    def late(self) -> Fault:
        """Do it, and never answer."""

        async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
            await handler(request)
            await self.released.wait()
            return web.Response(status=500)

        return fault


def status(code: int, body: object = None, *, acts: bool = False) -> Fault:
    """Answer with this status, and do it all the same if `acts`."""

    async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
        if acts:
            await handler(request)
        return web.json_response(body, status=code)

    return fault


def cut(*, acts: bool = False) -> Fault:
    """Close the connection without an answer."""

    async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
        if acts:
            await handler(request)
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    return fault


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


def body(raw: bytes, code: int = 200, *, acts: bool = False) -> Fault:
    """Answer with these bytes, whatever was asked, and do it all the same if `acts`."""

    async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
        if acts:
            await handler(request)
        return web.Response(body=raw, status=code, content_type="application/json")

    return fault


def edited(edit: Callable[[str], str]) -> Fault:
    """Answer as ever, but with another text."""

    async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        assert isinstance(response, web.Response)
        return web.Response(text=edit(response.text or ""), status=response.status, content_type="application/json")

    return fault


def redirect(to: str) -> Fault:
    """Send the caller elsewhere."""

    async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": to})

    return fault
