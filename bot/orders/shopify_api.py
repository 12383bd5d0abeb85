"""Shopify's Admin API over GraphQL: one operation a call, its errors told apart, and the access token kept fresh.

Shopify answers most failures with 200 and a list of errors, so that the status alone tells nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Protocol

from bot.errors import OrderSystemDown, OrderSystemError, OrderSystemGarbled, OrderSystemTimeout
from bot.orders.web_calls import TurnedAway, WebCalls
from bot.orders.web_reading import Fields

UNAUTHORIZED = 401
# Half of an hour before its end, for a clock that is wrong and a call that takes its time.
_EARLY_S = 1800.0
# The operation was looked at and not begun.
_NOT_BEGUN = {"THROTTLED", "SHOP_INACTIVE", "MAX_COST_EXCEEDED"}


class NotAllowed(OrderSystemDown):
    """The app has no right to what was asked for; nothing was done."""


class Token(Protocol):
    """Knows the access token."""

    async def get(self) -> str:
        """Return a token that is valid as far as is known."""

    def drop(self) -> bool:
        """Forget a token that was refused; return whether there may be a newer one."""


class FixedToken:
    """The token of an app that was made in the shop's admin, which never ends."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def get(self) -> str:
        """Return it."""
        return self._token

    def drop(self) -> bool:
        """Keep it: there is no other."""
        return False


class FetchedToken:
    """The token of an app of the Dev Dashboard: asked for with the app's id and secret, and good for a day.

    Args:
        calls: to the shop.
        client_id, secret: the app's.
    """

    def __init__(self, calls: WebCalls, client_id: str, secret: str) -> None:
        self._calls = calls
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        self._token: str | None = None
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def get(self) -> str:
        """Return the token, asking for one where there is none or it ends soon.

        Raises:
            OrderSystemDown, OrderSystemTimeout, OrderSystemGarbled: when none can be had.
        """
        async with self._asking:
            if self._token is None or time.monotonic() >= self._until:
                answer = await self._calls.send("POST", "/admin/oauth/access_token", changes=False, form=self._form)
                if not answer.ok:
                    raise OrderSystemDown("shopify gives out no access token: check client_id and client_secret")
                data = Fields(answer.data, "access_token")
                self._token = data.text("access_token")
                self._until = time.monotonic() + data.whole("expires_in") - _EARLY_S
            return self._token

    def drop(self) -> bool:
        """Forget it, so that the next call asks for another."""
        self._token = None
        return True


class Graph:
    """Sends operations.

    Args:
        calls: to the shop.
        token: the access token.
        version: of the API, such as "2026-10".
    """

    def __init__(self, calls: WebCalls, token: Token, version: str) -> None:
        self._calls = calls
        self._token = token
        self._path = f"/admin/api/{version}/graphql.json"
        self.version = version
        self.served_version = version

    async def query(self, text: str, **variables: object) -> Fields:
        """Return the data of an operation that changes nothing.

        Raises:
            OrderSystemDown, OrderSystemTimeout, OrderSystemGarbled: see `WebCalls.send`.
        """
        return await self._run(text, variables, changes=False)

    async def mutate(self, text: str, **variables: object) -> Fields:
        """Return the data of an operation that changes something, likewise; it may have been done after an error.

        Raises:
            OrderSystemDown: surely nothing was done.
            OrderSystemTimeout, OrderSystemGarbled: it may be done.
        """
        return await self._run(text, variables, changes=True)

    async def _run(self, text: str, variables: Mapping[str, object], *, changes: bool) -> Fields:
        try:
            return await self._send(text, variables, changes)
        except TurnedAway as error:
            if error.status != UNAUTHORIZED or not self._token.drop():
                raise
        return await self._send(text, variables, changes)

    async def _send(self, text: str, variables: Mapping[str, object], changes: bool) -> Fields:
        headers = {"X-Shopify-Access-Token": await self._token.get()}
        body = {"query": text, "variables": dict(variables)}
        answer = await self._calls.send("POST", self._path, changes=changes, body=body, headers=headers)
        if not answer.ok:
            raise OrderSystemDown(f"shopify answered {answer.status}: check the shop's address and the API's version")
        self.served_version = answer.headers.get("X-Shopify-API-Version", self.served_version)
        data = Fields(answer.data, "answer")
        if data.raw("errors"):
            raise _error(data.raw("errors"), changes)
        return data.part("data")


def _error(errors: Any, changes: bool) -> OrderSystemError:
    """Return what a list of errors comes to; half an answer that came with it is never used."""
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    extensions = first.get("extensions") if isinstance(first.get("extensions"), dict) else {}
    code, message = str((extensions or {}).get("code") or ""), str(first.get("message") or errors)[:200]
    if code == "ACCESS_DENIED":
        return NotAllowed(f"shopify answered {code}: {message}")
    if code in _NOT_BEGUN:
        return OrderSystemDown(f"shopify answered {code}: {message}")
    if code == "INTERNAL_SERVER_ERROR":
        if changes:
            return OrderSystemTimeout("shopify failed within itself; it may have acted")
        return OrderSystemDown("shopify failed within itself")
    return OrderSystemGarbled(f"shopify does not understand the question ({code or message})")
