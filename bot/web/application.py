"""The web application: routes, the one shape of errors, and the headers of every answer.

Only `/v1/chat` and the webhook are meant for the internet; `/healthz`, `/readyz` and `/metrics` carry no secret and
ask for none, and a reverse proxy may keep them inside.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.errors import ConfigError, Problem
from bot.web.access import Keyring, Slots
from bot.web.chat import chat
from bot.web.deps import DEPS, KEYRING, PROBE, SLOTS, Limits, WebDeps
from bot.web.health import healthz, metrics, readyz
from bot.web.openapi import openapi
from bot.web.probe import Probe
from bot.web.refusals import refusal_for
from bot.web.serving import serve
from bot.web.webhook import webhook

__all__ = ["Limits", "WebDeps", "add_routes", "make_web", "serve"]

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_SERVER = "deskhand"


def make_web(deps: WebDeps) -> web.Application:
    """Return an application of its own. Raises ConfigError for a webhook without a secret."""
    app = web.Application()
    _mount(app, deps, owns=lambda _: True)
    return app


def add_routes(app: web.Application, deps: WebDeps) -> None:
    """Add the routes to an application that has others; errors and headers of those others stay as they are.

    Raises ConfigError for a webhook without a secret.
    """
    paths = frozenset(path for _, path, _ in _routes(deps))
    _mount(app, deps, owns=lambda path: path in paths or path.startswith("/v1/"))


def _mount(app: web.Application, deps: WebDeps, owns: Callable[[str], bool]) -> None:
    if deps.webhook is not None and not deps.webhook_secret:
        remedy = "Set it to 1 to 256 letters, digits, - or _, or poll with telegram.mode = 'polling'."
        raise ConfigError([Problem("telegram.webhook_secret", "is empty", remedy)])
    app[DEPS] = deps
    app[KEYRING] = Keyring(deps.api_keys)
    app[SLOTS] = Slots(deps.limits.at_once)
    app[PROBE] = Probe(deps.health, deps.limits.health_s)
    app.cleanup_ctx.append(_probing)
    app.middlewares.append(_boundary(owns))
    app.on_response_prepare.append(_headers(owns))
    for method, path, handler in _routes(deps):
        resource = app.router.add_resource(path)
        resource.add_route(method, handler)
        resource.add_route("OPTIONS", _options)
        if method == "GET":
            resource.add_route("HEAD", handler)


def _routes(deps: WebDeps) -> list[tuple[str, str, Handler]]:
    routes: list[tuple[str, str, Handler]] = [
        ("POST", "/v1/chat", chat),
        ("GET", "/healthz", healthz),
        ("GET", "/readyz", readyz),
        ("GET", "/metrics", metrics),
        ("GET", "/openapi.json", openapi),
    ]
    if deps.webhook is not None:
        routes.append(("POST", deps.webhook_path, webhook))
    return routes


async def _probing(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[PROBE].close()


async def _options(request: web.Request) -> web.Response:
    """Say what is possible; no other origin is invited (no CORS)."""
    resource = request.match_info.route.resource
    methods = sorted(route.method for route in resource or ())
    return web.Response(status=204, headers={"Allow": ", ".join(methods)})


def _boundary(owns: Callable[[str], bool]) -> Middleware:
    """Return the edge of every request: whatever goes wrong becomes one JSON shape, without a stack trace."""

    @web.middleware
    async def boundary(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not owns(request.path):
            return await handler(request)
        try:
            return await handler(request)
        except Exception as error:  # noqa: BLE001 # The edge of a request; the unexpected is logged there.
            refusal = refusal_for(error, request.path)
        request.app[DEPS].metrics.event(f"web_{refusal.code}")
        return refusal.response()

    return boundary


def _headers(owns: Callable[[str], bool]) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    async def headers(request: web.Request, response: web.StreamResponse) -> None:
        if owns(request.path):
            response.headers["Server"] = _SERVER
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)

    return headers
