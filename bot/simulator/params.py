"""What a Bot API call was given: a JSON body, a form, an upload or a query string, read alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

UPLOAD_LIMIT = 52_428_800
_INTEGERS = frozenset(
    {
        "chat_id",
        "from_chat_id",
        "message_id",
        "reply_to_message_id",
        "offset",
        "limit",
        "timeout",
        "user_id",
        "draft_id",
    }
)
_NESTED = frozenset(
    {
        "reply_markup",
        "entities",
        "caption_entities",
        "reply_parameters",
        "commands",
        "scope",
        "allowed_updates",
        "link_preview_options",
    }
)


class ApiError(Exception):
    """The Bot API refuses a call: an HTTP status, a description, and sometimes parameters such as retry_after."""

    def __init__(self, status: int, description: str, parameters: Mapping[str, Any] | None = None) -> None:
        self.status = status
        self.description = description
        self.parameters = dict(parameters or {})
        super().__init__(f"{status} {description}")

    def body(self) -> dict[str, Any]:
        """Return the JSON that Telegram answers."""
        answer: dict[str, Any] = {"ok": False, "error_code": self.status, "description": self.description}
        return answer | {"parameters": self.parameters} if self.parameters else answer


def bad_request(what: str) -> ApiError:
    """Return a 400 in Telegram's words."""
    return ApiError(400, f"Bad Request: {what}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with the call."""

    name: str
    content: bytes
    content_type: str


class Params:
    """The parameters of one call; numbers and nested JSON are decoded where the Bot API expects them."""

    def __init__(self, values: Mapping[str, Any], files: Mapping[str, Upload] | None = None) -> None:
        self.values = {name: _decoded(name, value) for name, value in values.items()}
        self.files = dict(files or {})

    def text(self, name: str) -> str:
        """Return a string parameter; numbers are written out, absent ones are empty."""
        value = self.values.get(name, "")
        if isinstance(value, str):
            return value
        return "" if value is None else json.dumps(value)

    def integer(self, name: str, default: int = 0, low: int = -(2**63), high: int = 2**63 - 1) -> int:
        """Return a number, forced into its range; what is no number counts as the default, as in Telegram."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            return default
        return min(max(value, low), high)

    def flag(self, name: str) -> bool:
        """Return whether a boolean parameter is set."""
        return self.text(name).strip().lower() in {"true", "yes", "1"}

    def nested(self, name: str) -> Any:
        """Return a JSON parameter, or None."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            raise bad_request(f"can't parse {name.replace('_', ' ')} JSON object")
        return value


def _decoded(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        if name in _INTEGERS:
            return int(value)
        if name in _NESTED and value:
            return json.loads(value)
    except (ValueError, RecursionError):
        return value
    return value


async def read_params(request: web.Request) -> Params:
    """Read a call's parameters from wherever they are; the body wins over the query string."""
    values: dict[str, Any] = dict(request.query) if request.query_string else {}
    if request.method != "POST" or not request.body_exists:
        return Params(values)
    kind = request.content_type
    if kind.startswith("multipart/"):
        return await _read_multipart(request, values)
    body = await request.read()
    if kind == "application/json":
        return Params(values | _json_object(body))
    if kind == "application/x-www-form-urlencoded":
        return Params(values | dict(_form(body)))
    return Params(values)


def _json_object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise bad_request("can't parse JSON object") from None
    if not isinstance(parsed, dict):
        raise bad_request("JSON object expected")
    _require_utf8(body if b"\\ud" in body.lower() else b"", parsed)
    return parsed


def _require_utf8(suspicious: bytes, parsed: object) -> None:
    """Refuse lone surrogates: Python reads them out of JSON, Telegram does not."""
    if not suspicious:
        return
    try:
        json.dumps(parsed, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise bad_request("strings must be encoded in UTF-8") from None


def _form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=200)
    except UnicodeDecodeError:
        raise bad_request("strings must be encoded in UTF-8") from None
    except ValueError:
        raise bad_request("too many parameters") from None


async def _read_multipart(request: web.Request, values: dict[str, Any]) -> Params:
    files: dict[str, Upload] = {}
    try:
        form = await request.clone(client_max_size=UPLOAD_LIMIT).post()
    except ValueError:
        raise bad_request("can't parse the multipart form") from None
    for name, field in form.items():
        if isinstance(field, web.FileField):
            with field.file as content:
                files[name] = Upload(field.filename, content.read(), field.content_type)
        else:
            values[name] = field if isinstance(field, str) else bytes(field).decode(errors="replace")
    return Params(values, files)
