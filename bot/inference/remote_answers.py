"""What OpenAI-compatible servers answer, read with suspicion: whole answers, pieces of streams, lists and failures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bot.errors import PassReason, TierPassed
from bot.inference.circuit import ServerFailed

END = "[DONE]"
CUT_OFF = "length"
_UNAVAILABLE = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
_REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY)
_THOUGHTS = ("reasoning_content", "reasoning")
"""Where servers put what a model thinks before it speaks: llama-server, LM Studio and vLLM; Ollama and newer vLLM."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer; `alive` if the model did something for it, `finish` with the last one."""

    text: str = ""
    alive: bool = False
    finish: str | None = None


def piece_of(data: str, key: str | None) -> Piece:
    """Read one event of a stream.

    Raises:
        TierPassed: it is none, or tells of a failure: by then the status was sent, so that this is the only way.
    """
    event = _object(data)
    # vLLM has sent its errors in two shapes, with 'error' and with 'object'.
    if event.get("error") or event.get("object") == "error":
        raise failure(_code(event), data.encode(), key, "it failed in the middle of its answer")
    choices = event.get("choices")
    if choices == [] or (choices is None and "usage" in event):
        return Piece()  # It only counts tokens.
    choice = _first_choice(event)
    delta = choice.get("delta")
    delta = delta if isinstance(delta, dict) else {}
    text, finish = delta.get("content"), choice.get("finish_reason")
    alive = bool(text) or any(delta.get(name) for name in _THOUGHTS)
    return Piece(text if isinstance(text, str) else "", alive, finish if isinstance(finish, str) else None)


def whole_piece(answer: bytes) -> Piece:
    """Read an answer that did not come as a stream, although one was asked for. Raises TierPassed INVALID."""
    choice = _first_choice(_object(answer))
    message = choice.get("message")
    if not isinstance(message, dict):
        raise TierPassed(PassReason.INVALID, "its answer holds no choice")
    text, finish = message.get("content"), choice.get("finish_reason")
    return Piece(text if isinstance(text, str) else "", True, finish if isinstance(finish, str) else None)


def finished(text: str, finish: str | None) -> str:
    """Return the text of a finished answer. Raises TierPassed INVALID when it was cut off, or there is none."""
    if finish == CUT_OFF:
        raise TierPassed(PassReason.INVALID, "its answer was cut off at the limit of tokens")
    if not text.strip():
        raise TierPassed(PassReason.INVALID, "its answer is empty")
    return text


def model_names(answer: bytes) -> list[str] | None:
    """Return the names in a server's list of models; None if it is no such list."""
    try:
        data = _object(answer).get("data")
    except TierPassed:
        return None
    if not isinstance(data, list):
        return None
    return [str(entry["id"]) for entry in data if isinstance(entry, dict) and "id" in entry]


def failure(status: int, answer: bytes, key: str | None, what: str = "") -> TierPassed:
    """Return the reason for a status and what the server says of it, without the `key` in case it is quoted there."""
    if 300 <= status < 400:
        return TierPassed(PassReason.UNAVAILABLE, f"it redirects ({status}); give its final address as 'base_url'")
    said = _server_message(answer)
    if key:
        said = said.replace(key, "[key]")
    what = what or f"it answered {status}"
    detail = f"{what}: {said}" if said else what
    if status >= 500:
        # llama-server while it loads, Ollama and vLLM while their queues are full.
        busy = status == HTTPStatus.SERVICE_UNAVAILABLE
        return ServerFailed(PassReason.BUSY if busy else PassReason.BROKEN, detail)
    return TierPassed(_reason(status), detail)


def _reason(status: int) -> PassReason:
    if status in _UNAVAILABLE:
        return PassReason.UNAVAILABLE
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return PassReason.BUSY
    return PassReason.INVALID if status in _REFUSED else PassReason.BROKEN


def _code(event: Mapping[str, Any]) -> int:
    """Return the status that an error in a stream would have had, as far as it says so."""
    error = event.get("error")
    code = error.get("code") if isinstance(error, dict) else event.get("code")
    return code if isinstance(code, int) and 400 <= code < 600 else HTTPStatus.INTERNAL_SERVER_ERROR


def _first_choice(answer: Mapping[str, Any]) -> dict[str, Any]:
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        raise TierPassed(PassReason.INVALID, "its answer holds no choice")
    return choice


def _object(answer: str | bytes) -> dict[str, Any]:
    try:
        data = json.loads(answer)
    except (ValueError, RecursionError):
        raise TierPassed(PassReason.INVALID, "its answer is not JSON") from None
    return data if isinstance(data, dict) else {}


def _server_message(answer: bytes) -> str:
    """Return what the server says of its failure, in one short line: OpenAI's, FastAPI's or Ollama's shape, or text."""
    try:
        data: Any = json.loads(answer)
    except (ValueError, RecursionError):
        data = answer.decode("utf-8", "replace")
        data = "" if data.lstrip().startswith("<") else data
    for key in ("error", "message", "detail"):
        if isinstance(data, dict) and key in data:
            data = data[key]
    text = data if isinstance(data, str) else ""
    return "".join(character if character.isprintable() else " " for character in " ".join(text.split()))[:200]
