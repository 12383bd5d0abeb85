"""WooCommerce's REST API, version 3: the few calls that Deskhand makes.

Whatever is read for a customer is asked for by the customer, and what comes back for another one is dropped.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bot.errors import OrderSystemDown, OrderSystemGarbled
from bot.orders.numbers import plain
from bot.orders.web_calls import WebAnswer, WebCalls
from bot.orders.web_reading import Fields, each

log = logging.getLogger(__name__)

API = "/wp-json/wc/v3"
PAGE = 50
MAX_PAGES = 20
MAX_FOUND_PAGES = 4


@dataclass(frozen=True, slots=True)
class Refusal:
    """The API's answer to what it would not do: a code such as `woocommerce_rest_invalid_order_refund_amount`."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class WooApi:
    """The calls; each raises OrderSystemDown, OrderSystemTimeout or OrderSystemGarbled, see `WebCalls.send`."""

    def __init__(self, calls: WebCalls) -> None:
        self._calls = calls

    async def orders_of(self, customer: int, per_page: int = PAGE) -> AsyncIterator[Fields]:
        """Yield a customer's orders, newest first, page by page as they are wanted; each order once."""
        seen: set[int] = set()
        query = {"customer": str(customer), "orderby": "date", "order": "desc", "per_page": str(per_page)}
        for page in range(1, MAX_PAGES + 1):
            answer = await self._calls.read(f"{API}/orders", {**query, "page": str(page)})
            for order in _theirs(_list(answer, "orders"), customer):
                # A new order moves the others on, so that one may stand on two pages.
                if order.whole("id") not in seen:
                    seen.add(order.whole("id"))
                    yield order
            if page >= _pages(answer):
                return

    async def order_of(self, customer: int, order_id: int) -> Fields | None:
        """Return a customer's order by its id; None when there is none, or it is another's."""
        answer = await self._calls.read(
            f"{API}/orders", {"customer": str(customer), "include": str(order_id), "per_page": "1"}
        )
        found = [order for order in _theirs(_list(answer, "orders"), customer) if order.whole("id") == order_id]
        return found[0] if found else None

    async def order(self, order_id: int) -> Fields | None:
        """Return any order by its id, for finding out whose it is."""
        answer = await self._calls.read(f"{API}/orders", {"include": str(order_id), "per_page": "1"})
        found = [order for order in _list(answer, "orders") if order.whole("id") == order_id]
        return found[0] if found else None

    async def search(self, text: str) -> tuple[list[Fields], bool]:
        """Return the newest orders in which a text stands, in a number, a name, an address, and whether that is all."""
        found: list[Fields] = []
        for page in range(1, MAX_FOUND_PAGES + 1):
            query = {"search": text, "per_page": str(PAGE), "page": str(page)}
            answer = await self._calls.read(f"{API}/orders", query)
            found += _list(answer, "orders")
            if page >= _pages(answer):
                return found, True
        return found, False

    async def newest(self) -> Fields | None:
        """Return the shop's newest order, for an examination."""
        answer = await self._calls.read(f"{API}/orders", {"per_page": "1"})
        return next(iter(_list(answer, "orders")), None)

    async def states(self) -> dict[str, int]:
        """Return every state that the shop knows, and how many orders are in it."""
        answer = await self._calls.read(f"{API}/reports/orders/totals")
        return {state.text("slug"): state.whole("total") for state in _list(answer, "states")}

    async def ask_for_customers(self) -> None:
        """Raise unless customers' accounts may be read."""
        _granted(await self._calls.read(f"{API}/customers", {"per_page": "1"}))

    async def customer(self, customer: int) -> Fields | None:
        """Return a customer's account."""
        answer = await self._calls.read(f"{API}/customers/{customer}")
        if answer.status == HTTPStatus.NOT_FOUND and _refusal(answer).code == "woocommerce_rest_invalid_id":
            return None
        return Fields(_granted(answer), "customer")

    async def update(self, order_id: int, changes: dict[str, Any]) -> Refusal | None:
        """Change an order; return why not, where the API refused."""
        return await self._change("PUT", f"{API}/orders/{order_id}", changes)

    async def refunds(self, order_id: int) -> list[Fields]:
        """Return what was paid back of an order."""
        answer = await self._calls.read(f"{API}/orders/{order_id}/refunds", {"per_page": "100"})
        return _list(answer, "refunds")

    async def add_refund(self, order_id: int, amount: str, reason: str) -> Refusal | None:
        """Pay back through the way it was paid; a refund may stand although this was refused, so read it back."""
        body = {"amount": amount, "reason": reason, "api_refund": True, "api_restock": False}
        return await self._change("POST", f"{API}/orders/{order_id}/refunds", body)

    async def _change(self, method: str, path: str, body: dict[str, Any]) -> Refusal | None:
        answer = await self._calls.send(method, path, changes=True, body=body)
        return None if answer.ok else _refusal(answer)


def authorization(key: str, secret: str) -> dict[str, str]:
    """Return the header that a consumer key and its secret make."""
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()}


def order_id_of(number: str) -> int | None:
    """Return an order's id as it was typed, in any spelling; None for what cannot be one."""
    digits = plain(number)
    return int(digits) or None if digits.isdecimal() and len(digits) <= 18 else None


def _theirs(orders: list[Fields], customer: int) -> list[Fields]:
    theirs = [order for order in orders if order.whole("customer_id") == customer]
    if len(theirs) != len(orders):
        log.error("orders.filter_ignored", extra={"adapter": "woocommerce", "dropped": len(orders) - len(theirs)})
    return theirs


def _list(answer: WebAnswer, where: str) -> list[Fields]:
    return each(_granted(answer), where)


def _granted(answer: WebAnswer) -> object:
    if not answer.ok:
        raise OrderSystemDown(f"woocommerce answered {answer.status} ({_refusal(answer)}): check the shop's address")
    return answer.data


def _pages(answer: WebAnswer) -> int:
    pages = answer.headers.get("X-WP-TotalPages", "")
    if not pages.isdecimal():
        raise OrderSystemGarbled("the order system's answer makes no sense: X-WP-TotalPages is missing or not a number")
    return int(pages)


def _refusal(answer: WebAnswer) -> Refusal:
    data = answer.data if isinstance(answer.data, dict) else {}
    return Refusal(str(data.get("code") or answer.status)[:80], str(data.get("message") or "")[:200])
