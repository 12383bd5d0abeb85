"""How tests look at the simulator: what was called, and waiting until something happens."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

CALLS_KEPT = 1000


@dataclass(slots=True)
class Call:
    """One call of a Bot API method.

    `at` is on the simulator's clock; `params` hold numbers and nested JSON decoded; `took_effect` says whether the
    method did its work, whatever the caller was told; `status` is the answer's HTTP status, None while the call is
    under way and when the connection was dropped; `result` is what the method returned.
    """

    number: int
    method: str
    params: Mapping[str, Any]
    at: float
    took_effect: bool = False
    status: int | None = None
    result: Any = None
    finished: bool = False


class Watchers(Generic[T]):
    """Those who wait for something to be seen; what they wait for is judged in their own task."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Queue[T]] = []

    def notify(self, item: T) -> None:
        """Show an item to all who wait."""
        for queue in self._waiting:
            queue.put_nowait(item)

    async def wait(
        self, wanted: Callable[[T], bool], seen: Iterable[T], count: int, timeout_s: float, tell: Callable[[], str]
    ) -> list[T]:
        """Return the first `count` wanted items, those already `seen` included.

        Raises:
            TimeoutError: with what `tell` says of what happened instead.
        """
        queue: asyncio.Queue[T] = asyncio.Queue()
        self._waiting.append(queue)
        found = [item for item in seen if wanted(item)][:count]
        try:
            async with asyncio.timeout(timeout_s):
                while len(found) < count:
                    item = await queue.get()
                    if wanted(item):
                        found.append(item)
        except TimeoutError:
            raise TimeoutError(f"{len(found)} of {count} came within {timeout_s} s; {tell()}") from None
        finally:
            self._waiting.remove(queue)
        return found


class CallLog:
    """The calls so far: all of them, or only the latest when nobody wants to read them."""

    def __init__(self, keep_all: bool) -> None:
        self.calls: deque[Call] = deque(maxlen=None if keep_all else CALLS_KEPT)
        self._watchers: Watchers[Call] = Watchers()
        self._number = 0

    def start(self, method: str, params: Mapping[str, Any], at: float) -> Call:
        """Record that a call came in."""
        call = Call(self._number, method, params, at)
        self._number += 1
        self.calls.append(call)
        return call

    def finish(self, call: Call, status: int | None) -> None:
        """Record what a call is answered; None if it never will be."""
        call.status = status
        if not call.finished:
            call.finished = True
            self._watchers.notify(call)

    async def wait(
        self, method: str, predicate: Callable[[Call], bool] | None, count: int, timeout_s: float, since: int
    ) -> list[Call]:
        """Return the first `count` calls of a method, from number `since` on, that took effect or failed."""

        def wanted(call: Call) -> bool:
            return call.number >= since and call.method == method and (predicate is None or predicate(call))

        finished = [call for call in self.calls if call.finished]
        return await self._watchers.wait(wanted, finished, count, timeout_s, lambda: f"{method}: {self._tail()}")

    def _tail(self) -> str:
        return "the last calls were " + (", ".join(call.method for call in list(self.calls)[-8:]) or "none")
