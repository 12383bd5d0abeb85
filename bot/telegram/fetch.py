"""Fetch updates: raw, committed to the inbox, and only then acknowledged by the next offset."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from bot.domain.journal import Inbox, InboxItem, RawUpdate
from bot.domain.ports import Monitor
from bot.errors import StoreError, TransportError
from bot.telegram.client import TelegramClient

log = logging.getLogger(__name__)
SOURCE = "telegram"
ALLOWED = ["message", "edited_message", "callback_query", "my_chat_member"]
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0


class Poller:
    """Polls until it is cancelled. A poll that neither answers nor fails is noticed and its connection replaced."""

    def __init__(
        self,
        client: TelegramClient,
        inbox: Inbox,
        deliver: Callable[[Sequence[InboxItem]], None],
        monitor: Monitor,
        *,
        bot: str,
        timeout_s: int = 30,
        silence_s: float = 15.0,
    ) -> None:
        self._client, self._inbox, self._deliver, self._monitor = client, inbox, deliver, monitor
        self._bot, self._timeout_s, self._silence_s = bot, timeout_s, silence_s
        self._answered_at = time.monotonic()
        self._pause_s = 0.0

    @property
    def age_s(self) -> float:
        """Seconds since Telegram last answered a poll."""
        return time.monotonic() - self._answered_at

    @property
    def stale(self) -> bool:
        """Whether the silence is longer than a healthy poll can be."""
        return self.age_s > 2 * (self._timeout_s + self._silence_s)

    async def run(self) -> None:
        """Fetch, commit, deliver, for ever."""
        offset: int | None = None
        while True:
            if self._pause_s:
                await asyncio.sleep(self._pause_s)
            updates = await self._fetch(offset)
            if updates is None or (updates and not await self._keep(updates)):
                continue
            ids = [update["update_id"] for update in updates if _has_id(update)]
            if updates and not ids:
                # Nothing that could be acknowledged: the same answer comes again, so there is no hurry.
                self._back_off("poll.senseless", ValueError("updates without an update_id"))
            # After an empty answer all is acknowledged; a remembered offset would hide ids that start anew, lower.
            offset = 1 + max(ids) if ids else None

    async def _fetch(self, offset: int | None) -> Sequence[dict[str, Any]] | None:
        """Return what waits at Telegram, whatever it looks like; None when the poll failed."""
        params: dict[str, Any] = {"timeout": self._timeout_s, "limit": 100, "allowed_updates": ALLOWED}
        if offset is not None:
            params["offset"] = offset
        try:
            async with asyncio.timeout(self._timeout_s + self._silence_s):
                updates = await self._client.call("getUpdates", params)
        except TimeoutError:
            self._monitor.event("poll_healed")
            log.warning("poll.silent", extra={"after_s": self._timeout_s + self._silence_s})
            await self._client.renew()
            return None
        except TransportError as error:
            self._back_off("poll.failed", error)
            return None
        if not isinstance(updates, list) or not all(isinstance(update, dict) for update in updates):
            self._back_off("poll.senseless", TypeError("no list of updates"))
            return None
        self._answered_at, self._pause_s = time.monotonic(), 0.0
        return updates

    async def _keep(self, updates: Sequence[dict[str, Any]]) -> bool:
        """Commit the batch; what cannot be committed is not acknowledged, so Telegram keeps it."""
        try:
            items = await self._inbox.commit([raw_update(update, self._bot) for update in updates])
        except StoreError as error:
            self._back_off("inbox.failed", error)
            return False
        self._deliver(items)
        return True

    def _back_off(self, event: str, error: Exception) -> None:
        retry = getattr(error, "retry_after_s", None)
        self._pause_s = retry or min(LONGEST_PAUSE_S, max(FIRST_PAUSE_S, 2 * self._pause_s))
        log.warning(event, extra={"error": str(error), "again_in_s": self._pause_s})


def _has_id(update: dict[str, Any]) -> bool:
    """Whether it has an id that an offset can be made of; a negative offset would throw updates away."""
    found = update.get("update_id")
    return isinstance(found, int) and not isinstance(found, bool) and found >= 0


def raw_update(update: dict[str, Any], bot: str) -> RawUpdate:
    """Return an update as the inbox keeps it; ASCII JSON, since a lone surrogate cannot be stored otherwise."""
    payload = json.dumps(update, separators=(",", ":"))
    return RawUpdate(SOURCE, bot, str(update["update_id"]) if _has_id(update) else _digest(payload.encode()), payload)


def raw_body(body: bytes, bot: str) -> RawUpdate:
    """Return a webhook's body likewise; what is no update is kept to be quarantined."""
    try:
        update = json.loads(body)
        if isinstance(update, dict):
            return raw_update(update, bot)
    except (ValueError, RecursionError):
        log.warning("webhook.no_json", extra={"bytes": len(body)})
    return RawUpdate(SOURCE, bot, _digest(body), body[:4096].decode("utf-8", "replace").replace("\x00", "\ufffd"))


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
