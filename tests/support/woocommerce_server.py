"""A WooCommerce shop on 127.0.0.1: the REST API, version 3, as far as Deskhand calls it, from its public documentation.

It is stricter than the real one in one thing: a parameter that it does not know is an error, so that none is mistyped.
"""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from aiohttp import web

from tests.support.web_faults import Fault, Faults, Handler

KEY, SECRET = "ck_0123456789abcdef", "cs_fedcba9876543210"
READ_ONLY = "ck_read_only"
API = "/wp-json/wc/v3"
STATES = {"pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "shipped", "to-return"}
KNOWN = {"page", "per_page", "search", "include", "customer", "orderby", "order"}


class WooCommerceServer:
    """The shop's state, and its answers; `changes` tells each change that was made, as (order id, what)."""

    def __init__(self) -> None:
        self.customers: dict[int, dict[str, Any]] = {}
        self.orders: dict[int, dict[str, Any]] = {}
        self.refunds: dict[int, list[dict[str, Any]]] = {}
        self.changes: list[tuple[int, str]] = []
        self.faults = Faults()
        self.states = set(STATES)
        self.ignores_customer = False
        self._meta_id = 100

    def add_customer(self, customer: int, name: str, email: str, phone: str, country: str = "US") -> None:
        first, _, last = name.partition(" ")
        billing = {"first_name": first, "last_name": last, "email": email, "phone": phone, "country": country}
        self.customers[customer] = {
            "id": customer,
            "email": email,
            "first_name": first,
            "last_name": last,
            "role": "customer",
            "billing": billing,
            "meta_data": [],
        }

    def add_order(self, order_id: int, customer: int, state: str, placed: str, **fields: Any) -> dict[str, Any]:
        """Add an order of two lines, 2 x 10.00 and 1 x 5.00 with 1.05 of tax, paid by card unless it is pending."""
        account = self.customers.get(customer)
        done = f"{placed[:8]}{int(placed[8:10]) + 3:02}{placed[10:]}" if state in ("completed", "refunded") else None
        order = {
            "id": order_id,
            "parent_id": 0,
            "number": str(order_id),
            "status": state,
            "currency": "EUR",
            "date_created": placed,
            "date_created_gmt": placed,
            "date_paid_gmt": None if state in ("pending", "failed") else placed,
            "date_completed_gmt": done,
            "total": "26.05",
            "total_tax": "1.05",
            "customer_id": customer,
            "billing": dict(account["billing"]) if account else {"email": "guest@example.com", "phone": "2025550100"},
            "payment_method": "stripe",
            "payment_method_title": "Credit card",
            "meta_data": [{"id": 1, "key": "_order_source", "value": {"a": "b"}}],
            "line_items": [
                _line(order_id * 10 + 1, "Linen shirt - M", 2, "20.00", "0.00"),
                _line(order_id * 10 + 2, "Straw hat", 1, "5.00", "1.05"),
            ],
            "shipping_lines": [],
            "refunds": [],
            **fields,
        }
        self.orders[order_id] = order
        return order

    def answering(self, **fields: Any) -> Fault:
        """Answer as ever, but with these fields in each order; None takes a field away."""

        async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
            kept = {number: dict(order) for number, order in self.orders.items()}
            for order in self.orders.values():
                order.update(fields)
                for name in [name for name, value in fields.items() if value is None]:
                    del order[name]
            response = await handler(request)
            self.orders = kept
            return response

        return fault

    # --- the API ---

    async def list_orders(self, request: web.Request) -> web.Response:
        query = request.query
        found = [order for order in self.orders.values() if order["status"] not in ("trash", "auto-draft")]
        if "customer" in query and not self.ignores_customer:
            found = [order for order in found if order["customer_id"] == int(query["customer"])]
        if "include" in query:
            wanted = {int(part) for part in query["include"].split(",")}
            found = [order for order in found if order["id"] in wanted]
        if "search" in query:
            found = [order for order in found if query["search"] in _searched(order)]
        found.sort(key=lambda order: (order["date_created_gmt"], order["id"]), reverse=True)
        return _page(found, query)

    async def update_order(self, request: web.Request) -> web.Response:
        order = self.orders.get(int(request.match_info["id"]))
        if order is None:
            return _error(400, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        data = await request.json()
        if "status" in data and data["status"] not in self.states:
            return _error(400, "rest_invalid_param", "Invalid parameter(s): status")
        for meta in data.get("meta_data", []):
            self._set_meta(order, meta)
        if data.get("status", order["status"]) != order["status"]:
            order["status"] = data["status"]
            self.changes.append((order["id"], data["status"]))
        return web.json_response(order)

    async def list_refunds(self, request: web.Request) -> web.Response:
        return _page(self.refunds.get(int(request.match_info["id"]), []), request.query)

    async def add_refund(self, request: web.Request) -> web.Response:
        order, data = self.orders[int(request.match_info["id"])], await request.json()
        paid_back = sum(-float(refund["total"]) for refund in order["refunds"])
        if float(data["amount"]) > float(order["total"]) - paid_back + 0.001:
            return _error(500, "woocommerce_rest_cannot_create_order_refund", "Invalid refund amount.")
        refunds = self.refunds.setdefault(order["id"], [])
        refunds.append({"id": 726 + len(refunds), "amount": data["amount"], "reason": data["reason"], "meta_data": []})
        order["refunds"].append({"id": refunds[-1]["id"], "reason": data["reason"], "total": f"-{data['amount']}"})
        if float(data["amount"]) + paid_back >= float(order["total"]) - 0.001:
            order["status"] = "refunded"
        self.changes.append((order["id"], "refund"))
        return web.json_response(refunds[-1], status=201)

    async def customer(self, request: web.Request) -> web.Response:
        account = self.customers.get(int(request.match_info["id"]))
        if account is None:
            return _error(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")
        return web.json_response(account)

    async def list_customers(self, request: web.Request) -> web.Response:
        return _page(list(self.customers.values()), request.query)

    async def totals(self, request: web.Request) -> web.Response:
        states = self.states | {order["status"] for order in self.orders.values()}
        counts = {state: sum(order["status"] == state for order in self.orders.values()) for state in states}
        return web.json_response([{"slug": slug, "name": slug, "total": count} for slug, count in counts.items()])

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        app.router.add_get(f"{API}/orders", self.list_orders)
        app.router.add_put(f"{API}/orders/{{id}}", self.update_order)
        app.router.add_get(f"{API}/orders/{{id}}/refunds", self.list_refunds)
        app.router.add_post(f"{API}/orders/{{id}}/refunds", self.add_refund)
        app.router.add_get(f"{API}/customers", self.list_customers)
        app.router.add_get(f"{API}/customers/{{id}}", self.customer)
        app.router.add_get(f"{API}/reports/orders/totals", self.totals)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        async def answer(request: web.Request) -> web.StreamResponse:
            if request.match_info.http_exception is not None:
                return _error(404, "rest_no_route", "No route was found matching the URL and request method.")
            if refused := _refused(request):
                return refused
            # What two requests do at the same moment is interleaved as it would be by two workers of the shop.
            await asyncio.sleep(0)
            return await handler(request)

        return await self.faults.serve(f"{request.method} {request.path_qs}", request, answer)

    def _set_meta(self, order: dict[str, Any], meta: dict[str, Any]) -> None:
        for entry in order["meta_data"]:
            if entry["key"] == meta["key"]:
                entry["value"] = meta["value"]
                return
        self._meta_id += 1
        order["meta_data"].append({"id": self._meta_id, "key": meta["key"], "value": meta["value"]})


def _line(line_id: int, name: str, quantity: int, total: str, tax: str) -> dict[str, Any]:
    return {
        "id": line_id,
        "name": name,
        "product_id": 93,
        "variation_id": 0,
        "quantity": quantity,
        "subtotal": total,
        "total": total,
        "total_tax": tax,
        "sku": "",
        "price": float(total) / quantity,
        "meta_data": [],
    }


def _searched(order: dict[str, Any]) -> str:
    billing = order["billing"]
    return " ".join([order["number"], str(order["id"]), *(str(value) for value in billing.values())])


def _page(found: list[dict[str, Any]], query: Any) -> web.Response:
    if unknown := set(query) - KNOWN:
        return _error(400, "rest_invalid_param", f"Invalid parameter(s): {', '.join(sorted(unknown))}")
    size, page = int(query.get("per_page", 10)), int(query.get("page", 1))
    if not 1 <= size <= 100 or page < 1:
        return _error(400, "rest_invalid_param", "Invalid parameter(s): per_page")
    headers = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(-(-len(found) // size))}
    return web.json_response(found[(page - 1) * size : page * size], headers=headers)


def _refused(request: web.Request) -> web.Response | None:
    try:
        scheme, given = request.headers.get("Authorization", "").split(" ")
        key, secret = base64.b64decode(given).decode().split(":")
    except ValueError:
        scheme, key, secret = "", "", ""
    if scheme != "Basic" or key not in (KEY, READ_ONLY) or secret != SECRET:
        return _error(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
    if key == READ_ONLY and request.method != "GET":
        return _error(
            401, "woocommerce_rest_authentication_error", "The API key provided does not have write permissions."
        )
    return None


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"code": code, "message": message, "data": {"status": status}}, status=status)
