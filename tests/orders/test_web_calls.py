from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from aiohttp import web

from bot.errors import OrderSystemDown, OrderSystemGarbled, OrderSystemTimeout
from bot.orders.web_calls import MAX_ANSWER, TurnedAway, WebCalls, may_have_acted
from tests.support.web_faults import Fault, Faults, body, cut, redirect, status
from tests.support.web_server import LocalServer, local_server


class Echo:
    """Tells what it was sent; `came` counts what came in."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.came: list[str] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        return app

    async def answer(self, request: web.Request) -> web.StreamResponse:
        async def told(request: web.Request) -> web.StreamResponse:
            self.came.append(f"{request.method} {request.path_qs}")
            return web.json_response({"key": request.headers.get("X-Key"), "path": request.path_qs, "price": 0.1})

        return await self.faults.serve(request.path, request, told)


@pytest.fixture
def echo() -> Echo:
    """What answers."""
    return Echo()


@pytest.fixture
async def server(echo: Echo) -> AsyncIterator[LocalServer]:
    """Where it is served."""
    async with local_server(echo.app(), echo.faults) as server:
        yield server


@pytest.fixture
async def calls(server: LocalServer) -> AsyncIterator[WebCalls]:
    """The calls to it."""
    calls = WebCalls("shop", f"{server.url}/base", headers={"X-Key": "k"}, timeout_s=0.3)
    yield calls
    await calls.close()


async def test_call(calls: WebCalls) -> None:
    """A call goes below its base, with its headers and its query escaped; fractions come exactly as they were sent."""
    answer = await calls.read("/orders", {"search": "a&b=c #1"})
    assert (answer.status, answer.ok) == (200, True)
    assert answer.data == {"key": "k", "path": "/base/orders?search=a%26b%3Dc+%231", "price": Decimal("0.1")}


@pytest.mark.parametrize(
    ("fault", "reading", "changing"),
    [
        (status(401, {"code": "no", "message": "Sorry"}), TurnedAway, TurnedAway),
        (status(402), TurnedAway, TurnedAway),
        (status(403), TurnedAway, TurnedAway),
        (status(423), TurnedAway, TurnedAway),
        (status(429), TurnedAway, TurnedAway),
        (status(430), TurnedAway, TurnedAway),
        (status(500), OrderSystemDown, OrderSystemTimeout),
        (status(503), OrderSystemDown, OrderSystemTimeout),
        (cut(), OrderSystemDown, OrderSystemTimeout),
        (cut(acts=True), OrderSystemDown, OrderSystemTimeout),
        (redirect("http://127.0.0.1:1/"), OrderSystemDown, OrderSystemDown),
        (body(b"<html>"), OrderSystemGarbled, OrderSystemGarbled),
        (body(b'{"a": '), OrderSystemGarbled, OrderSystemGarbled),
        (body(b"[" * 100_000), OrderSystemGarbled, OrderSystemGarbled),
        (body(b" " * (MAX_ANSWER + 1)), OrderSystemGarbled, OrderSystemGarbled),
    ],
)
async def test_failures(
    calls: WebCalls, echo: Echo, fault: Fault, reading: type[Exception], changing: type[Exception]
) -> None:
    """What fails is 'down' only if surely nothing was done: a server that failed at a change may have made it."""
    echo.faults.always("", fault)
    with pytest.raises(reading):
        await calls.read("/orders")
    with pytest.raises(changing):
        await calls.send("POST", "/orders", changes=True, body={})


async def test_no_answer_in_time(calls: WebCalls, echo: Echo) -> None:
    """No answer within the limit is a time-out."""
    echo.faults.always("", echo.faults.hang())
    with pytest.raises(OrderSystemTimeout):
        await calls.read("/orders")


async def test_nobody_there(calls: WebCalls, server: LocalServer) -> None:
    """A server that cannot be reached did nothing, and is tried anew with the next call."""
    server.refuse()
    with pytest.raises(OrderSystemDown):
        await calls.send("POST", "/orders", changes=True, body={})
    server.listen_again()
    assert (await calls.read("/orders")).ok


async def test_redirects_are_not_followed(calls: WebCalls, echo: Echo, server: LocalServer) -> None:
    """The key is shown to no address but the one that the configuration names, nor to another path of it."""
    echo.faults.plan("/orders", redirect(f"{server.url}/elsewhere"))
    with pytest.raises(OrderSystemDown, match="final address"):
        await calls.read("/orders")
    assert echo.came == []


async def test_refusals_are_returned(calls: WebCalls, echo: Echo) -> None:
    """A refusal that only the caller can read comes back with what it says, or with nothing where it says nothing."""
    echo.faults.plan("/orders", status(404, {"code": "gone"}), body(b"<html>Not found</html>", 404))
    assert [(await calls.read("/orders")).data for _ in range(2)] == [{"code": "gone"}, None]


async def test_what_is_said_holds_no_secret_and_no_page(calls: WebCalls, echo: Echo) -> None:
    """An error names the API's own code and message, in one line, and never a web page."""
    echo.faults.plan("/orders", status(401, {"code": "no_right", "message": "Sorry,\nno"}), body(b"<p>k</p>", 403))
    with pytest.raises(TurnedAway, match=r"401 .*: no_right: Sorry, no$"):
        await calls.read("/orders")
    with pytest.raises(TurnedAway, match=r"403 .*: $"):
        await calls.read("/orders")


async def test_closed(calls: WebCalls) -> None:
    """After closing, which may be repeated, nothing is sent any more."""
    await calls.read("/orders")
    await calls.close()
    await calls.close()
    with pytest.raises(OrderSystemDown):
        await calls.read("/orders")


async def test_after_a_change_nothing_is_surely_undone() -> None:
    """Where something was sent before, 'surely nothing was done' becomes 'it may be done'; other errors stay."""
    with pytest.raises(OrderSystemTimeout), may_have_acted():
        raise OrderSystemDown
    with pytest.raises(OrderSystemGarbled), may_have_acted():
        raise OrderSystemGarbled
