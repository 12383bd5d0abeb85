"""Health, readiness, and the manners of every address."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from aiohttp import web

from bot.domain.ports import HealthItem
from bot.web.application import Limits, add_routes
from tests.support.fake_chat import AUTH, client, deps

FINE = HealthItem("database", ok=True, detail="written in 2 ms")


@pytest.mark.parametrize(
    ("item", "http_status", "status"),
    [
        (HealthItem("models", ok=True), 200, "ok"),
        (HealthItem("models", ok=False, detail="truncated", fatal=False), 200, "degraded"),
        (HealthItem("poll", ok=False, detail="340 s ago"), 503, "down"),
    ],
)
async def test_only_a_fatal_item_makes_it_unhealthy(item: HealthItem, http_status: int, status: str) -> None:
    """The bot serves without what is not fatal, and says what is amiss."""

    async def health() -> Sequence[HealthItem]:
        return FINE, item

    async with client(deps(health=health)) as http:
        answer = await http.get("/healthz")
        assert answer.status == http_status
        assert await answer.json() == {
            "status": status,
            "items": [
                {"name": "database", "ok": True, "detail": "written in 2 ms", "fatal": True},
                {"name": item.name, "ok": item.ok, "detail": item.detail, "fatal": item.fatal},
            ],
        }


async def test_checks_that_break_are_a_finding() -> None:
    """An exception in a check is unhealthy, not an internal error."""

    async def health() -> Sequence[HealthItem]:
        raise OSError("the disk")

    async with client(deps(health=health)) as http:
        answer = await http.get("/healthz")
        assert answer.status == 503
        assert (await answer.json())["items"][0]["detail"] == "the checks failed: OSError"


async def test_checks_that_hang_are_a_finding_and_run_once() -> None:
    """Many who ask during a hanging check share it, and all get an answer in time."""
    rounds = []

    async def health() -> Sequence[HealthItem]:
        rounds.append(1)
        await asyncio.Event().wait()
        return ()

    async with client(deps(health=health, limits=Limits(health_s=0.05))) as http:
        answers = await asyncio.gather(*(http.get("/healthz") for _ in range(5)))
        assert [answer.status for answer in answers] == [503] * 5
        assert "did not end within 0.05 s" in await answers[0].text()
    assert len(rounds) == 1


@pytest.mark.parametrize("ready", [True, False])
async def test_readiness_follows_the_worker(ready: bool) -> None:
    """A load balancer sends nothing to a worker that starts or stops."""
    async with client(deps(ready=lambda: ready)) as http:
        answer = await http.get("/readyz")
        assert (answer.status, await answer.json()) == (200 if ready else 503, {"ready": ready})


@pytest.mark.parametrize("path", ["/", "/nothing", "/v1/other", "/v1/chat/", "/.env", "/%00", "/v1/%ff"])
async def test_an_unknown_address_gets_the_same_shape(path: str) -> None:
    """A 404 is JSON as every other error."""
    async with client() as http:
        answer = await http.get(path)
        assert answer.status == 404
        assert (await answer.json())["error"]["code"] == "not_found"


async def test_a_wrong_method_is_told_the_right_one() -> None:
    """A 405 says in the Allow header and in words what is possible."""
    async with client() as http:
        answer = await http.get("/v1/chat", headers=AUTH)
        assert (answer.status, answer.headers["Allow"]) == (405, "OPTIONS, POST")
        assert "OPTIONS, POST" in (await answer.json())["error"]["message"]
        assert (await http.post("/healthz")).headers["Allow"] == "GET, HEAD, OPTIONS"


async def test_head_and_options_are_answered() -> None:
    """HEAD gives the status without a body; OPTIONS the methods, and no other origin is let in."""
    async with client() as http:
        head = await http.head("/healthz")
        assert (head.status, await head.read()) == (200, b"")
        headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        options = await http.options("/v1/chat", headers=headers)
        assert (options.status, options.headers["Allow"]) == (204, "OPTIONS, POST")
        assert not [name for name in options.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/openapi.json", "/v1/chat", "/nothing"])
async def test_every_answer_carries_the_safe_headers(path: str) -> None:
    """Nothing is cached, sniffed, framed, or says which server this is."""
    async with client() as http:
        headers = (await http.get(path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Server"] == "deskhand"


async def test_routes_join_another_application_without_changing_its_own() -> None:
    """In the demo the simulator keeps its errors and headers, and the API has ours."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="a page")

    app = web.Application()
    app.router.add_get("/", page)
    add_routes(app, deps())
    async with client(app=app) as http:
        own, missing = await http.get("/"), await http.get("/missing")
        assert await own.text() == "a page"
        assert "Content-Security-Policy" not in own.headers
        assert (missing.status, missing.content_type) == (404, "text/plain")
        ours, wrong = await http.get("/v1/missing"), await http.get("/v1/chat")
        assert (ours.status, (await ours.json())["error"]["code"]) == (404, "not_found")
        assert (wrong.status, wrong.headers["X-Frame-Options"]) == (405, "DENY")
        assert (await http.post("/v1/chat", json={"message": "hi"}, headers=AUTH)).status == 200
