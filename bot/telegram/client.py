"""Calls to the Bot API by name, with every failure sorted into: surely not sent, maybe sent, refused for good."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Mapping
from typing import Any

import httpx
import telegram
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TimedOut,
)
from telegram.request import HTTPXRequest
from telegram.warnings import PTBUserWarning

from bot.errors import MaybeSent, NotSent, Rejected, TransportError

log = logging.getLogger(__name__)
# Raised before a byte of the request was written.
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)
TOKEN_RETRY_S = 60.0


class TelegramClient:
    """One bot at one Bot API server. Use it as an async context manager."""

    def __init__(self, token: str, api_base_url: str, *, timeout_s: float = 15.0, poll_timeout_s: float = 30.0) -> None:
        # python-telegram-bot would rather see its own methods called; by name, the outbox can hold any of them.
        warnings.filterwarnings("ignore", message="Please use 'Bot", category=PTBUserWarning)
        # Its own switch to the coming form of retry_after; without it every 429 raises a deprecation warning.
        os.environ.setdefault("PTB_TIMEDELTA", "1")
        base = api_base_url.rstrip("/")
        self._bot = telegram.Bot(
            token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=_request(timeout_s, pool=32),
            get_updates_request=_request(poll_timeout_s + 10, pool=2),
        )

    @property
    def parser(self) -> telegram.Bot:
        """The bot that updates are parsed for."""
        return self._bot

    async def __aenter__(self) -> TelegramClient:
        for request in self._bot._request:
            await request.initialize()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for request in self._bot._request:
            await request.shutdown()

    async def renew(self) -> None:
        """Throw the polling's connections away: after a silent death they cannot be trusted. Sending goes on."""
        polling, _ = self._bot._request
        await polling.shutdown()
        await polling.initialize()

    async def call(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Call a Bot API method and return its raw result.

        Raises:
            NotSent, MaybeSent, Rejected: see `bot.errors`. Conflict counts as NotSent.
        """
        try:
            return await self._bot.do_api_request(method, api_kwargs=dict(params or {}))
        except telegram.error.TelegramError as error:
            raise _sorted(error) from error
        except (KeyError, TypeError) as error:
            raise MaybeSent(f"Telegram answered without a result: {error!r}") from error


class _ServerFailed(NetworkError):
    """A server, or a gateway on the way, failed (5xx): before or after it acted, nobody knows."""


class _Request(HTTPXRequest):
    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Tell a failing server (5xx) from Telegram's own refusals, which the library would both call NetworkError."""
        status, payload = await super().do_request(*args, **kwargs)
        if status >= 500:
            raise _ServerFailed(f"The server failed with status {status}")
        return status, payload


def _request(timeout_s: float, pool: int) -> HTTPXRequest:
    """Never through a proxy from the environment: HTTP_PROXY would take loopback calls as well."""
    return _Request(
        connection_pool_size=pool,
        read_timeout=timeout_s,
        write_timeout=timeout_s,
        connect_timeout=10.0,
        pool_timeout=10.0,
        httpx_kwargs={"trust_env": False},
    )


def _sorted(error: telegram.error.TelegramError) -> TransportError:
    """Sort by what is known: the order matters, since BadRequest and TimedOut are NetworkErrors, too."""
    if isinstance(error, RetryAfter):
        return NotSent(str(error), retry_after_s=_seconds(error))
    if isinstance(error, InvalidToken):
        return NotSent("Telegram does not know this token", retry_after_s=TOKEN_RETRY_S)
    if isinstance(error, BadRequest | Forbidden | ChatMigrated):
        return Rejected(str(error))
    if isinstance(error, Conflict):
        return NotSent(f"Another program fetches this bot's updates: {error}")
    cause = error.__cause__
    # Without a cause it was Telegram itself that said, in its own words, that it did not do it.
    refused = isinstance(error, NetworkError) and cause is None and not isinstance(error, TimedOut | _ServerFailed)
    if refused or isinstance(cause, _NEVER_LEFT):
        return NotSent(str(error))
    return MaybeSent(f"{type(error).__name__}: {error}")


def _seconds(error: RetryAfter) -> float:
    after = error.retry_after
    return float(after if isinstance(after, int | float) else after.total_seconds())
