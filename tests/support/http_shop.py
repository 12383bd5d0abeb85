"""A little shop with a REST API on loopback, in two shapes that have nothing in common, and able to fail.

`/api/v2` is nested: pages by a cursor, amounts in cents, times in milliseconds, keys in a header. `/rest` is flat: a
Link header, decimal amounts, local times, keys in the body. Both are faces of one SQLite file, which keeps its own
rules: an order is cancelled while it is open and goes back once it has come, and a key is answered once. Without
`keeps_keys` it forgets keys at once, as many shops do.

It runs in a thread of its own, so that a test can pull the plug and put it back without an await.
"""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from bot.orders.testing import Fault, Kind
from tests.support.http_shop_data import PAGE, TABLES, Refused, Shop, fill

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

TOKEN = "s3cret-t0ken"


class HttpShopServer:
    """The shop, listening; `requests` are (method, path and query, headers) of everything that came in."""

    faults = frozenset(Fault)

    def __init__(self, path: Path, *, keeps_keys: bool = True) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.script: Handler | None = None
        """Answers in the place of the shop, when a test sets it."""
        self._path = path
        self._shop = Shop(path, keeps_keys)
        self._fault: tuple[Fault, Kind] | None = None
        self._healed = asyncio.Event()
        self._runner = web.AppRunner(self._application(), shutdown_timeout=0, handle_signals=False)
        self._site: web.SockSite | None = None
        self._place = _bound(("127.0.0.1", 0))
        """Holds the port while nobody listens there."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="http-shop")

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._place.getsockname()[1]}"

    def __enter__(self) -> HttpShopServer:
        with closing(sqlite3.connect(self._path)) as db:
            db.executescript(f"PRAGMA synchronous = OFF; {TABLES}")
            fill(db)
            db.commit()
        self._thread.start()
        self._wait(self._runner.setup())
        self._wait(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self.heal()
        self._wait(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._place.close()

    # --- how it fails ---

    def fail(self, fault: Fault, kind: Kind) -> None:
        self._fault = (fault, kind)
        if fault is Fault.REFUSED and kind is Kind.READ:
            self._wait(self._stop_listening())

    def heal(self) -> None:
        self._fault = None
        self._wait(self._heal())

    def effects(self, number: str) -> int:
        with closing(sqlite3.connect(self._path)) as db:
            return int(db.execute("SELECT count(*) FROM effects WHERE number = ?", (number,)).fetchone()[0])

    def execute(self, sql: str, *values: Any) -> None:
        """Change the shop's data behind the API."""
        with closing(sqlite3.connect(self._path)) as db:
            db.execute(sql, values)
            db.commit()

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    async def _heal(self) -> None:
        self._healed.set()
        self._healed = asyncio.Event()
        if self._site is None:
            await self._listen()

    async def _listen(self) -> None:
        self._site = web.SockSite(self._runner, _bound(self._place.getsockname()))
        await self._site.start()

    async def _stop_listening(self) -> None:
        if self._site is not None:
            site, self._site = self._site, None
            await site.stop()

    @web.middleware
    async def _failing(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append((request.method, request.raw_path, dict(request.headers)))
        if self.script is not None:
            return await self.script(request)
        kind = Kind.READ if request.method == "GET" else Kind.WRITE
        fault, meant = self._fault or (None, kind)
        if fault is Fault.REFUSED and kind is Kind.READ:
            # The order is read over a connection that stands; whoever then comes to change it finds the door shut.
            await self._stop_listening()
        if fault is None or kind is not meant:
            return await handler(request)
        return await self._failed(fault, request, handler)

    async def _failed(self, fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
        healed = self._healed
        if fault is Fault.SLOW_PAGE and "page" not in request.query and "after" not in request.query:
            return await handler(request)
        if fault in (Fault.HANG, Fault.SLOW_PAGE):
            await healed.wait()
            raise web.HTTPServiceUnavailable
        if fault is Fault.SERVER_ERROR:
            return web.Response(status=503, text="<html>try later</html>")
        answer = await handler(request)
        body = answer.body.decode() if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else ""
        if fault is Fault.LATE:
            await healed.wait()
        elif fault is Fault.GARBAGE:
            return web.Response(text=body[: len(body) // 2], content_type="application/json")
        elif fault is Fault.PARTIAL:
            self._shop.forget_half()
            return web.json_response({"error": {"code": "refund_failed"}, "code": "refund_failed"}, status=400)
        elif fault is Fault.WRONG_CURRENCY:
            return web.Response(text=body.replace('"EUR"', '"euro"'), content_type="application/json")
        elif fault is Fault.MISSING_FIELD:
            return web.Response(text=body.replace('"total"', '"sum"'), content_type="application/json")
        return answer

    # --- the two faces ---

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._failing, _errors])
        nested, flat = Nested(self._shop), Flat(self._shop)
        app.add_routes(
            [
                web.get("/api/v2/status", nested.status),
                web.get("/api/v2/customers", nested.customers),
                web.get("/api/v2/customers/{customer}/orders", nested.orders),
                web.get("/api/v2/customers/{customer}/orders/{number}", nested.order),
                web.get("/api/v2/orders/{number}/customer", nested.customer_of),
                web.get("/api/v2/operations/{key}", nested.operation),
                web.post("/api/v2/orders/{id}/cancellation", nested.cancel),
                web.post("/api/v2/orders/{id}/returns", nested.take_back),
                web.get("/rest/orders", flat.orders),
                web.get("/rest/lookup", flat.lookup),
                web.get("/rest/customers", flat.customers),
                web.get("/rest/requests/{key}", flat.asked),
                web.post("/rest/orders/{number}/cancel", flat.cancel),
                web.post("/rest/orders/{number}/return", flat.take_back),
            ]
        )
        return app


class Nested:
    """The face at /api/v2."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def status(self, request: web.Request) -> web.Response:
        _let_in(request.headers.get("Authorization") == f"Bearer {TOKEN}")
        return web.json_response({"status": "up"})

    async def customers(self, request: web.Request) -> web.Response:
        _let_in(request.headers.get("Authorization") == f"Bearer {TOKEN}")
        return web.json_response({"data": [_person(row) for row in self._shop.with_phone(request.query["phone"])]})

    async def orders(self, request: web.Request) -> web.Response:
        _let_in(request.headers.get("Authorization") == f"Bearer {TOKEN}")
        after = int(request.query.get("after", "cursor-0").removeprefix("cursor-"))
        rows = self._shop.orders_of(request.match_info["customer"])
        page = rows[after : after + min(PAGE, int(request.query["limit"]))]
        last = after + len(page)
        following = f"cursor-{last}" if last < len(rows) else None
        return web.json_response({"data": [self._order(row) for row in page], "page": {"next": following}})

    async def order(self, request: web.Request) -> web.Response:
        _let_in(request.headers.get("Authorization") == f"Bearer {TOKEN}")
        row = self._shop.order(request.match_info["customer"], request.match_info["number"])
        if row is None:
            raise Refused(404, "not_found")
        return web.json_response({"data": self._order(row)})

    async def customer_of(self, request: web.Request) -> web.Response:
        _let_in(request.headers.get("Authorization") == f"Bearer {TOKEN}")
        found = self._shop.owner(request.match_info["number"])
        if found is None:
            raise Refused(404, "not_found")
        return web.json_response({"data": {"order": request.match_info["number"], **_person(found)}})

    async def operation(self, request: web.Request) -> web.Response:
        _let_in(request.headers.get("Authorization") == f"Bearer {TOKEN}")
        done = self._shop.recorded(request.match_info["key"])
        if done is None:
            raise Refused(404, "not_found")
        return web.json_response({"data": self._told(done)})

    async def cancel(self, request: web.Request) -> web.Response:
        return await self._write(request, "cancel")

    async def take_back(self, request: web.Request) -> web.Response:
        return await self._write(request, "return")

    async def _write(self, request: web.Request, action: str) -> web.Response:
        _let_in(request.headers.get("Authorization") == f"Bearer {TOKEN}")
        body = await request.json()
        lines = [(str(line["line"]), line["count"]) for line in body.get("lines", [])]
        key, customer = request.headers["Idempotency-Key"], request.headers["X-Customer"]
        number = self._shop.number_of(request.match_info["id"])
        done = self._shop.write(action, customer, number, key, body.get("reason"), lines)
        if done["result"] == "refused":
            raise Refused(409, done["detail"])
        return web.json_response({"data": self._told(done)}, status=201)

    def _told(self, done: dict[str, Any]) -> dict[str, Any]:
        refund = None if done["refund"] is None else {"amount": int(done["refund"].replace(".", "")), "currency": "EUR"}
        return {
            "kind": {"cancel": "cancellation", "return": "return"}[done["action"]],
            "order": done["number"],
            "outcome": done["result"],
            "reference": done["reference"],
            "refund": refund,
            "note": done["detail"],
        }

    def _order(self, row: dict[str, Any]) -> dict[str, Any]:
        lines = [
            {
                "id": line["id"],
                "product": {"title": line["name"], "group": line["category"]},
                "count": line["quantity"],
                "unit_price": int(line["price"].replace(".", "")),
                "refundable": bool(line["returnable"]),
            }
            for line in row["lines"]
        ]
        return {
            "id": row["id"],
            "number": row["number"],
            "customer": {"id": row["customer"]},
            "state": row["state"],
            "times": {name: row[name] and row[name] * 1000 for name in ("created", "sent", "arrived")},
            "total": {"amount": int(row["total"].replace(".", "")), "currency": "EUR"},
            "parcel": {"carrier": row["carrier"], "code": row["tracking"]},
            "payment": {"label": "Visa ·· 4242"},
            "lines": lines,
        }


class Flat:
    """The face at /rest."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def orders(self, request: web.Request) -> web.Response:
        _let_in(request.query.get("api_key") == TOKEN)
        rows = self._shop.orders_of(request.query["customer_id"])
        if "order_number" in request.query:
            # A search that finds more than it was asked for.
            rows = [row for row in rows if row["number"].startswith(request.query["order_number"][:6])]
            return web.json_response([self._order(row) for row in rows])
        page = int(request.query.get("page", "1"))
        part = rows[(page - 1) * PAGE : page * PAGE]
        links = {}
        if page * PAGE < len(rows):
            following = request.url.update_query(page=str(page + 1)).without_query_params("api_key")
            links = {"Link": f'</rest/orders?page=1>; rel="first", <{following}>; rel="next"'}
        return web.json_response([self._order(row) for row in part], headers=links)

    async def lookup(self, request: web.Request) -> web.Response:
        _let_in(request.query.get("api_key") == TOKEN)
        found = self._shop.owner(request.query["order_number"])
        person = [] if found is None else [{"order_number": request.query["order_number"], **self._person(found)}]
        return web.json_response(person)

    async def customers(self, request: web.Request) -> web.Response:
        _let_in(request.query.get("api_key") == TOKEN)
        found = self._shop.with_phone("+" + request.query["digits"])
        page = int(request.query["page"])
        return web.json_response([self._person(row) for row in found[page - 1 : page]])

    async def asked(self, request: web.Request) -> web.Response:
        _let_in(request.query.get("api_key") == TOKEN)
        done = self._shop.recorded(request.match_info["key"])
        if done is None:
            raise Refused(404, "unknown")
        return web.json_response(done)

    async def cancel(self, request: web.Request) -> web.Response:
        return await self._write(request, "cancel")

    async def take_back(self, request: web.Request) -> web.Response:
        return await self._write(request, "return")

    async def _write(self, request: web.Request, action: str) -> web.Response:
        _let_in(request.query.get("api_key") == TOKEN)
        body = await request.json()
        number, key = request.match_info["number"], body.get("request_id", "")
        done = self._shop.write(action, str(body["customer_id"]), number, key, body.get("why"), [])
        return web.json_response(done)

    def _person(self, row: dict[str, Any]) -> dict[str, Any]:
        # The flat face writes telephone numbers as people in its country do, without the country.
        phone = row["phone"]
        return {**row, "phone": f"({phone[2:5]}) {phone[5:8]}-{phone[8:]}"}

    def _order(self, row: dict[str, Any]) -> dict[str, Any]:
        lines = [
            {**line, "price": float(line["price"]), "returnable": bool(line["returnable"])} for line in row["lines"]
        ]
        times = {name: self._time(row[name]) for name in ("created", "sent", "arrived") if row[name]}
        plain = {name: row[name] for name in ("number", "customer", "state", "total", "carrier", "tracking")}
        return {**plain, **times, "currency": "EUR", "lines": lines}

    def _time(self, seconds: int) -> str:
        # Local time, without its zone.
        return datetime.fromtimestamp(seconds, ZoneInfo("Europe/Berlin")).strftime("%Y-%m-%dT%H:%M:%S")


def _person(row: dict[str, Any]) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"], "contact": {"phone": row["phone"], "email": row["email"]}}


def _let_in(known: bool) -> None:
    if not known:
        raise Refused(401, "unauthorised")


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as refused:
        body = {"error": {"code": refused.code, "text": refused.code}, "code": refused.code}
        return web.json_response(body, status=refused.status)


def _bound(address: tuple[str, int]) -> socket.socket:
    bound = socket.socket()
    # Two sockets on one port: one listens and one only holds the place, so that a shop that is down can come back.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(address)
    return bound
