"""Keeps the writes of one process apart: one at a time for each order, and each idempotency key for one request only.

What a key came to is kept by the shop itself, at the order. This only guards against a key that is used twice for
different things, which no shop can notice.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from bot.domain.actions import ActionKind
from bot.errors import OrderSystemGarbled
from bot.orders.numbers import plain

REMEMBERED = 10_000

_Request = tuple[ActionKind, str, str]


class Keys:
    """The keys and the orders of the writes under way, and the last 10,000 keys."""

    def __init__(self) -> None:
        self._requests: OrderedDict[str, _Request] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def hold(self, key: str, action: ActionKind, customer_id: str, number: str) -> AsyncIterator[None]:
        """Hold the order while it is written.

        Raises:
            OrderSystemGarbled: when the key was used for another action, customer or order.
        """
        order = plain(number)
        request = (action, customer_id, order)
        if self._requests.setdefault(key, request) != request:
            raise OrderSystemGarbled("this idempotency key was used for another request; nothing was done now")
        self._requests.move_to_end(key)
        if len(self._requests) > REMEMBERED:
            self._requests.popitem(last=False)
        lock = self._locks.get(order)
        if lock is None:
            self._locks[order] = lock = asyncio.Lock()
        async with lock:
            yield


def mark_of(key: str) -> str:
    """Return what stands for a key at the shop: 32 letters and digits, of which the key cannot be made again."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]
