"""How the web says no: one JSON shape for every error, and the way from an exception to it."""

from __future__ import annotations

import json
import logging
import secrets
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from bot.errors import DeskhandError, StoreError

log = logging.getLogger(__name__)


class Refusal(DeskhandError):
    """A request is answered with an error.

    `code` is for programs and never changes, `message` is for people and says what helps; `problems` are pairs of
    a field's path and what is wrong with it.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        problems: Sequence[tuple[str, str]] = (),
        reference: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.problems = tuple(problems)
        self.reference = reference
        self.headers = dict(headers or {})

    def to_dict(self) -> dict[str, Any]:
        """Return {"error": {"code", "message"}}, with "field" and "problems", or "reference", where there are any."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.problems:
            error["field"] = self.problems[0][0]
            error["problems"] = [{"field": field, "message": message} for field, message in self.problems]
        if self.reference:
            error["reference"] = self.reference
        return {"error": error}

    def response(self) -> web.Response:
        """Return the answer."""
        return json_response(self.to_dict(), status=self.status, headers=self.headers)


def json_response(
    data: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return `data` as UTF-8 JSON; raises ValueError for NaN, which no client could read."""
    body = json.dumps(data, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    return web.Response(body=body, status=status, headers=headers, content_type="application/json", charset="utf-8")


def refusal_for(error: Exception, route: str) -> Refusal:
    """Return what the client is told of `error`; anything unexpected is logged under the reference the client gets."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, web.HTTPException):
        return _of_http(error)
    if isinstance(error, StoreError):
        log.error("web.store_failed", extra={"route": route, "error": type(error).__name__})
        message = "The service cannot store anything at the moment; try again later."
        return Refusal(503, "unavailable", message, headers={"Retry-After": "5"})
    return _unexpected(error, route)


def _of_http(error: web.HTTPException) -> Refusal:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        message = f"{error.method} is not possible here; possible: {allowed}."
        return Refusal(405, "method_not_allowed", message, headers={"Allow": allowed})
    if error.status == 404:
        return Refusal(404, "not_found", "There is nothing at this address; /openapi.json lists what there is.")
    return Refusal(error.status, error.reason.lower().replace(" ", "_"), f"{error.reason}.")


def _unexpected(error: Exception, route: str) -> Refusal:
    """Log where it happened, without the exception's own words: they may repeat what a customer wrote."""
    reference = secrets.token_hex(4)
    stack = "".join(traceback.format_tb(error.__traceback__))
    log.error(
        "web.failed",
        extra={"reference": reference, "route": route, "error": type(error).__name__, "stack": stack},
    )
    log.debug("web.failed.detail", exc_info=error, extra={"reference": reference})
    message = f"Something went wrong here, not in your request. The log has more under the reference {reference}."
    return Refusal(500, "internal", message, reference=reference)
