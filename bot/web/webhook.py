"""Telegram's webhook: the secret first, then the commit, and only then 200."""

from __future__ import annotations

from aiohttp import web

from bot.web.access import same_secret
from bot.web.body import read_body
from bot.web.deps import DEPS
from bot.web.refusals import Refusal

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 # The name of a header, not a secret.


async def webhook(request: web.Request) -> web.Response:
    """Hand over the update as raw bytes, whatever they are: the inbox quarantines what cannot be read.

    A StoreError becomes 503, upon which Telegram sends the update again.
    """
    deps = request.app[DEPS]
    if not same_secret(request.headers.get(SECRET_HEADER), deps.webhook_secret):
        message = f"The header {SECRET_HEADER} is missing or wrong; it must carry telegram.webhook_secret."
        raise Refusal(403, "wrong_secret", message)
    body = await read_body(request, deps.limits)
    if deps.webhook is None:
        raise Refusal(404, "not_found", "This bot fetches its updates by polling; see telegram.mode.")
    await deps.webhook(body)
    # An empty body: Telegram would take a JSON object for a method to call.
    return web.Response(status=200)
