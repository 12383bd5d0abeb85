"""Reading what a client sends: within a size and a time, and only if it is JSON."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, NoReturn

from aiohttp import web
from aiohttp.web_protocol import RequestPayloadError

from bot.web.deps import Limits
from bot.web.refusals import Refusal

# Clients that name no type, or a type that says nothing (curl's default is the form's), mean JSON all the same.
_JSON_TYPES = frozenset(
    {"application/json", "text/json", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded"}
)
_CHUNK = 64 * 1024
_SURROGATE = re.compile("[\ud800-\udfff]")


async def read_body(request: web.Request, limits: Limits) -> bytes:
    """Return the body as it came.

    The application's own size limit does not serve here: the simulator, in the same application, takes photos.

    Raises:
        Refusal: 413 too large, 408 too slow, 415 compressed, 400 when the client went away half way.
    """
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise Refusal(415, "unsupported_media_type", "Send the body without Content-Encoding.")
    if (request.content_length or 0) > limits.body_bytes:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.body_s):
            return await _read(request, limits)
    except TimeoutError:
        message = f"The body did not arrive within {limits.body_s:g} s; send it again."
        raise Refusal(408, "too_slow", message, headers={"Connection": "close"}) from None
    except (ConnectionError, RequestPayloadError):
        raise Refusal(400, "incomplete", "The body broke off; send it again.") from None


async def _read(request: web.Request, limits: Limits) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > limits.body_bytes:
            raise _too_large(limits)
    return bytes(body)


def _too_large(limits: Limits) -> Refusal:
    return Refusal(413, "too_large", f"The body may have at most {limits.body_bytes} bytes; send a shorter history.")


async def read_json(request: web.Request, limits: Limits) -> Any:
    """Return the body as JSON, every lone surrogate replaced by U+FFFD.

    Raises:
        Refusal: 415 for a body that says it is something else, 400 for one that is not JSON, and as `read_body`.
    """
    kind, charset = request.content_type, (request.charset or "utf-8").lower()
    if not (kind in _JSON_TYPES or kind.endswith("+json")) or charset not in ("utf-8", "utf8", "us-ascii"):
        raise Refusal(415, "unsupported_media_type", "Send JSON in UTF-8, as 'Content-Type: application/json'.")
    return parse_json(await read_body(request, limits))


def parse_json(body: bytes) -> Any:
    """Return the JSON value of `body`. Raises Refusal 400 when it is not UTF-8, not JSON, or nested too deeply."""
    try:
        text = body.decode("utf-8-sig")
        data = json.loads(text, parse_constant=_no_constant)
        return _without_surrogates(data) if "\\u" in text else data
    except UnicodeDecodeError:
        raise Refusal(400, "not_json", "The body is not UTF-8; send JSON in UTF-8.") from None
    except RecursionError:
        raise Refusal(400, "not_json", "The body is nested too deeply.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Refusal(400, "not_json", f"The body is not JSON: {error.msg} at {where}.") from None
    except ValueError:
        raise Refusal(400, "not_json", "The body holds a number that JSON or this server does not know.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _without_surrogates(data: Any) -> Any:
    """Replace what only an escape such as \\ud800 can bring in and no encoder would take out again."""
    text = json.dumps(data, ensure_ascii=False)
    return json.loads(_SURROGATE.sub("\ufffd", text)) if _SURROGATE.search(text) else data
