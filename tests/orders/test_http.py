"""The adapter `http` and what can go wrong on the way; what every adapter must do is in test_http_contract.py."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from bot.domain.actions import ActionKind
from bot.domain.model import WHOLE_ONLY, OrderStatus, Reason, ReturnLine, WriteResult
from bot.errors import OrderSystemDown, OrderSystemError, OrderSystemGarbled, OrderSystemTimeout
from bot.orders.http import HttpShop
from bot.orders.testing import Fault, Kind, scope_of
from tests.support.http_mappings import changed, flat, keyless, nested, without
from tests.support.http_shop import TOKEN, HttpShopServer
from tests.support.http_shop_data import DELIVERED, PENDING, SHIPPED

Open = Callable[[dict[str, Any]], HttpShop]

MINE = scope_of("7")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HttpShopServer]:
    """The shop behind the adapter."""
    with HttpShopServer(tmp_path / "shop.db") as server:
        yield server


@pytest.fixture
def other(tmp_path: Path) -> Iterator[HttpShopServer]:
    """Another server, which nobody has named."""
    with HttpShopServer(tmp_path / "other.db") as server:
        yield server


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Opens adapters, and closes them after the test."""
    shops: list[HttpShop] = []

    def open_shop(options: dict[str, Any]) -> HttpShop:
        shops.append(HttpShop.from_options(options, Path()))
        return shops[-1]

    yield open_shop
    for shop in shops:
        await shop.close()


def says(
    body: Any, status: int = 200, headers: dict[str, str] | None = None
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Answer everything with this JSON, or these bytes."""

    async def script(request: web.Request) -> web.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return web.Response(body=data, status=status, headers=headers, content_type="application/json")

    return script


def only_writes(
    server: HttpShopServer, script: Callable[[web.Request], Awaitable[web.StreamResponse]], read: Any
) -> None:
    """Answer lookups with `read`, and changes by the script."""
    reads = says(read)

    async def both(request: web.Request) -> web.StreamResponse:
        return await (reads if request.method == "GET" else script)(request)

    server.script = both


async def hangs_up(request: web.Request) -> web.StreamResponse:
    """Cut the connection in the middle of an answer."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"data": ')
    assert request.transport is not None
    request.transport.abort()
    return response


ORDER = {
    "id": 509,
    "number": PENDING,
    "customer": {"id": 7},
    "state": "open",
    "times": {"created": 1762684200000},
    "total": {"amount": 4990, "currency": "EUR"},
    "parcel": None,
    "payment": {"label": None},
    "lines": [
        {"id": 1, "product": {"title": "Shoes", "group": None}, "count": 1, "unit_price": 4990, "refundable": True}
    ],
}


def order_with(path: str, value: Any) -> dict[str, Any]:
    """Return the answer with one thing of the order changed, None for null."""
    order = json.loads(json.dumps(ORDER))
    *tables, key = path.split(".")
    place = order
    for name in tables:
        place = place[int(name) if isinstance(place, list) else name]
    place[key] = value
    return {"data": order}


# --- what is asked ---


async def test_nothing_is_asked_before_the_first_call(server: HttpShopServer, opened: Open) -> None:
    """Building an adapter opens no connection."""
    await opened(nested(server.origin)).close()
    assert server.requests == []


@pytest.mark.parametrize(
    ("customer_id", "path"),
    [
        ("7/../8", "/api/v2/customers/7%2F..%2F8/orders?limit=5"),
        ("7?limit=1#x", "/api/v2/customers/7%3Flimit%3D1%23x/orders?limit=5"),
        ("a b%2F&c=ü", "/api/v2/customers/a%20b%252F%26c%3D%C3%BC/orders?limit=5"),
    ],
)
async def test_values_stay_in_their_place(server: HttpShopServer, opened: Open, customer_id: str, path: str) -> None:
    """Whatever stands in a customer's id, it is one part of the path and nothing else."""
    await opened(nested(server.origin)).orders(scope_of(customer_id), 5)
    assert [path for _, path, _ in server.requests] == [path]


@pytest.mark.parametrize("customer_id", [".", "..", "\ud800"])
async def test_what_cannot_be_a_part_of_a_path(server: HttpShopServer, opened: Open, customer_id: str) -> None:
    """An id that would change the path is nobody's, and nothing is asked."""
    shop = opened(nested(server.origin))
    assert await shop.orders(scope_of(customer_id), 5) == []
    assert (await shop.cancel(scope_of(customer_id), PENDING, key="k")).result is WriteResult.REFUSED
    assert [path for _, path, _ in server.requests if "/customers/" in path] == []


async def test_queries_and_bodies(server: HttpShopServer, opened: Open) -> None:
    """A query's values are encoded, a body's are JSON, and a reason that was not given is left out of it."""
    bodies = []

    async def look(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        return web.json_response({"result": "done", "reference": "R", "refund": None})

    only_writes(server, look, [{**flat_order(), "customer": '7&"x'}])
    shop = opened(flat(server.origin))
    scope = scope_of('7&"x')
    await shop.cancel(scope, PENDING, key="k-1")
    await shop.cancel(scope, PENDING, key="k-2", reason=Reason.OTHER)
    assert server.requests[0][1] == f"/rest/orders?customer_id=7%26%22x&order_number={PENDING}&api_key={TOKEN}"
    assert bodies == [
        {"customer_id": '7&"x', "request_id": "k-1"},
        {"customer_id": '7&"x', "request_id": "k-2", "why": "other"},
    ]


def flat_order() -> dict[str, Any]:
    """Return an order of the flat face."""
    times = {"created": "2026-11-09T11:30:00"}
    return {"number": PENDING, "customer": 7, "state": "open", "total": "49.90", "currency": "EUR", "lines": []} | times


async def test_lines_and_reasons_in_the_shops_words(server: HttpShopServer, opened: Open) -> None:
    """A return names its lines and their numbers, or all of them, and the reason as the shop calls it."""
    bodies = []

    async def look(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        done = {"outcome": "done", "reference": "RMA", "refund": None, "note": None}
        return web.json_response({"data": done}, status=201)

    only_writes(server, look, order_with("state", "arrived"))
    shop = opened(changed(nested(server.origin), "reasons", {"damaged": "DMG-01"}))
    await shop.request_return(MINE, PENDING, key="a", reason=Reason.DAMAGED, lines=[ReturnLine("1", 1)])
    await shop.request_return(MINE, PENDING, key="b", reason=Reason.OTHER)
    lines = [{"line": "1", "count": 1}]
    assert bodies == [{"reason": "DMG-01", "lines": lines}, {"reason": "other", "lines": lines}]


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"kind": "bearer", "token": "env:SHOP_T"}, "Authorization", "Bearer t0p"),
        (
            {"kind": "basic", "user": "ü", "password": "env:SHOP_T"},
            "Authorization",
            "Basic " + base64.b64encode("ü:t0p".encode()).decode(),
        ),
        ({"kind": "header", "name": "X-Api-Key", "token": "env:SHOP_T"}, "X-Api-Key", "t0p"),
    ],
)
async def test_auth(
    server: HttpShopServer,
    opened: Open,
    monkeypatch: pytest.MonkeyPatch,
    auth: dict[str, str],
    header: str,
    value: str,
) -> None:
    """Each way of letting us in is sent, with secrets from the environment, and no secret is in the adapter's text."""
    monkeypatch.setenv("SHOP_T", "t0p")
    shop = opened(changed(nested(server.origin), "auth", auth))
    with pytest.raises(OrderSystemDown, match=r"check \[orders\.http\.auth\]") as caught:
        await shop.cancel(MINE, PENDING, key="k")
    assert server.requests[0][2].get(header) == value
    assert "t0p" not in str(caught.value)


async def test_environments_proxy_is_not_used(
    server: HttpShopServer, other: HttpShopServer, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that the environment names sees nothing."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, other.origin)
    assert await opened(nested(server.origin)).order(MINE, PENDING) is not None
    assert other.requests == []


# --- other addresses ---


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects(server: HttpShopServer, other: HttpShopServer, opened: Open, status: int) -> None:
    """A redirect is not followed: the order is not there where the configuration says."""
    server.script = says({}, status, {"Location": other.origin})
    shop = opened(nested(server.origin))
    with pytest.raises(OrderSystemGarbled, match="redirects"):
        await shop.order(MINE, PENDING)
    assert other.requests == []


@pytest.mark.parametrize(
    "form", ["{}/rest/orders", "//{0.netloc}/rest", "http://user@{1}/rest", "ftp://x/", "http://["]
)
async def test_pages_elsewhere(server: HttpShopServer, other: HttpShopServer, opened: Open, form: str) -> None:
    """A next page at another origin is not asked for, whether a Link header or the answer names it."""
    link = form.replace("{0.netloc}", urlsplit(other.origin).netloc).replace("{1}", urlsplit(server.origin).netloc)
    link = link.replace("{}", other.origin)
    server.script = says([], headers={"Link": f'<{link}>; rel="next"'})
    with pytest.raises(OrderSystemGarbled, match="next page"):
        await opened(flat(server.origin)).orders(MINE, 5)
    server.script = says({"data": [], "page": {"next": link}})
    paging = {"kind": "url", "pointer": "/page/next"}
    with pytest.raises(OrderSystemGarbled, match="next page"):
        await opened(changed(nested(server.origin), "orders.paging", paging)).orders(MINE, 5)
    assert other.requests == []
    assert len(server.requests) == 2


async def test_pages_by_address(server: HttpShopServer, opened: Open) -> None:
    """A next page that the answer names, relative or whole, is read with the same key."""
    pages = {
        "/api/v2/customers/7/orders?limit=5": {"data": [ORDER], "page": {"next": "orders?p=2"}},
        "/api/v2/customers/7/orders?p=2": {"data": [ORDER], "page": {"next": f"{server.origin}/api/v2/p3"}},
        "/api/v2/p3": {"data": [{**ORDER, "number": "SO-100001"}], "page": {}},
    }

    async def script(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        return web.json_response(pages[request.raw_path])

    server.script = script
    options = changed(nested(server.origin), "orders.paging", {"kind": "url", "pointer": "/page/next"})
    found = await opened(options).orders(MINE, 5)
    assert [order.number for order in found] == [PENDING, "SO-100001"], "one that two pages hold is one order"


# --- pages without an end ---


async def test_pages_in_a_circle(server: HttpShopServer, opened: Open) -> None:
    """A cursor that comes back is noticed."""
    server.script = says({"data": [], "page": {"next": "again"}})
    with pytest.raises(OrderSystemGarbled, match="read already"):
        await opened(nested(server.origin)).orders(MINE, 5)
    assert len(server.requests) == 2


async def test_too_many_pages(server: HttpShopServer, opened: Open) -> None:
    """A list without an end is an error after as many pages as are allowed, never a part of the list."""
    server.script = says([])
    options = changed(flat(server.origin), "orders.paging", {"kind": "page", "parameter": "p", "max_pages": 4})
    server.script = says([flat_order()])
    with pytest.raises(OrderSystemGarbled, match="more than 4 pages"):
        await opened(options).orders(MINE, 5)
    assert [path.split("&")[1] for _, path, _ in server.requests] == ["p=1", "p=2", "p=3", "p=4"]


async def test_short_page_is_the_last(server: HttpShopServer, opened: Open) -> None:
    """Where the size of a page is known, a shorter one needs no next."""
    paging = {"kind": "page", "parameter": "p", "size": 2}
    server.script = says([flat_order()])
    assert len(await opened(changed(flat(server.origin), "orders.paging", paging)).orders(MINE, 5)) == 1
    assert len(server.requests) == 1


async def test_no_more_pages_than_needed(server: HttpShopServer, opened: Open) -> None:
    """The newest order of a list that comes newest first takes one page."""
    (order,) = await opened(nested(server.origin)).orders(MINE, 1)
    assert order.number == PENDING
    assert len(server.requests) == 1


async def test_list_in_the_wrong_order(server: HttpShopServer, opened: Open) -> None:
    """A list that is said to come newest first and does not is an error, for a newer one could be on a later page."""
    older = {**ORDER, "number": "SO-100001", "times": {"created": 1}}
    server.script = says({"data": [older, ORDER], "page": {"next": None}})
    with pytest.raises(OrderSystemGarbled, match="newest first"):
        await opened(nested(server.origin)).orders(MINE, 5)
    shop = opened(changed(nested(server.origin), "newest_first", False))
    assert [order.number for order in await shop.orders(MINE, 5)] == [PENDING, "SO-100001"]


# --- how answers fail ---


@pytest.mark.parametrize(
    ("status", "read", "write"),
    [
        (401, OrderSystemDown, OrderSystemDown),
        (403, OrderSystemDown, OrderSystemDown),
        (429, OrderSystemDown, OrderSystemDown),
        (500, OrderSystemDown, OrderSystemTimeout),
        (503, OrderSystemDown, OrderSystemTimeout),
        (302, OrderSystemGarbled, OrderSystemGarbled),
        (400, OrderSystemGarbled, OrderSystemGarbled),
        (202, OrderSystemGarbled, OrderSystemGarbled),
    ],
)
async def test_statuses(
    server: HttpShopServer,
    opened: Open,
    status: int,
    read: type[OrderSystemError],
    write: type[OrderSystemError],
) -> None:
    """A status that no rule explains says of a lookup that it failed, and of a change whether it may have been done."""
    shop = opened(nested(server.origin))
    server.script = says({"error": {"code": "x"}}, status)
    with pytest.raises(read, match=str(status)):
        await shop.order(MINE, PENDING)
    only_writes(server, says({}, status), {"data": ORDER})
    with pytest.raises(write, match=f"orders.http.cancel: .*{status}"):
        await shop.cancel(MINE, PENDING, key="k")


@pytest.mark.parametrize(
    ("means", "error"),
    [("not_done", OrderSystemDown), ("unclear", OrderSystemTimeout), ("key_reused", OrderSystemGarbled)],
)
async def test_rules_of_a_change(server: HttpShopServer, opened: Open, means: str, error: type[Exception]) -> None:
    """The mapping may say that a failure surely did nothing, that it goes on, or that the key was used before."""
    rule = {"status": [503], "pointer": "/why", "values": ["7"], "means": means}
    shop = opened(changed(nested(server.origin), "cancel.answers", [rule]))
    only_writes(server, says({"why": 7}, 503), {"data": ORDER})
    with pytest.raises(error):
        await shop.cancel(MINE, PENDING, key="k")
    only_writes(server, says({"why": 8}, 503), {"data": ORDER})
    with pytest.raises(OrderSystemTimeout):
        await shop.cancel(MINE, PENDING, key="k")


async def test_done_is_never_guessed(server: HttpShopServer, opened: Open) -> None:
    """A status for which there is a rule means nothing by itself: half an answer is not taken for a whole one."""
    shop = opened(nested(server.origin))
    for body in ({"data": {"outcome": "half"}}, {"data": {"outcome": "done"}}, {"data": None}):
        only_writes(server, says(body, 201), {"data": ORDER})
        with pytest.raises(OrderSystemGarbled):
            await shop.cancel(MINE, PENDING, key="k")


async def test_refund_in_another_currency(server: HttpShopServer, opened: Open) -> None:
    """A refund in another currency than the order's makes no sense, though something may have been done."""
    done = {"outcome": "done", "reference": "R", "refund": {"amount": 4990, "currency": "USD"}, "note": ""}
    only_writes(server, says({"data": done}, 201), {"data": ORDER})
    with pytest.raises(OrderSystemGarbled, match="refund_currency"):
        await opened(nested(server.origin)).cancel(MINE, PENDING, key="k")


async def test_connection_breaks(server: HttpShopServer, opened: Open) -> None:
    """A connection that breaks did nothing to a lookup; a change may have been done, and is not sent again."""
    shop = opened(changed(nested(server.origin), "cancel.method", "PUT"))
    server.script = hangs_up
    with pytest.raises(OrderSystemDown, match="broke"):
        await shop.order(MINE, PENDING)

    async def dies(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    for script in (hangs_up, dies):
        server.requests.clear()
        only_writes(server, script, {"data": ORDER})
        with pytest.raises(OrderSystemTimeout, match="broke"):
            await shop.cancel(MINE, PENDING, key="k")
        assert [method for method, _, _ in server.requests].count("PUT") == 1


async def test_key_in_the_query_stays_secret(opened: Open, free_port: Callable[[], int]) -> None:
    """A key that stands in the address is in no error, nor in what caused it."""
    with pytest.raises(OrderSystemDown) as caught:
        await opened(flat(f"http://127.0.0.1:{free_port()}")).order(MINE, PENDING)
    assert caught.value.__cause__ is None
    assert TOKEN not in str(caught.value)


async def test_long_and_packed_answers(server: HttpShopServer, opened: Open) -> None:
    """An answer beyond the limit is not read to its end, and one that is packed not unpacked."""
    shop = opened(changed(nested(server.origin), "max_answer_bytes", 2048))
    server.script = says({"data": "x" * 4096})
    with pytest.raises(OrderSystemGarbled, match="max_answer_bytes, 2048"):
        await shop.order(MINE, PENDING)
    server.script = says(gzip.compress(b"{}" * 9), headers={"Content-Encoding": "gzip"})
    with pytest.raises(OrderSystemGarbled, match="packed"):
        await shop.order(MINE, PENDING)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"data": NaN}', b"[" * 100_000, b'{"data": 1} x', b"\xff\xfe", b"7"]
)
async def test_garbage(server: HttpShopServer, opened: Open, body: bytes) -> None:
    """What is no JSON, or not the JSON that the mapping describes, is an error that names the request."""
    server.script = says(body)
    with pytest.raises(OrderSystemGarbled, match=r"orders\.http\.order"):
        await opened(nested(server.origin)).order(MINE, PENDING)


async def test_nothing_http_at_all(opened: Open) -> None:
    """A server that speaks another protocol is an error, for lookups and changes alike."""

    async def chatter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(chatter, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(OrderSystemGarbled, match="no HTTP"):
            await opened(nested(f"http://127.0.0.1:{port}")).order(MINE, PENDING)


async def test_connection_that_never_stands(opened: Open) -> None:
    """Where a connection is not made in time, nothing was sent: the system is down, for changes too."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        # The other side's half of the TLS handshake never comes.
        options = changed(nested(f"https://127.0.0.1:{silent.getsockname()[1]}"), "connect_s", 0.1)
        with pytest.raises(OrderSystemDown, match="cannot be reached within"):
            await opened(options).order(MINE, PENDING)


async def test_time_limit(server: HttpShopServer, opened: Open) -> None:
    """The adapter's own limit ends a change that hangs, and a listing whose pages together take too long."""
    shop = opened(changed(nested(server.origin), "total_s", 0.2))
    server.fail(Fault.LATE, Kind.WRITE)
    with pytest.raises(OrderSystemTimeout, match="no answer within"):
        await shop.cancel(MINE, PENDING, key="k")
    assert server.effects(PENDING) == 1
    server.heal()
    server.fail(Fault.SLOW_PAGE, Kind.READ)
    with pytest.raises(OrderSystemTimeout):
        await shop.orders(MINE, 100)


# --- whose order it is ---


async def test_strangers_in_a_list(server: HttpShopServer, opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    """Orders of others in a list are left out unread, and the operator learns that the filter does not work."""
    theirs = {"customer": {"id": 8}, "state": "nonsense"}
    server.script = says({"data": [theirs, ORDER], "page": {}})
    with caplog.at_level(logging.ERROR):
        assert len(await opened(nested(server.origin)).orders(MINE, 5)) == 1
    assert [record.getMessage() for record in caplog.records] == ["orders.http_foreign"]


async def test_api_without_a_filter(server: HttpShopServer, opened: Open) -> None:
    """Where the API gives anybody's order to anybody, a stranger's is not there, and is not touched."""
    shop = opened(nested(server.origin))
    server.script = says(order_with("customer", {"id": 8}))
    assert await shop.order(MINE, PENDING) is None
    server.requests.clear()

    async def unknown_key(request: web.Request) -> web.Response:
        known = "operations" in request.raw_path
        return web.json_response(order_with("customer", {"id": 8}), status=404 if known else 200)

    server.script = unknown_key
    answer = await shop.cancel(MINE, PENDING, key="k")
    assert (answer.result, answer.detail) == (WriteResult.REFUSED, "no such order")
    assert {method for method, _, _ in server.requests} == {"GET"}


async def test_number_that_was_not_asked_for(server: HttpShopServer, opened: Open) -> None:
    """One's own order under another number is not the order that was meant."""
    server.script = says({"data": ORDER})
    with pytest.raises(OrderSystemGarbled, match="not the number that was asked for"):
        await opened(nested(server.origin)).order(MINE, SHIPPED)


async def test_failed_lookup_before_a_change(server: HttpShopServer, opened: Open) -> None:
    """A change whose order could not be read first was surely not asked for."""
    shop = opened(nested(server.origin))
    for body, status in (({}, 500), ({"data": {"customer": {"id": 7}}}, 200)):
        server.script = says(body, status)
        with pytest.raises(OrderSystemDown, match="nothing was asked for yet"):
            await shop.cancel(MINE, PENDING, key="k")
    assert {method for method, _, _ in server.requests} == {"GET"}


async def test_guests(server: HttpShopServer, opened: Open) -> None:
    """An order without a customer, or of the id that stands for guests, is nobody's."""
    shop = opened(changed(nested(server.origin), "guest_ids", ["0"]))
    contact = {"contact": {"email": "a@example.com", "phone": "+12025550142"}, "name": "Guest", "order": PENDING}
    for nobody in (0, None, ""):
        server.script = says({"data": {"id": nobody, **contact}})
        assert await shop.identify_by_order(PENDING, email="a@example.com", phone_last4=None) is None
        assert await shop.customer_of(PENDING) is None
        assert await shop.identify_by_phone("+12025550142") is None


async def test_two_customers_of_one_number(server: HttpShopServer, opened: Open) -> None:
    """An order number that leads to two customers proves nothing about either."""
    person = {"order_number": PENDING, "email": "a@example.com", "phone": ""}
    server.script = says([{"id": 7, **person}, {"id": 8, **person}])
    with pytest.raises(OrderSystemGarbled, match="customer_id"):
        await opened(flat(server.origin)).customer_of(PENDING)


async def test_without_lookups_or_changes(server: HttpShopServer, opened: Open) -> None:
    """What the mapping leaves out identifies nobody and changes nothing."""
    options = without(without(without(nested(server.origin), "by_phone"), "cancel"), "outcome")
    shop = opened(options)
    assert await shop.identify_by_phone("+12025550142") is None
    assert (await shop.cancel(MINE, PENDING, key="k")).result is WriteResult.REFUSED
    shop = opened(without(nested(server.origin), "by_number"))
    assert await shop.identify_by_order(PENDING, email="ana@example.com", phone_last4=None) is None
    assert server.effects(PENDING) == 0


# --- reading back ---


async def test_state_tells_where_no_keys_are_kept(server: HttpShopServer, opened: Open) -> None:
    """Without keys a cancelled order reads back as done by somebody, and is not cancelled again."""
    shop = opened(keyless(server.origin))
    server.execute("UPDATE orders SET state = 'cancelled' WHERE number = ?", PENDING)
    answer = await shop.outcome(MINE, PENDING, ActionKind.CANCEL_ORDER, key="k")
    assert answer is not None
    assert (answer.result, answer.refund) == (WriteResult.DONE, None)
    assert "who did it cannot be told" in answer.detail
    assert (await shop.cancel(MINE, PENDING, key="k")).detail == "the order is cancelled already"
    assert {method for method, _, _ in server.requests} == {"GET"}


async def test_state_that_does_not_tell(server: HttpShopServer, opened: Open) -> None:
    """A return of single lines need not show in the order's state: a person must look."""
    shop = opened(without(nested(server.origin), "outcome"))
    with pytest.raises(OrderSystemGarbled, match="does not tell"):
        await shop.outcome(MINE, DELIVERED, ActionKind.RETURN_APPLY, key="k")
    await shop.request_return(MINE, DELIVERED, key="k")
    answer = await shop.outcome(MINE, DELIVERED, ActionKind.RETURN_APPLY, key="k")
    assert answer is not None


async def test_outcome_that_is_not_known_yet(server: HttpShopServer, opened: Open) -> None:
    """A request that the shop is still working on cannot be told, and is not said to be undone."""
    shop = opened(nested(server.origin))
    await shop.cancel(MINE, PENDING, key="k")
    server.execute("UPDATE requests SET result = 'working'")
    with pytest.raises(OrderSystemGarbled, match="no rule"):
        await shop.outcome(MINE, PENDING, ActionKind.CANCEL_ORDER, key="k")
    options = nested(server.origin)
    options["outcome"]["answers"].append({"status": [200], "means": "unclear"})
    with pytest.raises(OrderSystemGarbled, match="does not say yet"):
        await opened(options).outcome(MINE, PENDING, ActionKind.CANCEL_ORDER, key="k")


async def test_whole_order_as_lines(server: HttpShopServer, opened: Open) -> None:
    """A shop that takes only whole orders back takes one that is named line by line, and refuses a part of it."""
    shop = opened(flat(server.origin))
    order = await shop.order(MINE, DELIVERED)
    assert order is not None
    server.execute("UPDATE lines SET returnable = 1")
    part = [ReturnLine(order.items[0].id, 1)]
    refused = await shop.request_return(MINE, DELIVERED, key="a", lines=part)
    assert (refused.result, refused.detail) == (WriteResult.REFUSED, WHOLE_ONLY)
    everything = [ReturnLine(item.id, item.quantity) for item in order.items]
    assert (await shop.request_return(MINE, DELIVERED, key="b", lines=everything)).result is WriteResult.DONE
    again = await shop.order(MINE, DELIVERED)
    assert again is not None
    assert again.status is OrderStatus.RETURN_REQUESTED


# --- what stands in an order ---


@pytest.mark.parametrize(
    ("path", "value", "pointer"),
    [
        ("state", "on_hold", '"/state" .*"on_hold".*states'),
        ("state", None, "/state"),
        ("state", {"a": 1}, "/state"),
        ("number", "  ", "/number"),
        ("number", True, "/number"),
        ("customer", {}, "/customer/id"),
        ("times.created", None, "/times/created"),
        ("times.created", "yesterday", "/times/created"),
        ("times.created", 10**19, "/times/created"),
        ("times.sent", {}, "/times/sent"),
        ("total.amount", 49.9, "/total/amount"),
        ("total.amount", "49,90", "/total/amount"),
        ("total.amount", None, "/total/amount"),
        ("total.amount", True, "/total/amount"),
        ("total.amount", 10**30, "/total/amount"),
        ("total.currency", "eur", "/total/currency"),
        ("total", {"amount": 1}, "/total/currency"),
        ("parcel", {"carrier": 1.5}, "/parcel/carrier"),
        ("lines", None, "/lines"),
        ("lines", {}, "/lines"),
        ("lines.0.product", {}, "/product/title"),
        ("lines.0.count", 0, "/count"),
        ("lines.0.count", 1.5, "/count"),
        ("lines.0.unit_price", "x", "/unit_price"),
        ("lines.0.refundable", "yes", "/refundable"),
        ("lines.0.id", None, "/id"),
        ("lines", ORDER["lines"] * 2, "/id"),
    ],
)
async def test_orders_that_make_no_sense(
    server: HttpShopServer, opened: Open, path: str, value: Any, pointer: str
) -> None:
    """Whatever is missing or wrong in an order is named by its pointer."""
    server.script = says(order_with(path, value))
    with pytest.raises(OrderSystemGarbled, match=pointer):
        await opened(nested(server.origin)).order(MINE, PENDING)


async def test_what_an_order_may_lack(server: HttpShopServer, opened: Open) -> None:
    """An order that was not sent yet has no parcel, and no time of dispatch."""
    server.script = says({"data": ORDER})
    order = await opened(nested(server.origin)).order(MINE, PENDING)
    assert order is not None
    assert (order.carrier, order.tracking, order.payment, order.shipped_at) == (None, None, None, None)
    assert order.items[0].category == ""


async def test_state_of_two_fields(server: HttpShopServer, opened: Open) -> None:
    """A state may be told by several fields together, one of them null."""
    options = changed(nested(server.origin), "fields.status", ["/state", "/parcel/carrier"])
    server.script = says({"data": ORDER})
    shop = opened(changed(options, "states", {"open+": "processed"}))
    order = await shop.order(MINE, PENDING)
    assert order is not None
    assert order.status is OrderStatus.PROCESSED
