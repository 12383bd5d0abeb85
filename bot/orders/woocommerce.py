"""The adapter `woocommerce`: a WordPress shop with WooCommerce, over its REST API, version 3.

Customers are those with an account; orders of guests (customer 0) belong to nobody and are never shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from bot.domain.actions import ActionKind
from bot.domain.model import Order, OrderStatus, Reason, ReturnLine, Scope, WriteAnswer
from bot.errors import OrderSystemGarbled
from bot.orders.checks import checked_order
from bot.orders.numbers import plain
from bot.orders.phones import spellings, to_e164
from bot.orders.web_calls import WebCalls
from bot.orders.web_keys import Keys
from bot.orders.web_options import Options
from bot.orders.web_reading import Fields
from bot.orders.woocommerce_api import PAGE, WooApi, authorization, order_id_of
from bot.orders.woocommerce_orders import HIDDEN, STATES, WooOrder, read_order
from bot.orders.woocommerce_writes import NO_SUCH_ORDER, Rules, WooWrites

TABLE = "orders.woocommerce"
OPTIONS = (
    "url",
    "consumer_key",
    "consumer_secret",
    "numbers",
    "number_shapes",
    "states",
    "return_status",
    "refund",
    "timeout_s",
)
# Bare digits may be anything, so they are an order's for sure only behind '#' or alone in a message.
SHAPES = (r"\A\d{1,10}\Z", r"(?<=#)\d{1,10}")
_MEANINGS = (*(status.value for status in OrderStatus), HIDDEN)
_MAX_CANDIDATES = 10


class WooCommerce:
    """One shop. Nothing is opened before the first call.

    Args:
        api: the calls to the shop.
        rules: how this shop wants its orders read and changed.
        own_numbers: whether a plugin gives orders numbers of its own; otherwise an order's number is its id.
    """

    name: ClassVar[str] = "woocommerce"

    def __init__(self, calls: WebCalls, rules: Rules, number_shapes: Sequence[str], *, own_numbers: bool) -> None:
        self.number_shapes = number_shapes
        # A refund that is under way cannot be told from none, so after a time-out the order is read back first.
        self.honours_keys = not rules.refunds
        self._calls = calls
        self._api = WooApi(calls)
        self._writes = WooWrites(self._api, rules)
        self._states = rules.states
        self._own_numbers = own_numbers
        self._keys = Keys()

    @classmethod
    def from_options(cls, options: Mapping[str, Any], base_dir: Path) -> WooCommerce:
        """Build it from the configuration's table; see docs/orders-woocommerce.md.

        Raises:
            ValueError: naming the option that is unknown, missing or wrong.
        """
        table = Options(TABLE, options, OPTIONS)
        url, key, secret = table.web_address("url"), table.secret("consumer_key"), table.secret("consumer_secret")
        if key is None or secret is None:
            missing = "consumer_key" if key is None else "consumer_secret"
            raise table.wrong(missing, "is missing: WooCommerce > Settings > Advanced > REST API makes one")
        calls = WebCalls(cls.name, url, headers=authorization(key, secret), timeout_s=table.seconds("timeout_s", 8.0))
        own_numbers = table.choice("numbers", ("id", "plugin")) == "plugin"
        return cls(calls, _rules(table), table.patterns("number_shapes", SHAPES), own_numbers=own_numbers)

    async def identify_by_phone(self, phone: str) -> tuple[str, str] | None:
        """Return (customer id, name) of the only customer with this E.164 number, or None.

        The API finds customers by no telephone number, but orders; those found are compared, and then the accounts.
        """
        answers = await asyncio.gather(*map(self._api.search, spellings(phone)))
        found = {order.whole("customer_id") for orders, _ in answers for order in orders if _phone(order) == phone} - {
            0
        }
        # Among orders that were not looked at there may be another customer with this number.
        if not all(whole for _, whole in answers) or not 0 < len(found) <= _MAX_CANDIDATES:
            return None
        accounts = [(customer, await self._api.customer(customer)) for customer in sorted(found)]
        owners = [(str(customer), _name(data)) for customer, data in accounts if data and _phone(data) == phone]
        return owners[0] if len(owners) == 1 else None

    async def identify_by_order(self, number: str, *, email: str | None, phone_last4: str | None) -> str | None:
        """Return whose order this is, if what is given of e-mail and last four digits is right, and something is."""
        data = await self._any_order(number)
        if data is None or (email is None and phone_last4 is None):
            return None
        billing = data.part("billing")
        if email is not None and not _same_email(email, billing.text_or_none("email")):
            return None
        if phone_last4 is not None and not _ends_with(billing.text_or_none("phone"), phone_last4):
            return None
        return str(data.whole("customer_id"))

    async def customer_of(self, number: str) -> tuple[str, str] | None:
        """Return (customer id, name) of whoever placed this order, for the shop's own hands."""
        data = await self._any_order(number)
        return None if data is None else (str(data.whole("customer_id")), _name(data))

    async def orders(self, scope: Scope, limit: int) -> Sequence[Order]:
        """Return the customer's orders, newest first."""
        orders: list[Order] = []
        async for order in self._orders_of(scope, min(limit, PAGE)):
            if order.order is not None:
                orders.append(order.order)
            if len(orders) >= limit:
                break
        return orders

    async def order(self, scope: Scope, number: str) -> Order | None:
        """Return the customer's order of this number; None if there is none, or it is not theirs."""
        found = await self._find(scope, number)
        return None if found is None else found.order

    async def cancel(self, scope: Scope, number: str, *, key: str, reason: Reason | None = None) -> WriteAnswer:
        """Cancel an order that was not sent yet, and say what is to be paid back; once per key."""
        async with self._keys.hold(key, ActionKind.CANCEL_ORDER, scope.customer_id, number):
            found = await self._find(scope, number)
            if found is None or found.order is None:
                return NO_SUCH_ORDER
            return await self._writes.cancel(found, found.order, key, reason)

    async def request_return(
        self, scope: Scope, number: str, *, key: str, reason: Reason | None = None, lines: Sequence[ReturnLine] = ()
    ) -> WriteAnswer:
        """Mark a delivered order as one that is to come back, or refuse so that a person takes it; once per key."""
        async with self._keys.hold(key, ActionKind.RETURN_APPLY, scope.customer_id, number):
            found = await self._find(scope, number)
            if found is None or found.order is None:
                return NO_SUCH_ORDER
            return await self._writes.request_return(found, found.order, key, reason, lines)

    async def outcome(self, scope: Scope, number: str, action: ActionKind, *, key: str) -> WriteAnswer | None:
        """Read back what the write of this key came to.

        Raises:
            OrderSystemGarbled: when the order holds half of it.
        """
        found = await self._find(scope, number)
        if found is None or found.order is None:
            return None
        return await self._writes.outcome(found, found.order, action, key)

    async def examine(self) -> Sequence[str]:
        """Read the shop's newest order, its states and whether its customers may be read, and say what does not map."""
        data = await self._api.newest()
        if data is None:
            return ["The shop has no order yet, so that none could be read."]
        problems: list[str] = []
        try:
            order = read_order(data, self._states)
            if order.order is not None:
                checked_order(order.order)
        except OrderSystemGarbled as error:
            problems.append(f"{error}.")
        unmapped = [state for state, count in (await self._api.states()).items() if count and state not in self._states]
        problems += [f"There are orders in the state {state!r}: add it to {TABLE}.states." for state in unmapped]
        if not self._own_numbers and data.text("number") != data.text("id"):
            problems.append(f'A plugin numbers the orders: set {TABLE}.numbers to "plugin".')
        await self._api.ask_for_customers()
        return problems

    async def ping(self) -> None:
        """Raise OrderSystemError unless the shop answers."""
        await self._api.newest()

    async def close(self) -> None:
        """Close the connections; later calls raise OrderSystemDown."""
        await self._calls.close()

    async def _find(self, scope: Scope, number: str) -> WooOrder | None:
        """Return the customer's order; None also for one that nobody is to see."""
        wanted = plain(number)
        if self._own_numbers:
            async for order in self._orders_of(scope, PAGE):
                if order.order is not None and plain(order.order.number) == wanted:
                    return order
            return None
        customer, order_id = _customer(scope), order_id_of(number)
        if customer is None or order_id is None:
            return None
        data = await self._api.order_of(customer, order_id)
        return None if data is None else read_order(data, self._states)

    async def _orders_of(self, scope: Scope, per_page: int) -> AsyncIterator[WooOrder]:
        customer = _customer(scope)
        if customer is not None and per_page > 0:
            async for data in self._api.orders_of(customer, per_page):
                yield read_order(data, self._states)

    async def _any_order(self, number: str) -> Fields | None:
        """Return an order with an account behind it, whoever's it is; None also where several have this number."""
        wanted, order_id = plain(number), order_id_of(number)
        if self._own_numbers:
            orders, _ = await self._api.search(wanted)
            found = [order for order in orders if plain(order.text("number")) == wanted]
            data = found[0] if wanted and len(found) == 1 else None
        else:
            data = None if order_id is None else await self._api.order(order_id)
        if data is None or data.whole("customer_id") == 0 or read_order(data, self._states).order is None:
            return None
        return data


def _rules(table: Options) -> Rules:
    states = {**STATES, **table.words("states")}
    if wrong := sorted(state for state, meaning in states.items() if meaning not in _MEANINGS):
        raise table.wrong("states", f"gives {wrong[0]!r} an unknown meaning; use one of: {', '.join(_MEANINGS)}")
    return_status = table.optional("return_status", "").strip().removeprefix("wc-")
    if not return_status:
        return Rules(states, None, table.flag("refund", False))
    return Rules({**states, return_status: OrderStatus.RETURN_REQUESTED}, return_status, table.flag("refund", False))


def _customer(scope: Scope) -> int | None:
    """Return the customer's number; never 0, which stands for every guest."""
    text = scope.customer_id
    return int(text) or None if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def _phone(data: Fields) -> str | None:
    """Return the telephone number of an order or an account as E.164."""
    billing = data.part("billing")
    country = billing.text_or_none("country")
    return to_e164(billing.text_or_none("phone") or "", country if country and len(country) == 2 else None)


def _name(data: Fields) -> str:
    """Return the name on an account, or the one on an order's bill."""
    names = data if data.raw("first_name") is not None else data.part("billing")
    return " ".join(filter(None, (names.text_or_none("first_name"), names.text_or_none("last_name"))))


def _same_email(given: str, known: str | None) -> bool:
    return known is not None and given.strip().casefold() == known.strip().casefold() != ""


def _ends_with(phone: str | None, last4: str) -> bool:
    digits = "".join(character for character in phone or "" if character.isdecimal())
    return len(last4) == 4 and last4.isascii() and last4.isdecimal() and digits.endswith(last4)
