"""The adapter `shopify`: a shop at Shopify, over its Admin API (GraphQL).

What is asked for a customer is asked of that customer's own record, and what comes back is compared with it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from bot.domain.actions import ActionKind
from bot.domain.model import Order, Reason, ReturnLine, Scope, WriteAnswer
from bot.errors import OrderSystemGarbled
from bot.orders.numbers import plain
from bot.orders.shopify_api import Graph, NotAllowed
from bot.orders.shopify_examine import examined
from bot.orders.shopify_options import OPTIONS, TABLE, Numbers, address_in, numbers_in, rules_in, token_in, version_in
from bot.orders.shopify_orders import ShopifyOrder, id_of, next_page, read_lines, read_order
from bot.orders.shopify_queries import (
    CUSTOMER_BY_PHONE,
    CUSTOMERS_ORDERS,
    EXAMINATION,
    LINES_A_PAGE,
    MORE_LINES,
    ONE_ORDER,
    ORDERS_A_PAGE,
    PERSONAL_DATA,
    PING,
    WHOSE_ORDER,
)
from bot.orders.shopify_writes import NO_SUCH_ORDER, Rules, ShopifyWrites
from bot.orders.web_calls import WebCalls
from bot.orders.web_keys import Keys
from bot.orders.web_options import Options
from bot.orders.web_reading import Fields

_MAX_PAGES = 40


class Shopify:
    """One shop. Nothing is opened before the first call.

    Args:
        calls: to the shop.
        graph: the API.
        rules: how this shop wants its orders changed.
        numbers: how its order numbers look.
    """

    name: ClassVar[str] = "shopify"
    # A cancellation in the queue looks like none at all, so after a time-out the order is read back first.
    honours_keys: ClassVar[bool] = False

    def __init__(self, calls: WebCalls, graph: Graph, rules: Rules, numbers: Numbers) -> None:
        self._calls = calls
        self._graph = graph
        self._writes = ShopifyWrites(graph, rules)
        self._numbers = numbers
        self.number_shapes = numbers.shapes
        self._keys = Keys()

    @classmethod
    def from_options(cls, options: Mapping[str, Any], base_dir: Path) -> Shopify:
        """Build it from the configuration's table; see docs/orders-shopify.md.

        Raises:
            ValueError: naming the option that is unknown, missing or wrong.
        """
        table = Options(TABLE, options, OPTIONS)
        calls = WebCalls(cls.name, address_in(table), headers={}, timeout_s=table.seconds("timeout_s", 8.0))
        graph = Graph(calls, token_in(table, calls), version_in(table))
        return cls(calls, graph, rules_in(table), numbers_in(table))

    async def identify_by_phone(self, phone: str) -> tuple[str, str] | None:
        """Return (customer id, name) of the only customer with this E.164 number, or None.

        Shopify gives a telephone number to one customer only; a number on an order's address is nobody's.
        """
        if not re.fullmatch(r"\+[0-9]{6,15}", phone):
            return None
        found = (await self._graph.query(CUSTOMER_BY_PHONE, phone=phone)).part_or_none("customerByIdentifier")
        return None if found is None else (id_of(found.text("id")), found.text_or_none("displayName") or "")

    async def identify_by_order(self, number: str, *, email: str | None, phone_last4: str | None) -> str | None:
        """Return whose order this is, if what is given of e-mail and last four digits is right, and something is."""
        order = await self._any_order(number)
        if order is None or (email is None and phone_last4 is None):
            return None
        customer = order.part("customer")
        if email is not None and not _same_email(email, _all(order, "email", customer, "defaultEmailAddress")):
            return None
        phones = [*_all(order, "phone", customer, "defaultPhoneNumber"), *_texts(order.part_or_none("billingAddress"))]
        if phone_last4 is not None and not _ends_one(phones, phone_last4):
            return None
        return id_of(customer.text("id"))

    async def customer_of(self, number: str) -> tuple[str, str] | None:
        """Return (customer id, name) of whoever placed this order, for the shop's own hands."""
        order = await self._any_order(number)
        if order is None:
            return None
        customer = order.part("customer")
        return id_of(customer.text("id")), customer.text_or_none("displayName") or ""

    async def orders(self, scope: Scope, limit: int) -> Sequence[Order]:
        """Return the customer's orders, newest first."""
        orders: list[Order] = []
        async for found in self._orders_of(scope, None):
            if len(orders) >= limit:
                break
            orders.append(found.order)
        return orders

    async def order(self, scope: Scope, number: str) -> Order | None:
        """Return the customer's order of this number; None if there is none, or it is not theirs."""
        found = await self._find(scope, number)
        return None if found is None else found.order

    async def cancel(self, scope: Scope, number: str, *, key: str, reason: Reason | None = None) -> WriteAnswer:
        """Cancel an order that was not sent yet, and say what is to be paid back.

        Shopify knows no reason of a customer's that is finer than that it was theirs; the ledger keeps it.
        """
        async with self._keys.hold(key, ActionKind.CANCEL_ORDER, scope.customer_id, number):
            found = await self._find(scope, number)
            if found is None:
                return NO_SUCH_ORDER
            return await self._writes.cancel(found, lambda: self._again(found), key)

    async def request_return(
        self, scope: Scope, number: str, *, key: str, reason: Reason | None = None, lines: Sequence[ReturnLine] = ()
    ) -> WriteAnswer:
        """Ask for a return of a delivered order, which the shop's people approve in Shopify."""
        async with self._keys.hold(key, ActionKind.RETURN_APPLY, scope.customer_id, number):
            found = await self._find(scope, number)
            if found is None:
                return NO_SUCH_ORDER
            return await self._writes.request_return(found, key, reason, lines)

    async def outcome(self, scope: Scope, number: str, action: ActionKind, *, key: str) -> WriteAnswer | None:
        """Read back what the write of this key came to, watching an order that is not cancelled yet for `job_s`."""
        found = await self._find(scope, number)
        if found is None:
            return None
        return await self._writes.outcome(found, lambda: self._again(found), action, key)

    async def examine(self) -> Sequence[str]:
        """Read the app's rights, the form of order numbers and the newest order, and say what does not fit."""
        data = await self._graph.query(EXAMINATION)
        problems = list(examined(data, self._numbers))
        try:
            await self._graph.query(PERSONAL_DATA)
        except NotAllowed as error:
            problems.append(f"Nobody can be identified before the app may see customers' personal data ({error}).")
        if self._graph.served_version != self._graph.version:
            problems.append(
                f"Shopify serves version {self._graph.served_version} of its API instead of {self._graph.version}: "
                f"set {TABLE}.api_version to one that it has."
            )
        return problems

    async def ping(self) -> None:
        """Raise OrderSystemError unless the shop answers."""
        await self._graph.query(PING)

    async def close(self) -> None:
        """Close the connections; later calls raise OrderSystemDown."""
        await self._calls.close()

    async def _find(self, scope: Scope, number: str) -> ShopifyOrder | None:
        wanted = self._numbers.written(number)
        if wanted is None:
            return None
        async for found in self._orders_of(scope, f'name:"{wanted}"'):
            if plain(found.order.number) == plain(wanted):
                return found
        return None

    async def _orders_of(self, scope: Scope, query: str | None) -> AsyncIterator[ShopifyOrder]:
        """Yield a customer's orders, newest first, page by page as they are wanted."""
        customer, after = scope.customer_id, None
        if not (customer.isascii() and customer.isdecimal()):
            return
        for _ in range(_MAX_PAGES):
            data = await self._graph.query(
                CUSTOMERS_ORDERS,
                customer=f"gid://shopify/Customer/{customer}",
                first=ORDERS_A_PAGE,
                after=after,
                query=query,
            )
            record = data.part_or_none("customer")
            if record is None:
                return
            page = record.part("orders")
            for found in [read_order(node) for node in page.each("nodes")]:
                if found.order.customer_id == customer:
                    yield await self._whole(found)
            after = next_page(page)
            if after is None:
                return

    async def _again(self, found: ShopifyOrder) -> ShopifyOrder | None:
        """Read an order once more: by its id, for what is found by searching lags behind."""
        data = (await self._graph.query(ONE_ORDER, id=found.gid)).part_or_none("order")
        again = None if data is None else read_order(data)
        if again is None or again.order.customer_id != found.order.customer_id:
            return None
        return again

    async def _whole(self, found: ShopifyOrder) -> ShopifyOrder:
        """Return the order with all its lines."""
        items, after = found.order.items, found.next_lines
        while after is not None:
            data = (await self._graph.query(MORE_LINES, id=found.gid, first=LINES_A_PAGE, after=after)).part("order")
            if id_of(data.part("customer").text("id")) != found.order.customer_id:
                raise OrderSystemGarbled("the order changed its customer while it was read")
            page = data.part("lineItems")
            items, after = items + read_lines(page), next_page(page)
        return replace(found, order=replace(found.order, items=items))

    async def _any_order(self, number: str) -> Fields | None:
        """Return an order with a customer, whoever's it is; None also where several have this number."""
        wanted = self._numbers.written(number)
        if wanted is None:
            return None
        nodes = (await self._graph.query(WHOSE_ORDER, query=f'name:"{wanted}"')).part("orders").each("nodes")
        found = [node for node in nodes if plain(node.text("name")) == plain(wanted)]
        return found[0] if len(found) == 1 and found[0].part_or_none("customer") else None


def _texts(part: Fields | None) -> list[str]:
    phone = None if part is None else part.text_or_none("phone")
    return [] if phone is None else [phone]


def _all(order: Fields, name: str, customer: Fields, of_customer: str) -> list[str]:
    """Return what stands at the order, and at its customer."""
    part = customer.part_or_none(of_customer)
    inner = {"email": "emailAddress", "phone": "phoneNumber"}[name]
    found = [order.text_or_none(name), None if part is None else part.text_or_none(inner)]
    return [text for text in found if text is not None]


def _same_email(given: str, known: Sequence[str]) -> bool:
    return given.strip().casefold() in {email.strip().casefold() for email in known} - {""}


def _ends_one(phones: Sequence[str], last4: str) -> bool:
    if not (len(last4) == 4 and last4.isascii() and last4.isdecimal()):
        return False
    return any("".join(filter(str.isdecimal, phone)).endswith(last4) for phone in phones)
