"""What a machine asks from outside: is all well, are turns taken, how does it go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from aiohttp import web
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from bot.domain.ports import HealthItem
from bot.web.deps import DEPS, PROBE
from bot.web.refusals import json_response


async def healthz(request: web.Request) -> web.Response:
    """Answer 503 when something without which the bot cannot serve is not ok, and 200 otherwise."""
    items = await request.app[PROBE].items()
    status = overall(items)
    body = {"status": status, "items": [asdict(item) for item in items]}
    return json_response(body, status=503 if status == "down" else 200)


def overall(items: Sequence[HealthItem]) -> str:
    """Return "ok", "degraded" (something that is not fatal failed) or "down"."""
    if all(item.ok for item in items):
        return "ok"
    return "down" if any(item.fatal and not item.ok for item in items) else "degraded"


async def readyz(request: web.Request) -> web.Response:
    """Answer 200 while turns are taken, and 503 before the start is done and from the beginning of the shutdown."""
    ready = request.app[DEPS].ready()
    return json_response({"ready": ready}, status=200 if ready else 503)


async def metrics(request: web.Request) -> web.Response:
    """Answer in Prometheus' text format."""
    body = request.app[DEPS].metrics.render()
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
