"""A web server on 127.0.0.1 whose port can stop listening and start again, and the contract's faults over it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from bot.orders.testing import Fault, Kind
from tests.support.web_faults import Fault as WebFault
from tests.support.web_faults import Faults, Handler


class LocalServer:
    """Serves an application; `url` is its address, which stays the same."""

    def __init__(self, app: web.Application) -> None:
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        self._listener: asyncio.Server | None = None
        self._starting: asyncio.Task[None] | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        await self._runner.setup()
        self.listen()
        await self._started()

    async def close(self) -> None:
        await self._started()
        self.refuse()
        await self._runner.cleanup()

    def refuse(self) -> None:
        """Let nobody connect, and end the connections there are."""
        if self._listener is not None:
            self._listener.close()
        self._listener = None
        assert self._runner.server is not None
        for connection in self._runner.server.connections:
            connection.force_close()

    def refuse_after(self, response: web.StreamResponse) -> None:
        """Send this answer as the last one."""
        response.force_close()
        if self._listener is not None:
            self._listener.close()
        self._listener = None

    def listen_again(self) -> None:
        """Let callers connect, if nobody could."""
        if self._listener is None:
            self.listen()

    def listen(self) -> None:
        """Let callers connect; they may do so before this returns to the event loop."""
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self._port))
        listening.listen(128)
        self._port = listening.getsockname()[1]
        self._starting = asyncio.create_task(self._serve(listening))

    async def _serve(self, listening: socket.socket) -> None:
        assert self._runner.server is not None
        self._listener = await asyncio.get_running_loop().create_server(self._runner.server, sock=listening)

    async def _started(self) -> None:
        if self._starting is not None:
            await self._starting


@asynccontextmanager
async def local_server(app: web.Application, faults: Faults) -> AsyncIterator[LocalServer]:
    """Serve an application while a test runs; whoever hangs then is let go."""
    server = LocalServer(app)
    await server.start()
    try:
        yield server
    finally:
        faults.released.set()
        await server.close()


class WebTransport:
    """The contract's `FaultyTransport` over such a server.

    Args:
        kinds: what stands in the requests that read, and in those that change something.
        bring: the web fault for each of the contract's; REFUSED is brought about by the port itself.
        effects: how often an order was really changed.
    """

    def __init__(
        self,
        server: LocalServer,
        faults: Faults,
        kinds: dict[Kind, tuple[str, ...]],
        bring: dict[Fault, Callable[[], WebFault]],
        effects: Callable[[str], int],
    ) -> None:
        self.faults = {*bring, Fault.REFUSED}
        self._server, self._web, self._kinds, self._bring = server, faults, kinds, bring
        self._count = effects

    def fail(self, fault: Fault, kind: Kind) -> None:
        if fault is not Fault.REFUSED:
            for what in self._kinds[kind]:
                self._web.always(what, self._bring[fault]())
        elif kind is Kind.READ:
            self._server.refuse()
        else:
            # What is read before the change still comes; then nobody listens any more.
            for what in self._kinds[Kind.READ]:
                self._web.always(what, self._last())

    def heal(self) -> None:
        self._web.heal()
        self._server.listen_again()

    def effects(self, number: str) -> int:
        return self._count(number)

    def _last(self) -> WebFault:
        async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await handler(request)
            self._server.refuse_after(response)
            return response

        return fault
