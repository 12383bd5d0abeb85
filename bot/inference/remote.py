"""A model behind any OpenAI-compatible server: Ollama, LM Studio, vLLM, llama-server."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import aiohttp

from bot.domain.ports import ChatMessage, Completion
from bot.errors import PassReason, TierPassed

log = logging.getLogger(__name__)

MAX_ANSWER = 1 << 20
CONNECT_S = 5.0
_READ = 64 << 10
_UNAVAILABLE = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY)


class RemoteModel:
    """Implements `LanguageModel` over HTTP; the connection is made with the first call and kept.

    Args:
        base_url: the server's address, with or without `/v1`.
        model: the model's name at that server.
        timeout_s: for one request in all; the tier's own limit is the caller's.
    """

    kind = "remote"
    takes_branches = False

    def __init__(
        self,
        name: str,
        base_url: str,
        model: str,
        *,
        api_key: str | None = None,
        context_tokens: int = 8192,
        timeout_s: float = 60.0,
    ) -> None:
        self.name = name
        self.context_tokens = context_tokens
        self._base = base_url.strip().rstrip("/").removesuffix("/v1") + "/v1"
        self._model = model
        self._api_key = api_key
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._takes_schema = True

    async def count_tokens(self, text: str) -> int:
        """Estimate from above: see `estimate_tokens`."""
        return estimate_tokens(text)

    async def complete(self, request: Completion) -> str:
        """Return the text of the first choice.

        Raises:
            TierPassed: UNAVAILABLE (not reached, not allowed, no such model), BUSY (429, 503), SLOW, BROKEN (5xx) or
                INVALID (the request was refused, or the answer is none or was cut off).
        """
        body = self._body(request)
        status, answer = await self._call("POST", "/chat/completions", body)
        if status == HTTPStatus.BAD_REQUEST and self._takes_schema:
            # Older servers know JSON but no schema; the prompt says the form as well, and the parser checks it.
            status, answer = await self._call("POST", "/chat/completions", _without_schema(body))
            if status == HTTPStatus.OK:
                self._takes_schema = False
                log.info("remote.schema_refused", extra={"model": self.name})
        self._raise_for(status, answer)
        return _content(answer)

    async def prepare(self, system: ChatMessage) -> None:
        """Do nothing: a server keeps what it has read by its own rules."""

    async def problem(self) -> str | None:
        """Ask the server for its models, and say if it does not answer or does not list this one."""
        where = f"The server of tier {self.name!r} at {self._base}"
        try:
            status, answer = await self._call("GET", "/models")
            self._raise_for(status, answer)
        except TierPassed as passed:
            return f"{where} cannot be used: {passed.detail}. Start it, or correct 'base_url' and its key."
        listed = _model_names(answer)
        if listed is None:
            return f"{where} does not answer as an OpenAI-compatible one. Correct 'base_url'."
        if not {self._model, f"{self._model}:latest"} & set(listed):
            return f"{where} has no model {self._model!r}. Load it there, or set 'model' to {_some(listed)}."
        return None

    def describe(self) -> str:
        """Return which model it is, and where."""
        return f"{self._model} at {self._base}"

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _body(self, request: Completion) -> dict[str, Any]:
        body = {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "temperature": 0,
            "max_tokens": request.max_tokens,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "action", "strict": True, "schema": request.schema},
            },
        }
        return body if self._takes_schema else _without_schema(body)

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, bytes]:
        try:
            return await self._once(method, path, body)
        except aiohttp.ClientConnectorError as error:
            raise TierPassed(PassReason.UNAVAILABLE, f"it cannot be reached ({_os_reason(error)})") from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise TierPassed(PassReason.UNAVAILABLE, "'base_url' is no web address") from error
        except aiohttp.ConnectionTimeoutError as error:
            raise TierPassed(PassReason.UNAVAILABLE, f"it cannot be reached within {CONNECT_S:g} s") from error
        except TimeoutError as error:
            raise TierPassed(PassReason.SLOW, f"no answer within {self._timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise TierPassed(PassReason.BROKEN, f"the connection broke ({type(error).__name__})") from error

    async def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[int, bytes]:
        try:
            return await self._exchange(method, path, body)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if isinstance(error, aiohttp.ClientConnectorError):
                raise
            # A kept connection may be closed just as it is used again; asking twice harms nothing.
            return await self._exchange(method, path, body)

    async def _exchange(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[int, bytes]:
        url = self._base + path
        # Built here, not by aiohttp: lone surrogates pass as escapes, which strict servers would refuse.
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        async with self._open().request(method, url, data=data, allow_redirects=False) as response:
            return response.status, await _read_at_most(response, MAX_ANSWER)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            headers = {"Content-Type": "application/json", "Accept": "application/json"}
            if self._api_key:
                headers["Authorization"] = f"Bearer {self._api_key}"
            # trust_env stays off: a proxy for the world outside must not take calls to this machine.
            timeout = aiohttp.ClientTimeout(total=self._timeout_s, sock_connect=CONNECT_S)
            self._session = aiohttp.ClientSession(headers=headers, timeout=timeout, trust_env=False)
        return self._session

    def _raise_for(self, status: int, answer: bytes) -> None:
        if status == HTTPStatus.OK:
            return
        if 300 <= status < 400:
            raise TierPassed(PassReason.UNAVAILABLE, f"it redirects ({status}); give its final address as 'base_url'")
        said = _server_message(answer)
        if self._api_key:
            said = said.replace(self._api_key, "[key]")
        raise TierPassed(_reason(status), f"it answered {status}: {said}" if said else f"it answered {status}")


def estimate_tokens(text: str) -> int:
    """Estimate a text's tokens from above, for tokenizers that are not at hand.

    A byte-level or byte-fallback tokenizer never needs more tokens than there are UTF-8 bytes. Scripts that its
    maker cared little for come close to that (Chinese and Hindi up to 3 a character), and digits are often taken
    singly; so only ASCII letters and spaces, which no tokenizer spells out one by one, count as half.
    """
    half = sum(1 for character in text if character.isascii() and (character.isalpha() or character == " "))
    return len(text.encode("utf-8", "replace")) - half + math.ceil(half / 2)


def _reason(status: int) -> PassReason:
    if status in _UNAVAILABLE:
        return PassReason.UNAVAILABLE
    if status in _BUSY:
        return PassReason.BUSY
    return PassReason.INVALID if status in _REFUSED else PassReason.BROKEN


def _without_schema(body: Mapping[str, Any]) -> dict[str, Any]:
    return {**body, "response_format": {"type": "json_object"}}


async def _read_at_most(response: aiohttp.ClientResponse, limit: int) -> bytes:
    data = bytearray()
    async for part in response.content.iter_chunked(_READ):
        data += part
        if len(data) > limit:
            response.close()  # The rest is not wanted, so the connection is of no more use.
            raise TierPassed(PassReason.INVALID, f"its answer is longer than {limit} bytes")
    return bytes(data)


def _content(answer: bytes) -> str:
    """Return the first choice's text; whatever else a server may answer ends in INVALID."""
    choices = _object(answer).get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise TierPassed(PassReason.INVALID, "its answer holds no choice")
    if choice.get("finish_reason") == "length":
        raise TierPassed(PassReason.INVALID, "its answer was cut off at the limit of tokens")
    content = message.get("content")
    if not isinstance(content, str) or not content.strip():
        raise TierPassed(PassReason.INVALID, "its answer is empty")
    return content


def _object(answer: bytes) -> dict[str, Any]:
    try:
        data = json.loads(answer)
    except (ValueError, RecursionError):
        raise TierPassed(PassReason.INVALID, "its answer is not JSON") from None
    return data if isinstance(data, dict) else {}


def _model_names(answer: bytes) -> list[str] | None:
    try:
        data = _object(answer).get("data")
    except TierPassed:
        return None
    if not isinstance(data, list):
        return None
    return [str(entry["id"]) for entry in data if isinstance(entry, dict) and "id" in entry]


def _some(names: list[str]) -> str:
    shown = ", ".join(repr(name[:80]) for name in names[:3])
    return f"one of {shown}" if shown else "one that it has (it lists none)"


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


def _os_reason(error: aiohttp.ClientConnectorError) -> str:
    return (error.os_error.strerror or type(error.os_error).__name__).splitlines()[0][:100]
