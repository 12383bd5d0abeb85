"""Opens the port and closes it again."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from bot.errors import ConfigError, Problem

log = logging.getLogger(__name__)

# aiohttp also ends with it a connection that does not finish its headers.
_IDLE_S = 75.0
# How long the rest of a refused body is read and thrown away, so that its sender gets to see the answer.
_LINGERING_S = 2.0
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 # Recognised, not bound.


@asynccontextmanager
async def serve(
    app: web.Application, host: str, port: int, *, shutdown_s: float = 2.0, idle_s: float = _IDLE_S
) -> AsyncIterator[str]:
    """Serve `app` until the block is left; yields its address, such as "http://127.0.0.1:8080".

    Port 0 takes a free one. On leaving, no new connection is taken, requests under way have `shutdown_s` seconds to
    end, and then they are cancelled.

    Raises:
        ConfigError: naming web.port or web.host, and what helps.
    """
    # A client who goes away must not cut off a commit, or the turn that it asked for.
    runner = web.AppRunner(
        app,
        access_log=None,
        # Nobody here reads compressed bodies, and a refused one would be unpacked only to be thrown away.
        auto_decompress=False,
        handler_cancellation=False,
        keepalive_timeout=idle_s,
        lingering_time=_LINGERING_S,
        # aiohttp waits this long twice: for requests to end, and once more after telling them to.
        shutdown_timeout=shutdown_s / 2,
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise ConfigError([_problem(error, host, port)]) from error
        url = f"http://{_shown(host)}:{runner.addresses[0][1]}"
        log.info("web.started", extra={"url": url})
        yield url
    finally:
        await runner.cleanup()
        log.info("web.stopped")


def _shown(host: str) -> str:
    return _WILDCARDS.get(host) or (f"[{host}]" if ":" in host else host)


def _problem(error: OSError, host: str, port: int) -> Problem:
    # From Python 3.13 on, asyncio says in words that no address can be had, and gives no number.
    if isinstance(error, socket.gaierror) or error.errno in (errno.EADDRNOTAVAIL, None):
        remedy = "Use 127.0.0.1 for this machine only, or 0.0.0.0 for all of its addresses"
        return Problem("web.host", f"{host!r} is not an address of this machine", f"{remedy}.")
    if error.errno == errno.EADDRINUSE:
        remedy = f"Stop the other program, or set web.port (DESKHAND_WEB__PORT) to another one, such as {port + 1}"
        return Problem("web.port", f"port {port} on {host} is taken", f"{remedy}.")
    if error.errno in (errno.EACCES, errno.EPERM):
        remedy = "Set web.port (DESKHAND_WEB__PORT) to one above 1023"
        return Problem("web.port", f"port {port} may not be opened by this user", f"{remedy}.")
    return Problem("web.port", f"port {port} on {host!r} cannot be opened: {error.strerror}", "Choose another one.")
