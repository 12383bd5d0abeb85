"""One call to an order system: within its time limit, with its errors mapped, and tried again only where that is safe.

This is the boundary to other people's code: whatever an adapter raises, the desk sees an OrderSystemError.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeVar

from bot.errors import OrderSystemDown, OrderSystemError, OrderSystemGarbled, OrderSystemTimeout

log = logging.getLogger(__name__)

T = TypeVar("T")
Call = Callable[[], Awaitable[T]]
Sleep = Callable[[float], Awaitable[None]]

FIRST_PAUSE_S = 0.1


class Caller:
    """Calls an adapter.

    Args:
        timeout_s: the limit of a single try.
        retries: how many more tries a call gets that is safe to repeat.
        sleep: waits between tries.
    """

    def __init__(self, timeout_s: float, retries: int, sleep: Sleep) -> None:
        self._timeout_s = timeout_s
        self._retries = retries
        self._sleep = sleep

    async def once(self, call: Call[T]) -> T:
        """Make one try.

        Raises:
            OrderSystemDown, OrderSystemTimeout, OrderSystemGarbled: whatever went wrong, as one of these.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await call()
        except OrderSystemError:
            raise
        except TimeoutError as error:
            raise OrderSystemTimeout from error
        # An adapter is foreign code over foreign libraries: there is no list of what it may raise, and a turn must
        # survive all of it. The worst meaning is assumed, that the order system may have acted.
        except Exception as error:
            raise OrderSystemGarbled(f"the adapter failed with {type(error).__name__}") from error

    async def read(self, name: str, call: Call[T]) -> T:
        """Make a call that changes nothing; it is repeated when the system is down or slow.

        Raises:
            OrderSystemError: what the last try came to.
        """
        for tried in range(self._retries):
            try:
                return await self.once(call)
            except (OrderSystemDown, OrderSystemTimeout) as error:
                await self._pause(name, error, tried)
        return await self.once(call)

    async def write(self, name: str, call: Call[T], *, honours_keys: bool) -> T:
        """Make a call that changes something, each try with the same idempotency key.

        It is repeated when surely nothing was done, and once after a time-out if the adapter honours keys.

        Raises:
            OrderSystemDown: only when no try can have changed anything.
            OrderSystemTimeout, OrderSystemGarbled: something may have been changed.
        """
        late: OrderSystemTimeout | None = None
        for tried in count():
            try:
                return await self.once(call)
            except OrderSystemTimeout as error:
                if late is not None or not honours_keys or tried == self._retries:
                    raise
                failure: OrderSystemError = error
                late = error
            except OrderSystemDown as error:
                if tried == self._retries:
                    if late is None:
                        raise
                    # The earlier try may have got through, and 'down' would claim that nothing was done.
                    raise late from error
                failure = error
            await self._pause(name, failure, tried)
        raise AssertionError("the tries never end by themselves")

    async def _pause(self, name: str, error: OrderSystemError, tried: int) -> None:
        log.warning("orders.retry", extra={"call": name, "error": type(error).__name__, "tried": tried + 1})
        await self._sleep(FIRST_PAUSE_S * 2**tried)
