"""Telegram's limits as token buckets: about 1 message a second to a chat, 30 a second in all, short bursts allowed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


class Pace:
    """Says which chats have to wait; reads time from `clock` (seconds, monotonic)."""

    def __init__(
        self, clock: Callable[[], float], *, per_chat: float = 1.0, chat_burst: float = 3.0, total: float = 30.0
    ) -> None:
        self._clock, self._per_chat, self._chat_burst, self._total = clock, per_chat, chat_burst, total
        self._chats: dict[int, _Bucket] = {}
        self._all = _Bucket(total, clock())

    def spend(self, chat_id: int) -> None:
        """Count a message to a chat."""
        now = self._clock()
        bucket = self._chats.setdefault(chat_id, _Bucket(self._chat_burst, now))
        self._refill(bucket, now, self._per_chat, self._chat_burst)
        self._refill(self._all, now, self._total, self._total)
        bucket.level -= 1
        self._all.level -= 1

    def room(self) -> int:
        """How many messages may go out now, in all."""
        self._refill(self._all, self._clock(), self._total, self._total)
        return int(self._all.level)

    def cooling(self) -> list[int]:
        """Return the chats that have to wait, forgetting those that have long been quiet."""
        now = self._clock()
        for chat, bucket in list(self._chats.items()):
            self._refill(bucket, now, self._per_chat, self._chat_burst)
            if bucket.level >= self._chat_burst:
                del self._chats[chat]
        return [chat for chat, bucket in self._chats.items() if bucket.level < 1]

    def wait_s(self) -> float | None:
        """Seconds until the next chat, or the whole, has room again; None when nobody waits."""
        waits = [(1 - bucket.level) / self._per_chat for bucket in self._chats.values() if bucket.level < 1]
        if self._all.level < 1:
            waits.append((1 - self._all.level) / self._total)
        return max(0.001, min(waits)) if waits else None

    @staticmethod
    def _refill(bucket: _Bucket, now: float, rate: float, burst: float) -> None:
        bucket.level = min(burst, bucket.level + (now - bucket.at) * rate)
        bucket.at = now
