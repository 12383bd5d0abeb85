"""The updates that wait for the bot, with getUpdates' own habits."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Collection
from typing import Any

from bot.simulator.params import ApiError

Update = dict[str, Any]

KINDS = frozenset(
    {
        "message",
        "edited_message",
        "channel_post",
        "edited_channel_post",
        "business_connection",
        "business_message",
        "edited_business_message",
        "deleted_business_messages",
        "message_reaction",
        "message_reaction_count",
        "inline_query",
        "chosen_inline_result",
        "callback_query",
        "shipping_query",
        "pre_checkout_query",
        "purchased_paid_media",
        "poll",
        "poll_answer",
        "my_chat_member",
        "chat_member",
        "chat_join_request",
        "chat_boost",
        "removed_chat_boost",
    }
)
DEFAULT_KINDS = KINDS - {"chat_member", "message_reaction", "message_reaction_count"}
POLL_LIMIT_S = 50
HASTE_S = 0.5

SECOND_POLLER = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_SET = "Conflict: terminated by setWebhook request"
WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)


class UpdateQueue:
    """Updates in order, kept until a poll with a higher offset confirms them or a webhook takes them."""

    def __init__(self, first_id: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        # Ids start at random, as they do after an idle week: a bot that restarts must not take new ones for old ones.
        self._next_id = random.randrange(10**8, 9 * 10**8) if first_id is None else first_id  # noqa: S311 (no secret)
        self._clock = clock
        self.pending: deque[Update] = deque()
        self._allowed: Collection[str] = DEFAULT_KINDS
        self.polling = asyncio.Event()
        self._poll: asyncio.Future[None] | None = None
        self.added = asyncio.Event()
        self._closed = False
        self._last_offset: tuple[int, float] | None = None

    def __len__(self) -> int:
        return len(self.pending)

    def add(self, body: Update) -> int:
        """Queue an update and return its id; one of a type that the bot did not allow only uses up its id.

        A body that brings its own `update_id` keeps it, so that a test can deliver one twice.
        """
        if "update_id" in body:
            update = dict(body)
        else:
            update = {"update_id": self._next_id, **body}
            self._next_id += 1
        if not (body.keys() & KINDS) - set(self._allowed):
            self.pending.append(update)
            self.added.set()
            self.polling.clear()
        return int(update["update_id"])

    def allow(self, kinds: Any) -> None:
        """Set the types to deliver; None keeps the former choice, an empty list means Telegram's default."""
        if isinstance(kinds, list):
            self._allowed = KINDS & set(map(str, kinds)) or DEFAULT_KINDS

    @property
    def allowed(self) -> list[str] | None:
        """The types to deliver, or None for the default."""
        return None if self._allowed == DEFAULT_KINDS else sorted(self._allowed)

    async def poll(self, offset: int, limit: int, timeout_s: float) -> list[Update]:
        """Confirm what is below the offset and return what is not, waiting for the first one if there is none.

        Raises:
            ApiError: 409 when another poll or a webhook takes this one's place.
        """
        self.interrupt(SECOND_POLLER)
        limit = self._hasty(offset, limit)
        self._confirm(offset)
        if not self.pending and timeout_s > 0 and not self._closed:
            await self._wait(timeout_s)
            self._confirm(offset)
        return list(self.pending)[:limit] if len(self.pending) > limit else list(self.pending)

    def drop(self, update: Update) -> None:
        """Forget an update that a webhook took."""
        for index, waiting in enumerate(self.pending):
            if waiting is update:
                del self.pending[index]
                return

    def clear(self) -> None:
        """Forget all waiting updates."""
        self.pending.clear()

    def interrupt(self, reason: str) -> None:
        """End the poll under way with a 409 and this reason."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_exception(ApiError(409, reason))
        self._poll = None

    def close(self) -> None:
        """End the poll under way as if its time were over, and let no other one wait."""
        self._closed = True
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    async def _wait(self, timeout_s: float) -> None:
        poll = self._poll = asyncio.get_running_loop().create_future()
        self.added.clear()
        self.polling.set()
        added = asyncio.ensure_future(self.added.wait())
        try:
            await asyncio.wait({poll, added}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if poll.done():
                poll.result()
        finally:
            added.cancel()
            if self._poll is poll:
                self._poll = None
            if self._poll is None:
                self.polling.clear()

    def _hasty(self, offset: int, limit: int) -> int:
        """Give one update at a time to a bot that repeats an offset within half a second, as Telegram does."""
        now, last = self._clock(), self._last_offset
        self._last_offset = (offset, now)
        return 1 if last and last[0] == offset and now - last[1] < HASTE_S else limit

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            while len(self.pending) > -offset:
                self.pending.popleft()
            return
        while self.pending and self.pending[0]["update_id"] < offset:
            self.pending.popleft()
