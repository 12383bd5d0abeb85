"""One exchange with the shop's API: to the configured origin only, within its limits, its failures named.

No change is sent twice from here. The desk repeats what is safe to repeat (calls.py), and a second layer of retries
would multiply the first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NoReturn

import aiohttp
from yarl import URL

from bot.errors import OrderSystemDown, OrderSystemError, OrderSystemGarbled, OrderSystemTimeout
from bot.orders.http_mapping import Auth, Endpoint, Limits
from bot.orders.http_template import Values, fill, query_text
from bot.orders.sent_once import once

_READ = 64 << 10
_CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent; `address` is without its query, whose values are encoded already. `option` names its table."""

    option: str
    method: str
    address: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any = None

    @property
    def url(self) -> str:
        """The whole address."""
        return _with_query(self.address, self.query)

    def with_parameter(self, name: str, value: str) -> Request:
        """Return it with one entry of its query, encoded already, set."""
        return replace(self, query={**self.query, name: value})

    def at(self, address: str) -> Request:
        """Return it for another whole address."""
        return replace(self, address=address, query={})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `next_link` is the address of the Link header's "next"."""

    option: str
    status: int
    body: bytes
    next_link: str | None

    def document(self) -> Any:
        """Return the answer as JSON, with a Decimal for every number that has a point.

        Raises:
            OrderSystemGarbled: when it is none.
        """
        try:
            return json.loads(self.body, parse_float=Decimal, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise OrderSystemGarbled(f"{self.option}: the answer (status {self.status}) is not JSON") from error


class Client:
    """The connections to one API; opened by the first call.

    Args:
        base_url: without a slash at its end; its origin is the only place that is ever asked.
    """

    def __init__(self, base_url: str, auth: Auth, limits: Limits) -> None:
        self._base = base_url
        self._auth = auth
        self._limits = limits
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._closed = False

    def request(self, endpoint: Endpoint, values: Values) -> Request:
        """Return an endpoint's request, filled.

        Raises:
            NotAddressable: when a value cannot stand in its path.
        """
        query = {name: template.encoded(values) for name, template in endpoint.query.items()}
        headers = {name: template.encoded(values) for name, template in endpoint.headers.items()}
        return Request(
            option=endpoint.option,
            method=endpoint.method,
            address=self._base + endpoint.path.in_path(values),
            query={name: value for name, value in query.items() if value is not None},
            headers={name: value for name, value in headers.items() if value is not None},
            body=fill(endpoint.body, values),
        )

    def followed(self, request: Request, link: str) -> Request:
        """Return the request for the next page that the API names.

        Raises:
            OrderSystemGarbled: when it is no address, or one that the configuration did not name.
        """
        try:
            url = URL(request.url, encoded=True).join(URL(link))
            same = url.user is None and url.password is None and url.origin() == URL(self._base).origin()
        except ValueError as error:
            raise OrderSystemGarbled(f"{request.option}: the next page's address is none") from error
        if not same:
            raise OrderSystemGarbled(f"{request.option}: the next page is not at the origin of base_url")
        return request.at(str(url.with_fragment(None)))

    async def read(self, request: Request) -> Answer:
        """Ask something that changes nothing.

        Raises:
            OrderSystemDown: it was not reached, the connection broke, or it cannot serve now.
            OrderSystemTimeout: no answer in time.
            OrderSystemGarbled: the answer is too long, or is no HTTP.
        """
        return await self._send(request, changing=False)

    async def write(self, request: Request) -> Answer:
        """Ask for a change, exactly once.

        Raises:
            OrderSystemDown: it was not reached, so that surely nothing was done.
            OrderSystemTimeout: no answer in time, or the connection broke; it may have been done.
            OrderSystemGarbled: the answer is too long, or is no HTTP; it may have been done.
        """
        return await self._send(request, changing=True)

    async def hello(self) -> Answer:
        """Ask for the base address itself; see `read`."""
        return await self.read(Request("orders.http.base_url", "GET", self._base, {}, {}))

    def check_open(self) -> None:
        """Raise OrderSystemDown after `close`."""
        if self._closed:
            raise OrderSystemDown("the connection to the shop's API is closed")

    async def close(self) -> None:
        """Close the connections; later calls raise OrderSystemDown."""
        self._closed = True
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    async def _send(self, request: Request, *, changing: bool) -> Answer:
        try:
            return await self._exchange(request, self._session(changing))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # An error of aiohttp may name the whole address, in which the key may stand.
            raise self._failure(request.option, error, changing) from (None if self._auth.query else error)

    async def _exchange(self, request: Request, session: aiohttp.ClientSession) -> Answer:
        url = URL(self._authorised(request.url), encoded=True)
        body = None if request.body is None else json.dumps(request.body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        async with session.request(
            request.method, url, data=body, headers={**kind, **request.headers}, allow_redirects=False
        ) as response:
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                # A packed answer could grow beyond the limit; none was asked for.
                raise OrderSystemGarbled(f"{request.option}: the answer is packed, though that was not asked for")
            data = await self._read(request.option, response)
            return Answer(request.option, response.status, data, _next_link(response))

    async def _read(self, option: str, response: aiohttp.ClientResponse) -> bytes:
        data = bytearray()
        async for part in response.content.iter_chunked(_READ):
            data += part
            if len(data) > self._limits.max_answer_bytes:
                response.close()  # The rest is not wanted, so the connection is of no more use.
                limit = self._limits.max_answer_bytes
                raise OrderSystemGarbled(f"{option}: the answer is longer than orders.http.max_answer_bytes, {limit}")
        return bytes(data)

    def _authorised(self, url: str) -> str:
        # The API's own link to a next page may hold the key already.
        known = URL(url, encoded=True).query
        return _with_query(url, {name: value for name, value in self._auth.query.items() if name not in known})

    def _session(self, changing: bool) -> aiohttp.ClientSession:
        self.check_open()
        if changing not in self._sessions:
            # A kept connection may be closed by the other side just as it is used again, and nobody can tell then
            # whether a change was received. So it gets a new one.
            connector = aiohttp.TCPConnector(limit=_CONNECTIONS, force_close=changing)
            limits = self._limits
            self._sessions[changing] = aiohttp.ClientSession(
                connector=connector,
                headers={"Accept": "application/json", "Accept-Encoding": "identity", **self._auth.headers},
                timeout=aiohttp.ClientTimeout(
                    total=limits.total_s, connect=limits.connect_s, sock_connect=limits.connect_s
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                middlewares=(once,) if changing else (),
                # A proxy or a .netrc of the environment is no address that the configuration named.
                trust_env=False,
            )
        return self._sessions[changing]

    def _failure(self, option: str, error: Exception, changing: bool) -> OrderSystemError:
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return OrderSystemDown(f"{option}: the shop's API cannot be reached within {self._limits.connect_s:g} s")
        if isinstance(error, aiohttp.ClientConnectorError):
            return OrderSystemDown(f"{option}: the shop's API cannot be reached ({_os_reason(error)})")
        if isinstance(error, TimeoutError):
            return OrderSystemTimeout(f"{option}: no answer within {self._limits.total_s:g} s")
        if isinstance(error, aiohttp.ClientResponseError):
            return OrderSystemGarbled(f"{option}: the answer is no HTTP")
        if isinstance(error, aiohttp.InvalidURL):
            return OrderSystemGarbled(f"{option}: the address is none")
        broken = f"{option}: the connection broke"
        return OrderSystemTimeout(broken) if changing else OrderSystemDown(broken)


def _with_query(url: str, query: Mapping[str, str]) -> str:
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{query_text(query)}"


def _next_link(response: aiohttp.ClientResponse) -> str | None:
    try:
        link = response.links.get("next")
    except ValueError:
        # An address that cannot be parsed; following it says so, where it matters.
        return "//"
    return None if link is None else str(link["url"])


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _os_reason(error: aiohttp.ClientConnectorError) -> str:
    return (error.os_error.strerror or type(error.os_error).__name__).splitlines()[0][:100]
