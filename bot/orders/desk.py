"""The order desk: the one way to the shop's order system, and it sees one customer at a time.

    desk = OrderDesk(adapter)
    customer_id, name = await desk.identify_by_phone("+34600111222")
    scope = Scope(customer_id, name, proof)  # by `conversation/verification.py` alone
    order = await desk.for_customer(scope).find("ORD20241112001")

The scope comes from a verification, never from text. An order that an adapter returns for the wrong customer is
withheld: the bot cannot tell it from an order that does not exist, so nobody who talks to the bot can.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from functools import partial

from bot.domain.actions import MAX_ORDER_ID_CHARS, ActionKind
from bot.domain.model import Order, Reason, ReturnLine, Scope, WriteAnswer, WriteResult
from bot.domain.ports import Identity, OrderAdapter
from bot.errors import OrderSystemGarbled, ScopeViolation
from bot.orders.calls import Caller, Sleep
from bot.orders.checks import (
    checked_answer,
    checked_customer_id,
    checked_identity,
    checked_order,
    checked_orders,
    checked_sentences,
)
from bot.orders.numbers import plain

log = logging.getLogger(__name__)

_LAST4 = re.compile(r"[0-9]{4}")


class OrderDesk:
    """The shop's order system, made safe.

    Args:
        adapter: one order system; if it honours keys, a write that timed out is tried once more.
        timeout_s: the limit of one try of one call.
        read_retries: how many more tries a call gets when the system is down, or slow to answer a read.
        sleep: waits between tries; tests pass one that does not.

    Every method raises OrderSystemDown, OrderSystemTimeout or OrderSystemGarbled, and nothing else.
    """

    def __init__(
        self, adapter: OrderAdapter, *, timeout_s: float = 8.0, read_retries: int = 2, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._adapter = adapter
        self._caller = Caller(timeout_s, read_retries, sleep)

    @property
    def number_shapes(self) -> tuple[str, ...]:
        """Regular expressions of this shop's order numbers."""
        return tuple(self._adapter.number_shapes)

    def for_customer(self, scope: Scope) -> CustomerDesk:
        """Return the desk of one verified customer."""
        return CustomerDesk(self._adapter, self._caller, scope)

    async def identify_by_phone(self, e164: str) -> Identity | None:
        """Return the only customer with this phone number; None when there is none, or more than one."""
        answer = await self._caller.read("identify_by_phone", lambda: self._adapter.identify_by_phone(e164))
        return checked_identity(answer)

    async def identify_by_order(
        self, number: str, *, email: str | None = None, phone_last4: str | None = None
    ) -> Identity | None:
        """Return the customer who placed this order, if the e-mail or the phone's last four digits are theirs.

        None for a number that does not exist, a secret that is wrong, and a secret that is missing, all alike.
        """
        email = (email or "").strip() or None
        if not _is_number(number) or (email is None and phone_last4 is None):
            return None
        if phone_last4 is not None and not _LAST4.fullmatch(phone_last4):
            return None
        answer = await self._caller.read(
            "identify_by_order",
            lambda: self._adapter.identify_by_order(number, email=email, phone_last4=phone_last4),
        )
        return None if answer is None else (checked_customer_id(answer), "")

    async def customer_of(self, number: str) -> Identity | None:
        """Return whose order this is. It proves nothing about who asks: only the shop's commands and its links may."""
        if not _is_number(number):
            return None
        return checked_identity(
            await self._caller.read("customer_of", lambda: self._adapter.customer_of(number)),
        )

    async def examine(self) -> Sequence[str]:
        """Return, in sentences, what of the order system does not map; nothing is changed, or tried again."""
        return checked_sentences(await self._caller.once(self._adapter.examine))

    async def ping(self) -> None:
        """Raise OrderSystemError unless the order system answers at once; this is never tried again."""
        await self._caller.once(self._adapter.ping)

    async def close(self) -> None:
        """Let go of the order system."""
        await self._caller.once(self._adapter.close)


class CustomerDesk:
    """One verified customer's orders. Made by `OrderDesk.for_customer`."""

    def __init__(self, adapter: OrderAdapter, caller: Caller, scope: Scope) -> None:
        if not isinstance(scope, Scope):
            raise TypeError("an order desk needs the scope of one verified customer")
        self.scope = scope
        self._adapter = adapter
        self._caller = caller

    async def list(self, limit: int = 20) -> tuple[Order, ...]:
        """Return at most `limit` of the customer's orders, newest first."""
        answer = await self._caller.read("orders", lambda: self._adapter.orders(self.scope, limit))
        # 'My last order' is acted upon, so the order of the list is not left to the adapter; ties stay as they came.
        newest_first = sorted(checked_orders(answer), key=lambda order: order.placed_at, reverse=True)
        return tuple(order for order in newest_first if self._is_ours(order))[:limit]

    async def find(self, number: str) -> Order | None:
        """Return the customer's order of this number, however written; None if there is none or it is not theirs."""
        if not _is_number(number):
            return None
        answer = await self._caller.read("order", lambda: self._adapter.order(self.scope, number))
        if answer is None:
            return None
        order = checked_order(answer)
        if not self._is_ours(order):
            return None
        if plain(order.number) != plain(number):
            raise OrderSystemGarbled("the order system's answer makes no sense: order.number is not the one asked for")
        return order

    async def write(
        self,
        action: ActionKind,
        number: str,
        key: str,
        *,
        reason: Reason | None = None,
        lines: Sequence[ReturnLine] = (),
    ) -> WriteAnswer:
        """Cancel or take back an order, once per `key`; `lines` go back, or all of it when there are none.

        Raises:
            ValueError: when `action` changes nothing, the key is empty, or the lines are no lines of a return.
            OrderSystemDown: surely nothing was done.
            OrderSystemTimeout, OrderSystemGarbled: it may have been done; `outcome` tells, once it answers again.
        """
        _check_request(action, key, lines)
        if not _is_number(number):
            return WriteAnswer(WriteResult.REFUSED, detail="no such order")
        adapter = self._adapter
        if action is ActionKind.CANCEL_ORDER:
            name, call = "cancel", partial(adapter.cancel, self.scope, number, key=key, reason=reason)
        else:
            returned = partial(adapter.request_return, lines=tuple(lines))
            name, call = "request_return", partial(returned, self.scope, number, key=key, reason=reason)
        return checked_answer(await self._caller.write(name, call, honours_keys=adapter.honours_keys is True))

    async def cancel(self, number: str, key: str, *, reason: Reason | None = None) -> WriteAnswer:
        """Cancel an order, once per `key`; see `write`."""
        return await self.write(ActionKind.CANCEL_ORDER, number, key, reason=reason)

    async def request_return(
        self, number: str, key: str, *, reason: Reason | None = None, lines: Sequence[ReturnLine] = ()
    ) -> WriteAnswer:
        """Open a return, once per `key`; see `write`."""
        return await self.write(ActionKind.RETURN_APPLY, number, key, reason=reason, lines=lines)

    async def outcome(self, action: ActionKind, number: str, key: str) -> WriteAnswer | None:
        """Return what the write of this key came to; None when it surely had no effect.

        Raises:
            OrderSystemError: it cannot be told, now or at all.
        """
        if not _is_number(number):
            return None
        answer = await self._caller.read("outcome", lambda: self._adapter.outcome(self.scope, number, action, key=key))
        return None if answer is None else checked_answer(answer)

    def _is_ours(self, order: Order) -> bool:
        if order.customer_id == self.scope.customer_id:
            return True
        log.error("orders.scope_violation", extra={"problem": str(ScopeViolation())})
        return False


def _check_request(action: ActionKind, key: str, lines: Sequence[ReturnLine]) -> None:
    if not action.is_write:
        raise ValueError(f"{action} changes nothing in the order system")
    if not key.strip():
        raise ValueError("a write needs its idempotency key")
    if lines and action is not ActionKind.RETURN_APPLY:
        raise ValueError("an order is cancelled as a whole; only a return has lines")
    if any(not line.item_id or line.quantity < 1 for line in lines):
        raise ValueError("a line of a return needs its item, and a quantity from 1 on")


def _is_number(text: str) -> bool:
    """Whether it can be an order number at all; an empty one might match everything in a careless adapter."""
    return len(text) <= MAX_ORDER_ID_CHARS and bool(plain(text))
