"""Delivery of updates by webhook: each chat's in order, again and again until the bot answers 2xx."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.simulator.params import bad_request
from bot.simulator.updates import Update, UpdateQueue

log = logging.getLogger(__name__)

_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_LOOK_AHEAD = 200
_LONGEST_PAUSE_S = 10.0
_ANSWER_WITHIN_S = 30.0


@dataclass(slots=True)
class Hook:
    """Where updates are delivered."""

    url: str
    secret: str
    max_connections: int
    first_pause_s: float = 0.1
    last_error: dict[str, Any] = field(default_factory=dict)


def check_url(url: str) -> None:
    """Refuse an address that is not on this machine: a simulator must never call out."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not is_loopback(parts.hostname or ""):
        raise bad_request("bad webhook: the simulator delivers to loopback addresses only")


def check_secret(secret: str) -> str:
    """Return the secret token, or refuse it."""
    if secret and not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    return secret


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is surely this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Delivery:
    """Posts the waiting updates: one at a time of each chat, several chats side by side."""

    def __init__(self, updates: UpdateQueue, hook: Hook) -> None:
        self._updates = updates
        self._hook = hook
        self._lanes: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Deliver until cancelled."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_WITHIN_S)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
            try:
                while True:
                    self._updates.added.clear()
                    self._start(session)
                    await self._something_happens()
            finally:
                await _cancel(self._lanes.values())

    def _start(self, session: aiohttp.ClientSession) -> None:
        """Begin the first waiting update of every chat that has none under way."""
        for update in islice(self._updates.pending, _LOOK_AHEAD):
            chat_id = _chat_of(update)
            if chat_id not in self._lanes and len(self._lanes) < self._hook.max_connections:
                deliver = self._deliver(session, update)
                self._lanes[chat_id] = asyncio.create_task(deliver, name=f"simulator.webhook.{chat_id}")

    async def _something_happens(self) -> None:
        added = asyncio.create_task(self._updates.added.wait(), name="simulator.webhook.added")
        try:
            await asyncio.wait({added, *self._lanes.values()}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            added.cancel()
        for chat_id, lane in list(self._lanes.items()):
            if lane.done():
                del self._lanes[chat_id]
                lane.result()

    async def _deliver(self, session: aiohttp.ClientSession, update: Update) -> None:
        """Post one update until it is taken."""
        pause = self._hook.first_pause_s
        while not await self._post(session, update):
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
        self._updates.drop(update)

    async def _post(self, session: aiohttp.ClientSession, update: Update) -> bool:
        hook = self._hook
        headers = {"Content-Type": "application/json"}
        if hook.secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = hook.secret
        try:
            body = json.dumps(update).encode()
            async with session.post(hook.url, data=body, headers=headers, allow_redirects=False) as response:
                if 200 <= response.status < 300:
                    return True
                failure = f"Wrong response from the webhook: {response.status} {response.reason}"
        except aiohttp.ClientConnectorError:
            failure = "Connection refused"
        except (aiohttp.ClientError, TimeoutError):
            failure = "Read timeout expired"
        hook.last_error = {"last_error_date": int(time.time()), "last_error_message": failure}
        log.info("webhook.refused", extra={"reason": failure})
        return False


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    cancelled = [task for task in tasks if task.cancel()]
    if cancelled:
        await asyncio.wait(cancelled)


def _chat_of(update: Update) -> int:
    """Return the chat whose order an update must keep; 0 for those of no chat."""
    for body in update.values():
        chat = _part(body, "chat") or _part(_part(body, "message"), "chat") or _part(body, "from")
        if isinstance(chat.get("id"), int):
            return int(chat["id"])
    return 0


def _part(body: Any, name: str) -> dict[str, Any]:
    part = body.get(name) if isinstance(body, dict) else None
    return part if isinstance(part, dict) else {}
