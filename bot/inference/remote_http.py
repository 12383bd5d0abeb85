"""HTTP to a model's server: kept connections, answers read as they come, each wait within its time.

The only file that touches aiohttp in this room; its errors end here.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp

from bot.errors import PassReason, TierPassed
from bot.inference.circuit import ServerFailed
from bot.inference.sse import EventDecoder

MAX_ANSWER = 1 << 20
CONNECT_S, KEPT_S, PARTING_S = 5.0, 60.0, 0.5
SHUT_DOWN = "it is shut down"


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a call must be over, by the event loop's clock, and how many seconds it had for that."""

    at: float
    seconds: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the deadline of a call that begins now."""
        return cls(asyncio.get_running_loop().time() + seconds, seconds)


class ModelHttp:
    """The connections to one server; made with the first call, and kept.

    Args:
        base: the address, up to and with `/v1`.
    """

    def __init__(self, base: str, key: str | None) -> None:
        self._base = base
        self._key = key
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    @asynccontextmanager
    async def call(
        self, method: str, path: str, deadline: Deadline, body: Mapping[str, Any] | None = None
    ) -> AsyncIterator[Answer]:
        """Give the answer once its head is there. Whoever leaves before it was read closes its connection.

        Raises:
            TierPassed: the server was not reached, not in time, or hung up, then and whenever the answer is read.
        """
        with self._errors():
            try:
                async with asyncio.timeout_at(deadline.at):
                    response = await self._send(method, path, body)
            except aiohttp.ConnectionTimeoutError:
                raise ServerFailed(PassReason.UNAVAILABLE, f"it cannot be reached within {CONNECT_S:g} s") from None
            except TimeoutError:
                raise ServerFailed(PassReason.SLOW, f"no answer within {deadline.seconds:g} s") from None
        try:
            with self._errors():
                yield Answer(response, deadline)
        finally:
            response.release()

    async def close(self) -> None:
        """Close the connections, those in use too; their callers and all later ones are told so."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> aiohttp.ClientResponse:
        try:
            return await self._send_once(method, path, body)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            # A kept connection may be closed just as it is used again: by vLLM after five idle seconds, by llama-server
            # after every stream. Asking twice harms nothing.
            return await self._send_once(method, path, body)

    async def _send_once(self, method: str, path: str, body: Mapping[str, Any] | None) -> aiohttp.ClientResponse:
        # Built here, not by aiohttp: lone surrogates pass as escapes, which strict servers would refuse.
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        return await self._open().request(method, self._base + path, data=data, allow_redirects=False)

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise TierPassed(PassReason.UNAVAILABLE, SHUT_DOWN)
        if self._session is None:
            headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
            headers["Accept-Encoding"] = "identity"  # A proxy that packs a stream holds it back.
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            self._session = aiohttp.ClientSession(
                headers=headers,
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT_S),
                # How long an answer may take is the deadline's.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
                # A proxy for the world outside must not take calls to this machine.
                trust_env=False,
            )
        return self._session

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except aiohttp.ClientConnectorError as error:
            raise ServerFailed(PassReason.UNAVAILABLE, f"it cannot be reached ({_os_reason(error)})") from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise TierPassed(PassReason.UNAVAILABLE, "'base_url' is no web address") from error
        except (aiohttp.ClientError, OSError) as error:
            if self._closed:
                raise TierPassed(PassReason.UNAVAILABLE, SHUT_DOWN) from error
            raise ServerFailed(PassReason.BROKEN, f"the connection broke ({type(error).__name__})") from error


class Answer:
    """An answer whose head is there, and whose body is read as it comes."""

    def __init__(self, response: aiohttp.ClientResponse, deadline: Deadline) -> None:
        self.status = response.status
        self.is_stream = response.content_type == "text/event-stream"
        self._content = response.content
        self._deadline = deadline
        self._size = 0
        self._decoder = EventDecoder()
        self._events: deque[str] = deque()

    async def whole(self) -> bytes:
        """Return the whole body. Raises TierPassed when it is too long or too slow."""
        body = bytearray()
        while part := await self._part(self._deadline.at):
            body += part
        return bytes(body)

    async def event(self, quiet_s: float | None = None) -> str | None:
        """Return the data of the next event, or None at the end.

        Args:
            quiet_s: how long the server may be silent; comments, which some send to keep a connection, are silence.

        Raises:
            TierPassed: as `whole`, or SLOW after the silence.
        """
        quiet_at = asyncio.get_running_loop().time() + quiet_s if quiet_s is not None else self._deadline.at
        while not self._events:
            if not (part := await self._part(quiet_at)):
                return None
            self._events.extend(self._decoder.feed(part))
        return self._events.popleft()

    async def see_off(self) -> None:
        """Wait a moment for the body's end, so that the connection can be kept."""
        with suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(PARTING_S):
                await self._content.readany()

    async def _part(self, quiet_at: float) -> bytes:
        """Return the next bytes of the body, none at its end."""
        try:
            async with asyncio.timeout_at(min(quiet_at, self._deadline.at)):
                part = await self._content.readany()
        except TimeoutError:
            raise ServerFailed(PassReason.SLOW, self._why_slow(quiet_at)) from None
        self._size += len(part)
        if self._size > MAX_ANSWER:
            raise TierPassed(PassReason.INVALID, f"its answer is longer than {MAX_ANSWER} bytes")
        return part

    def _why_slow(self, quiet_at: float) -> str:
        if quiet_at < self._deadline.at:
            return "it fell silent in the middle of its answer"
        return f"no whole answer within {self._deadline.seconds:g} s"


def _os_reason(error: aiohttp.ClientConnectorError) -> str:
    return (error.os_error.strerror or type(error.os_error).__name__).splitlines()[0][:100]
