"""Calls to one shop's web API: one origin, within limits, and every failure said in the desk's three words.

Whether a failed call may have changed something decides what the desk does next, so that is what the errors tell apart:
OrderSystemDown only when surely nothing was done, OrderSystemTimeout or OrderSystemGarbled when it may have been.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import aiohttp

from bot.errors import OrderSystemDown, OrderSystemError, OrderSystemGarbled, OrderSystemTimeout
from bot.orders.sent_once import once

log = logging.getLogger(__name__)

CONNECT_S = 5.0
MAX_ANSWER = 8 << 20
_READ = 64 << 10
_SAID = 200

# The server looked at who asks, or how often, and went no further: nothing was done.
_TURNED_AWAY = {
    HTTPStatus.UNAUTHORIZED: "the key is wrong, or lacks the right for this",
    HTTPStatus.PAYMENT_REQUIRED: "the shop's account is frozen",
    HTTPStatus.FORBIDDEN: "the key lacks the right for this, or a firewall is in the way",
    HTTPStatus.LOCKED: "the shop is locked",
    HTTPStatus.TOO_MANY_REQUESTS: "too many calls",
    430: "the calls were taken for an attack",
}


class TurnedAway(OrderSystemDown):
    """The API did not let the call in; nothing was done."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """An answer: `data` is its JSON, with fractions as Decimal, or None where a refusal held none."""

    status: int
    headers: Mapping[str, str]
    data: Any

    @property
    def ok(self) -> bool:
        """Whether the call was granted."""
        return self.status < HTTPStatus.BAD_REQUEST


class WebCalls:
    """Calls the API under one address; the connection is made with the first call and kept.

    Args:
        name: the adapter's, for messages and the log.
        base: scheme, host and perhaps a path, without a slash at the end; nothing else is ever called.
        headers: sent with every call, such as the authorization.
        timeout_s: for one call in all.
    """

    def __init__(self, name: str, base: str, *, headers: Mapping[str, str], timeout_s: float) -> None:
        self._name = name
        self._base = base
        self._headers = {"Accept": "application/json", **headers}
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def read(self, path: str, query: Mapping[str, str] | None = None) -> WebAnswer:
        """Get what stands at `path`; see `send`."""
        return await self.send("GET", path, query=query, changes=False)

    async def send(
        self,
        method: str,
        path: str,
        *,
        changes: bool,
        query: Mapping[str, str] | None = None,
        body: object = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> WebAnswer:
        """Make one call and return its answer: 2xx, or a refusal that is the caller's to read (400, 404, ...).

        Args:
            changes: whether the call may change something at the shop.
            body, form: what is sent, as JSON or as a web form.

        Raises:
            OrderSystemDown: surely nothing was done.
            OrderSystemTimeout, OrderSystemGarbled: no answer or none that makes sense; if `changes`, it may be done.
        """
        try:
            status, received, raw = await self._exchange(
                method, path, changes, params=query, json=body, data=form, headers=headers
            )
        except aiohttp.ClientConnectorError as error:
            raise OrderSystemDown(f"{self._name} cannot be reached") from error
        except aiohttp.ConnectionTimeoutError as error:
            raise OrderSystemDown(f"{self._name} cannot be reached within {CONNECT_S:g} s") from error
        except TimeoutError as error:
            raise OrderSystemTimeout(f"{self._name} did not answer within {self._timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._unclear(changes, f"the connection broke ({type(error).__name__})") from error
        self._refuse(status, raw, changes)
        return WebAnswer(status, received, self._json(status, raw))

    async def _exchange(
        self, method: str, path: str, changes: bool, **sent: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        middlewares = (once,) if changes else None
        request = self._open().request(
            method, self._base + path, allow_redirects=False, middlewares=middlewares, **sent
        )
        async with request as response:
            return response.status, response.headers, await self._read_at_most(response)

    async def close(self) -> None:
        """Close the connections; later calls raise OrderSystemDown."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise OrderSystemDown(f"the connection to {self._name} was closed")
        if self._session is None:
            # No proxy from the environment and no cookies: the configuration alone says where calls go, and as whom.
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=self._timeout_s, sock_connect=CONNECT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session

    async def _read_at_most(self, response: aiohttp.ClientResponse) -> bytes:
        data = bytearray()
        async for part in response.content.iter_chunked(_READ):
            data += part
            if len(data) > MAX_ANSWER:
                response.close()  # The rest is not wanted, so the connection is of no more use.
                raise OrderSystemGarbled(f"{self._name}'s answer is longer than {MAX_ANSWER} bytes")
        return bytes(data)

    def _refuse(self, status: int, raw: bytes, changes: bool) -> None:
        """Raise for the answers that mean the same in every API."""
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            raise OrderSystemDown(f"{self._name} redirects ({status}): give its final address in the configuration")
        if status in _TURNED_AWAY:
            said = said_of(raw)
            log.warning("orders.turned_away", extra={"adapter": self._name, "status": status, "said": said})
            raise TurnedAway(status, f"{self._name} answered {status} ({_TURNED_AWAY[status]}): {said}")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("orders.failed", extra={"adapter": self._name, "status": status})
            raise self._unclear(changes, f"it answered {status}")

    def _unclear(self, changes: bool, what: str) -> OrderSystemError:
        if changes:
            return OrderSystemTimeout(f"{self._name}: {what}; it may have acted")
        return OrderSystemDown(f"{self._name}: {what}")

    def _json(self, status: int, raw: bytes) -> Any:
        try:
            return json.loads(raw, parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            if status >= HTTPStatus.BAD_REQUEST:
                return None
            raise OrderSystemGarbled(f"{self._name}'s answer is not JSON") from error


def said_of(raw: bytes) -> str:
    """Return what a refusal says of its reason, as one short line: its code, message or error; never a web page."""
    try:
        data: Any = json.loads(raw)
    except (ValueError, RecursionError):
        return ""
    parts = [data.get(name) for name in ("code", "message", "errors", "error")] if isinstance(data, dict) else []
    text = ": ".join(part if isinstance(part, str) else json.dumps(part) for part in parts if part)
    return "".join(character if character.isprintable() else " " for character in text)[:_SAID]


@contextmanager
def may_have_acted() -> Iterator[None]:
    """Within, something was changed already: what says 'surely nothing was done' does not hold any more.

    Raises:
        OrderSystemTimeout: in place of OrderSystemDown.
    """
    try:
        yield
    except OrderSystemDown as error:
        raise OrderSystemTimeout(f"{error}; but something was sent before that") from error
