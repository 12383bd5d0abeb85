"""A change goes out once: aiohttp by itself sends a PUT or a DELETE again when a connection breaks."""

from __future__ import annotations

import aiohttp


class Broken(aiohttp.ClientError):
    """The connection broke after a change was sent."""


async def once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Be the middleware of requests that change something."""
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise Broken(str(error)) from error
