"""Telegram's rate limits, enforced when a test or a benchmark asks for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from bot.simulator.params import ApiError

LIMITED = frozenset(
    {
        "sendMessage",
        "sendPhoto",
        "sendDocument",
        "sendMessageDraft",
        "forwardMessage",
        "copyMessage",
        "editMessageText",
        "editMessageCaption",
        "editMessageReplyMarkup",
    }
)


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


@dataclass(slots=True)
class Limits:
    """How many messages, edits and drafts a second are taken, in one chat and in all; a chat takes `burst` at once."""

    per_chat_per_s: float = 1.0
    total_per_s: float = 30.0
    burst: int = 1
    _total: _Bucket | None = field(default=None, init=False)
    _chats: dict[object, _Bucket] = field(default_factory=dict, init=False)

    def check(self, method: str, chat_id: object, now: float) -> None:
        """Count a call, or refuse it.

        Raises:
            ApiError: 429 with `retry_after` in whole seconds; a refused call is not counted.
        """
        if method not in LIMITED:
            return
        most = max(1.0, self.total_per_s)
        self._total = total = _filled(self._total, most, self.total_per_s, now)
        self._chats[chat_id] = chat = _filled(self._chats.get(chat_id), self.burst, self.per_chat_per_s, now)
        wait = max((1 - total.level) / self.total_per_s, (1 - chat.level) / self.per_chat_per_s)
        # A hair of tolerance: a caller who paces by its own clock exactly must not fail by rounding.
        if wait > 1e-3:
            seconds = max(1, math.ceil(wait))
            raise ApiError(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})
        total.level -= 1
        chat.level -= 1


def _filled(bucket: _Bucket | None, most: float, per_s: float, now: float) -> _Bucket:
    if bucket is None:
        return _Bucket(most, now)
    return _Bucket(min(most, bucket.level + (now - bucket.at) * per_s), now)
