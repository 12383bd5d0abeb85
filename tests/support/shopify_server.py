"""A shop at Shopify on 127.0.0.1: its Admin API over GraphQL, as far as Deskhand calls it, from its public reference.

The operations are parsed, validated against the schema in tests/data and executed by a real GraphQL engine, and no
query may cost more than Shopify lets one cost. So an operation that Shopify would not understand fails here as well.
"""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    build_schema,
    get_named_type,
    graphql_sync,
    is_leaf_type,
    parse,
)

from tests.support.web_faults import Faults, Handler

TOKEN, CLIENT_ID, CLIENT_SECRET = "shpat_0123456789abcdef", "app-1", "shpss_fedcba9876543210"
VERSION = "2026-10"
MAX_COST = 1000
OPERATION = web.RequestKey("operation", str)
AFTER = web.RequestKey("after", object)
SCHEMA = Path(__file__).parents[1] / "data" / "shopify_admin.graphql"
RIGHTS = (
    "read_orders",
    "write_orders",
    "read_all_orders",
    "read_customers",
    "read_products",
    "read_returns",
    "write_returns",
)
REASONS = {"damaged": 1, "wrong-item": 2, "wrong-size": 3, "changed-mind": 4, "arrived-late": 5, "other": 6}


class ShopifyServer:
    """The shop's state, and its answers; `changes` tells each change that was taken, as (order's name, what)."""

    def __init__(self) -> None:
        self.customers: dict[str, dict[str, Any]] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.changes: list[tuple[str, str]] = []
        self.inputs: list[dict[str, Any]] = []
        self.faults = Faults()
        self.tokens = {TOKEN}
        self.rights = list(RIGHTS)
        self.served_version = VERSION
        self.prefix = "#"
        self.costs: dict[str, int] = {}
        # How many requests later a job is done; None for never.
        self.job_takes: int | None = 1
        self._jobs: list[dict[str, Any]] = []

    def add_customer(self, customer: int, name: str, email: str, phone: str | None) -> None:
        gid = f"gid://shopify/Customer/{customer}"
        self.customers[gid] = {
            "id": gid,
            "displayName": name,
            "defaultEmailAddress": {"emailAddress": email},
            "defaultPhoneNumber": phone and {"phoneNumber": phone},
            "orders": lambda info, **args: self._page(self._theirs(gid), args, info),
        }

    def add_order(self, number: int, customer: int, placed: str, *parcels: str, **fields: Any) -> dict[str, Any]:
        """Add an order of two lines, 2 x 10.00 and 1 x 6.05, paid by card.

        `parcels` are the display states of its parcels; with one the order is fulfilled.
        """
        gid = f"gid://shopify/Order/{5000 + number}"
        lines = [
            _line(number * 100 + 1, "Linen shirt - M", 2, "10.00"),
            _line(number * 100 + 2, "Straw hat", 1, "6.05"),
        ]
        order: dict[str, Any] = {
            "id": gid,
            "name": f"{self.prefix}{number}",
            "createdAt": f"{placed}T12:00:00Z",
            "cancelledAt": None,
            "cancellation": None,
            "displayFinancialStatus": "PAID",
            "displayFulfillmentStatus": "FULFILLED" if parcels else "UNFULFILLED",
            "returnStatus": "NO_RETURN",
            "paymentGatewayNames": ["shopify_payments"],
            "customer": self.customers.get(f"gid://shopify/Customer/{customer}"),
            "email": None,
            "phone": None,
            "billingAddress": {"phone": None},
            "totalPriceSet": _bag("26.05"),
            "netPaymentSet": _bag("26.05"),
            "lines": lines,
            "parcels": [_parcel(placed, place, state) for place, state in enumerate(parcels)],
            "returned": [],
        }
        order.update(fields)
        order["lineItems"] = lambda info, **args: _connection(order["lines"], args)
        order["fulfillments"] = lambda info, first, **_: order["parcels"][:first]
        order["returns"] = lambda info, **args: _connection(order["returned"], args)
        self.orders[gid] = order
        return order

    def end_jobs(self) -> None:
        """Let one request's time go by for the jobs in the queue."""
        for job in self._jobs:
            if job["left"] is not None and not job["done"]:
                job["left"] -= 1
                job["done"] = job["left"] <= 0
                if job["done"]:
                    job["act"]()

    def carry_out_jobs(self) -> None:
        """End every job in the queue at once."""
        for job in self._jobs:
            job["left"] = 1
        self.end_jobs()

    # --- the API ---

    def _root(self) -> dict[str, Any]:
        return {
            "shop": {
                "id": "gid://shopify/Shop/1",
                "name": "Linen & Straw",
                "orderNumberFormatPrefix": self.prefix,
                "orderNumberFormatSuffix": "",
            },
            "currentAppInstallation": {"accessScopes": [{"handle": right} for right in self.rights]},
            "customer": lambda info, id: self.customers.get(id),
            "customers": lambda info, **args: _connection(list(self.customers.values()), args),
            "customerByIdentifier": lambda info, identifier: self._by_phone(identifier["phoneNumber"]),
            "job": lambda info, id: next((job for job in self._jobs if job["id"] == id), None),
            "order": lambda info, id: self.orders.get(id),
            "orders": lambda info, **args: self._page(list(self.orders.values()), args, info),
            "returnReasonDefinitions": lambda info, handles, first: _connection(_reasons(handles), {"first": first}),
            "returnableFulfillments": lambda info, **args: self._returnable(**args),
            "orderCancel": lambda info, **args: self._cancel(**args),
            "returnRequest": lambda info, input: self._return(input),
        }

    def _theirs(self, customer: str) -> list[dict[str, Any]]:
        return [order for order in self.orders.values() if order["customer"] and order["customer"]["id"] == customer]

    def _page(self, orders: list[dict[str, Any]], args: dict[str, Any], info: Any) -> dict[str, Any]:
        if args.get("query") is not None:
            named = re.fullmatch(r'name:"([^"]*)"', args["query"])
            if named is None:
                raise GraphQLError("Invalid search query", extensions={"code": "BAD_REQUEST"})
            # The search is by words, so a number may bring longer ones along.
            orders = [order for order in orders if order["name"].startswith(named[1])]
        assert args.get("sortKey", "CREATED_AT") == "CREATED_AT"
        return _connection(
            sorted(orders, key=lambda order: order["createdAt"], reverse=args.get("reverse", False)), args
        )

    def _by_phone(self, phone: str) -> dict[str, Any] | None:
        return next(
            (
                each
                for each in self.customers.values()
                if (each["defaultPhoneNumber"] or {}).get("phoneNumber") == phone
            ),
            None,
        )

    def _cancel(self, **args: Any) -> dict[str, Any]:
        order = self.orders.get(args["orderId"])
        if order is None:
            return _no("Order does not exist", "NOT_FOUND")
        if order["cancelledAt"] is not None or any(job["order"] is order and not job["done"] for job in self._jobs):
            return _no("Order has already been cancelled", "INVALID")
        if order["parcels"]:
            return _no("Cannot cancel an order that has fulfillments", "INVALID")
        if len(args["staffNote"]) > 255:
            return _no("Staff note is too long", "INVALID")

        def act() -> None:
            order["cancelledAt"] = datetime.now(UTC).isoformat()
            order["cancellation"] = {"staffNote": args["staffNote"]}
            if args["refundMethod"]["originalPaymentMethodsRefund"]:
                order["netPaymentSet"] = _bag("0.00")
                order["displayFinancialStatus"] = "REFUNDED"

        self.changes.append((order["name"], "cancelled"))
        self.inputs.append(args)
        gid = f"gid://shopify/Job/{len(self._jobs) + 1}"
        job = {"id": gid, "done": False, "left": self.job_takes, "order": order, "act": act}
        self._jobs.append(job)
        return {"job": {"id": gid, "done": False}, "orderCancelUserErrors": []}

    def _returnable(self, orderId: str, first: int) -> dict[str, Any]:
        order = self.orders[orderId]
        taken: dict[str, int] = {}
        for each in order["returned"]:
            if each["status"] not in ("DECLINED", "CANCELED"):
                for line in each["lines"]:
                    gid = line["fulfillmentLineItem"]["id"]
                    taken[gid] = taken.get(gid, 0) + line["quantity"]
        left = [
            {
                "quantity": line["quantity"] - taken.get(_shipped(line), 0),
                "fulfillmentLineItem": {"id": _shipped(line), "lineItem": line},
            }
            for line in order["lines"]
        ]
        left = [entry for entry in left if entry["quantity"] > 0] if order["parcels"] else []
        parcel = {
            "id": "gid://shopify/ReturnableFulfillment/1",
            "returnableFulfillmentLineItems": lambda info, **args: _connection(left, args),
        }
        return _connection([parcel] if left else [], {"first": first})

    def _return(self, data: dict[str, Any]) -> dict[str, Any]:
        order = self.orders[data["orderId"]]
        there = self._returnable(data["orderId"], 10)["nodes"]
        left = {}
        for parcel in there:
            for entry in parcel["returnableFulfillmentLineItems"](None, first=100)["nodes"]:
                left[entry["fulfillmentLineItem"]["id"]] = entry
        for line in data["returnLineItems"]:
            if line["quantity"] > left.get(line["fulfillmentLineItemId"], {"quantity": 0})["quantity"]:
                problem = {"code": "INVALID", "field": ["input"], "message": "Quantity is not available for return."}
                return {"return": None, "userErrors": [problem]}
            assert len(line["customerNote"]) <= 300
        lines = [
            {
                "__typename": "ReturnLineItem",
                "id": f"gid://shopify/ReturnLineItem/{place}",
                "quantity": line["quantity"],
                "customerNote": line["customerNote"],
                "fulfillmentLineItem": left[line["fulfillmentLineItemId"]]["fulfillmentLineItem"],
            }
            for place, line in enumerate(data["returnLineItems"])
        ]
        made = {
            "id": f"gid://shopify/Return/{len(order['returned']) + 1}",
            "name": f"{order['name']}-R{len(order['returned']) + 1}",
            "status": "REQUESTED",
            "lines": lines,
            "returnLineItems": lambda info, **args: _connection(lines, args),
        }
        order["returned"].append(made)
        order["returnStatus"] = "RETURN_REQUESTED"
        self.changes.append((order["name"], "return"))
        self.inputs.append(data)
        return {"return": made, "userErrors": []}

    async def graphql(self, request: web.Request) -> web.Response:
        if request.headers.get("X-Shopify-Access-Token") not in self.tokens:
            said = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return web.json_response({"errors": said}, status=401)
        if request.match_info["version"] != VERSION and self.served_version == VERSION:
            return web.json_response({"errors": "Not Found"}, status=404)
        data = await request.json()
        cost = cost_of(data["query"], data["variables"])
        self.costs[request[OPERATION]] = max(cost, self.costs.get(request[OPERATION], 0))
        if cost > MAX_COST:
            said = f"Query cost is {cost}, which exceeds the single query max cost limit (1000)."
            return _errors(said, "MAX_COST_EXCEEDED")
        self.end_jobs()
        result = graphql_sync(_schema(), data["query"], self._root(), variable_values=data["variables"])
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        answer["extensions"] = _cost(cost)
        return web.json_response(answer, headers={"X-Shopify-API-Version": self.served_version})

    async def access_token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if (form.get("grant_type"), form.get("client_id"), form.get("client_secret")) != (
            "client_credentials",
            CLIENT_ID,
            CLIENT_SECRET,
        ):
            return web.json_response({"error": "application_cannot_be_found"}, status=400)
        token = f"shpat_fetched_{len(self.tokens)}"
        self.tokens.add(token)
        return web.json_response({"access_token": token, "scope": ",".join(self.rights), "expires_in": 86399})

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        app.router.add_post("/admin/api/{version}/graphql.json", self.graphql)
        app.router.add_post("/admin/oauth/access_token", self.access_token)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        called = f"{request.method} {request.path}"
        if request.path.endswith("graphql.json"):
            data = await request.json()
            kind, request[OPERATION] = re.findall(r"^(query|mutation) (\w+)", data["query"], re.MULTILINE)[0]
            request[AFTER] = data["variables"].get("after")
            called = f"{kind} {request[OPERATION]}"
        # What two requests do at the same moment is interleaved as it would be by two of Shopify's machines.
        await asyncio.sleep(0)
        return await self.faults.serve(called, request, handler)


def cost_of(text: str, variables: dict[str, Any]) -> int:
    """Return what Shopify would reckon for a query: one point for each object that it may return."""
    document = parse(text)
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}

    def of(selections: Any, parent: Any) -> int:
        return sum(one(each, parent) for each in selections.selections) if selections else 0

    def one(node: Any, parent: Any) -> int:
        if isinstance(node, FragmentSpreadNode):
            return of(fragments[node.name.value].selection_set, parent)
        if isinstance(node, InlineFragmentNode):
            return of(node.selection_set, parent)
        assert isinstance(node, FieldNode)
        field = getattr(parent, "fields", {}).get(node.name.value)
        if field is None or is_leaf_type(get_named_type(field.type)):
            return 0
        kind = get_named_type(field.type)
        free = kind.name.endswith(("Connection", "PageInfo"))
        first = next((argument.value for argument in node.arguments or () if argument.name.value == "first"), None)
        times = 1 if first is None else int(getattr(first, "value", 0) or variables[first.name.value])
        return times * ((0 if free else 1) + of(node.selection_set, kind))

    (operation,) = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    root = _schema().get_root_type(operation.operation)
    return of(operation.selection_set, root) + (10 if operation.operation.value == "mutation" else 0)


@cache
def _schema() -> GraphQLSchema:
    return build_schema(SCHEMA.read_text(encoding="utf-8"))


def throttled() -> dict[str, Any]:
    """Return the body of a call that came too soon."""
    body = json.loads(_errors("Throttled", "THROTTLED").text or "")
    body["extensions"] = _cost(152)
    return body


def internal_error() -> dict[str, Any]:
    """Return the body of a call in which Shopify failed."""
    said = "Internal error. Looks like something went wrong on our end. Request ID: 1-2-3."
    return json.loads(_errors(said, "INTERNAL_SERVER_ERROR").text or "")


def access_denied() -> dict[str, Any]:
    """Return the body of a call for which the app has no right."""
    said = "Access denied for customer field. Required access: `read_customers` access scope."
    return json.loads(_errors(said, "ACCESS_DENIED").text or "")


def _errors(message: str, code: str) -> web.Response:
    return web.json_response({"data": None, "errors": [{"message": message, "extensions": {"code": code}}]})


def _cost(cost: int) -> dict[str, Any]:
    bucket = {"maximumAvailable": 2000.0, "currentlyAvailable": 2000 - cost, "restoreRate": 100.0}
    return {"cost": {"requestedQueryCost": cost, "actualQueryCost": cost, "throttleStatus": bucket}}


def _connection(found: list[Any], args: dict[str, Any]) -> dict[str, Any]:
    start = int(args["after"]) if args.get("after") else 0
    end = start + args["first"]
    info = {
        "hasNextPage": end < len(found),
        "hasPreviousPage": start > 0,
        "endCursor": str(min(end, len(found))) if found[start:end] else None,
    }
    return {"nodes": found[start:end], "pageInfo": info}


def _reasons(handles: list[str]) -> list[dict[str, Any]]:
    return [
        {"id": f"gid://shopify/ReturnReasonDefinition/{number}", "handle": handle, "name": handle, "deleted": False}
        for handle, number in REASONS.items()
        if handle in handles
    ]


def _bag(amount: str, currency: str = "EUR") -> dict[str, Any]:
    return {
        "presentmentMoney": {"amount": amount, "currencyCode": currency},
        "shopMoney": {"amount": amount, "currencyCode": "USD"},
    }


def _line(number: int, name: str, quantity: int, price: str) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/LineItem/{number}",
        "name": name,
        "quantity": quantity,
        "currentQuantity": quantity,
        "discountedUnitPriceSet": _bag(price),
        "product": {"productType": "Clothes"},
    }


def add_lines(order: dict[str, Any], count: int) -> None:
    """Make an order longer."""
    number = int(order["name"].lstrip("#")) * 100 + 10
    order["lines"] += [_line(number + place, f"Button {place}", 1, "0.50") for place in range(count)]


def _shipped(line: dict[str, Any]) -> str:
    return str(line["id"]).replace("LineItem", "FulfillmentLineItem")


def _parcel(placed: str, place: int, state: str) -> dict[str, Any]:
    day = int(placed[8:10])
    return {
        "id": f"gid://shopify/Fulfillment/{place}",
        "createdAt": f"{placed[:8]}{day + 1:02}T08:00:00Z",
        "deliveredAt": f"{placed[:8]}{day + 3:02}T10:00:00Z" if state == "DELIVERED" else None,
        "estimatedDeliveryAt": f"{placed[:8]}{day + 4:02}T18:00:00Z",
        "displayStatus": state,
        "trackingInfo": lambda info, first: [{"company": "DHL", "number": f"JD01460000{place}"}][:first],
    }


def _no(message: str, code: str) -> dict[str, Any]:
    problem = {"code": code, "field": ["orderId"], "message": message}
    return {"job": None, "orderCancelUserErrors": [problem]}
