"""An order adapter that fails on demand, around one that does not.

    shop = FaultyAdapter(DemoShop.open(path))
    shop.plan("cancel", late())     # the next cancel acts, and its answer gets lost
    shop.always("orders", down())   # every listing fails from now on

A fault is what stands between the desk and the order system for one call: it gets the inner call, still unmade.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bot.domain.actions import ActionKind
from bot.domain.model import Order, Reason, ReturnLine, Scope
from bot.domain.ports import Identity, OrderAdapter
from bot.errors import OrderSystemDown, OrderSystemTimeout

Inner = Callable[[], Awaitable[Any]]
Fault = Callable[[Inner], Awaitable[Any]]


class FaultyAdapter:
    """Passes every call on, unless a fault was planned for it; `calls` tells (method, arguments) of each try."""

    name = "faulty"

    def __init__(self, inner: OrderAdapter) -> None:
        self.inner = inner
        self.number_shapes = inner.number_shapes
        self.honours_keys = inner.honours_keys
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self._planned: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._always: dict[str, Fault] = {}

    def plan(self, method: str, *faults: Fault) -> None:
        """Give the next calls of `method` one fault each."""
        self._planned[method].extend(faults)

    def always(self, method: str, fault: Fault | None) -> None:
        """Give every call of `method` this fault, once those planned are used up; None heals it."""
        if fault is None:
            self._always.pop(method, None)
        else:
            self._always[method] = fault

    def tries(self, method: str) -> int:
        """Return how often `method` was called."""
        return sum(name == method for name, _, _ in self.calls)

    async def _call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        self.calls.append((method, args, kwargs))
        planned = self._planned[method]
        fault = planned.popleft() if planned else self._always.get(method)

        def inner() -> Awaitable[Any]:
            return getattr(self.inner, method)(*args, **kwargs)

        return await (inner() if fault is None else fault(inner))

    async def identify_by_phone(self, phone: str) -> Identity | None:
        return await self._call("identify_by_phone", phone)

    async def identify_by_order(self, number: str, *, email: str | None, phone_last4: str | None) -> str | None:
        return await self._call("identify_by_order", number, email=email, phone_last4=phone_last4)

    async def customer_of(self, number: str) -> Identity | None:
        return await self._call("customer_of", number)

    async def orders(self, scope: Scope, limit: int) -> list[Order]:
        return await self._call("orders", scope, limit)

    async def order(self, scope: Scope, number: str) -> Order | None:
        return await self._call("order", scope, number)

    async def cancel(self, scope: Scope, number: str, *, key: str, reason: Reason | None = None) -> Any:
        return await self._call("cancel", scope, number, key=key, reason=reason)

    async def request_return(
        self, scope: Scope, number: str, *, key: str, reason: Reason | None = None, lines: Sequence[ReturnLine] = ()
    ) -> Any:
        return await self._call("request_return", scope, number, key=key, reason=reason, lines=lines)

    async def outcome(self, scope: Scope, number: str, action: ActionKind, *, key: str) -> Any:
        return await self._call("outcome", scope, number, action, key=key)

    async def examine(self) -> Sequence[str]:
        return await self._call("examine")

    async def ping(self) -> None:
        await self._call("ping")

    async def close(self) -> None:
        await self._call("close")


def down() -> Fault:
    """Refuse the connection: surely nothing is done."""
    return raising(OrderSystemDown())


def raising(error: Exception) -> Fault:
    """Raise `error` before anything is done."""

    async def fault(inner: Inner) -> Any:
        raise error

    return fault


def late(error: Exception | None = None) -> Fault:
    """Do it, then lose the answer."""

    async def fault(inner: Inner) -> Any:
        await inner()
        raise error or OrderSystemTimeout()

    return fault


def hang(entered: asyncio.Event | None = None) -> Fault:
    """Never answer, and do nothing; `entered` is set when the call has come in."""

    async def fault(inner: Inner) -> Any:
        if entered:
            entered.set()
        await asyncio.Event().wait()

    return fault


def slow(until: asyncio.Event, entered: asyncio.Event | None = None) -> Fault:
    """Do it and answer properly, once `until` is set."""

    async def fault(inner: Inner) -> Any:
        if entered:
            entered.set()
        await until.wait()
        return await inner()

    return fault


def garbage(value: Any) -> Fault:
    """Answer `value`, without doing anything; another customer's order is garbage too."""

    async def fault(inner: Inner) -> Any:
        return value

    return fault
