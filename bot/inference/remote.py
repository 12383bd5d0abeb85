"""A model behind any OpenAI-compatible server: Ollama, LM Studio, vLLM, llama-server.

Every answer is asked for as a stream: a server that breaks or hangs is then noticed between two tokens, and a call that
is cancelled closes its connection, at which all four stop working on it.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus
from typing import Any

from bot.domain.ports import ChatMessage, Completion
from bot.errors import PassReason, TierPassed
from bot.inference.circuit import Circuit, ServerFailed
from bot.inference.remote_answers import END, Piece, failure, finished, model_names, piece_of, whole_piece
from bot.inference.remote_http import Answer, Deadline, ModelHttp

log = logging.getLogger(__name__)
QUIET_S, WAIT_S = 10.0, 2.0
LOOK_S = 2.0  # Less than /healthz waits, so that it hears what is wrong.


class RemoteModel:
    """Implements `LanguageModel` over HTTP; the connections are made when they are needed, and kept.

    Args:
        base_url: the server's address, with or without `/v1`.
        model: the model's name at that server.
        timeout_s: for one request in all; it should end before the caller's own limit does, or nobody learns of it.
        quiet_s: how long the server may be silent after its first token; before it, a model may have to be loaded.
        max_concurrent: how many requests it gets at once.
        wait_s: how long a request over that number waits for its turn.
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
        quiet_s: float = QUIET_S,
        max_concurrent: int = 4,
        wait_s: float = WAIT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.context_tokens = context_tokens
        self._base = base_url.strip().rstrip("/").removesuffix("/v1") + "/v1"
        self._model, self._api_key = model, api_key
        self._timeout_s, self._quiet_s, self._wait_s = timeout_s, quiet_s, wait_s
        self._max_concurrent = max_concurrent
        self._turns = asyncio.Semaphore(max_concurrent)
        self._circuit = Circuit(name, clock)
        self._http = ModelHttp(self._base, api_key)
        self._strictest = 0

    async def count_tokens(self, text: str) -> int:
        """Estimate from above: see `estimate_tokens`."""
        return estimate_tokens(text)

    async def complete(self, request: Completion) -> str:
        """Return the text of the first choice.

        Raises:
            TierPassed: UNAVAILABLE (not reached, not allowed, no such model, left alone after failures), BUSY (429,
                503, too many at once), SLOW, BROKEN (5xx, broken off) or INVALID (the request was refused, or the
                answer is none or was cut off).
        """
        text, finish = [], None
        async with aclosing(self._pieces(request.messages, request.max_tokens, request.schema)) as pieces:
            async for piece in pieces:
                text.append(piece.text)
                finish = piece.finish or finish
        return finished("".join(text), finish)

    async def stream(self, messages: Sequence[ChatMessage], max_tokens: int) -> AsyncGenerator[str, None]:
        """Yield free text piece by piece; at `max_tokens` it just ends.

        Whoever stops before the end closes the generator (`contextlib.aclosing`), which frees the server.

        Raises:
            TierPassed: as `complete`, also after some pieces.
        """
        said = False
        async with aclosing(self._pieces(messages, max_tokens)) as pieces:
            async for piece in pieces:
                if piece.text:
                    said = True
                    yield piece.text
        if not said:
            raise TierPassed(PassReason.INVALID, "its answer is empty")

    async def prepare(self, system: ChatMessage) -> None:
        """Do nothing: a server keeps what it has read by its own rules."""

    async def problem(self) -> str | None:
        """Ask the server for its models, and say if it does not answer, does not list this one or is left alone."""
        problem, refusing = await self._look(), self._circuit.state()
        if not refusing:
            return problem
        problem = problem or f"The server of tier {self.name!r} at {self._base} lists its model again."
        return f"{problem} No message is sent there: {refusing}."

    def describe(self) -> str:
        """Return which model it is, and where."""
        return f"{self._model} at {self._base}"

    async def close(self) -> None:
        """Close the connections; whoever waits for an answer is told."""
        await self._http.close()

    async def _look(self) -> str | None:
        where = f"The server of tier {self.name!r} at {self._base}"
        try:
            async with self._http.call("GET", "/models", Deadline.after(LOOK_S)) as answer:
                listed = await answer.whole()
            if answer.status != HTTPStatus.OK:
                raise failure(answer.status, listed, self._api_key)
        except TierPassed as passed:
            return f"{where} cannot be used: {passed.detail}. Start it, or correct 'base_url' and its key."
        names = model_names(listed)
        if names is None:
            return f"{where} does not answer as an OpenAI-compatible one. Correct 'base_url'."
        # Ollama lists a model that was pulled without a tag with this one.
        if not {self._model, f"{self._model}:latest"} & set(names):
            return f"{where} has no model {self._model!r}. Load it there, or set 'model' to {_some(names)}."
        return None

    async def _pieces(
        self, messages: Sequence[ChatMessage], max_tokens: int, schema: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[Piece, None]:
        """Yield an answer as it comes, in the server's and the circuit's time and turn."""
        deadline = Deadline.after(self._timeout_s)
        self._circuit.check()
        body = {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "temperature": 0,
            "max_tokens": max_tokens,
            "stream": True,
        }
        async with self._turn():
            with self._circuit.call():
                async with self._answer(body, schema, deadline) as answer:
                    if not answer.is_stream:
                        yield whole_piece(await answer.whole())
                        return
                    async with aclosing(self._streamed(answer)) as pieces:
                        async for piece in pieces:
                            yield piece

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._wait_s):
                await self._turns.acquire()
        except TimeoutError:
            detail = f"it has {self._max_concurrent} requests at once already; none ended within {self._wait_s:g} s"
            raise TierPassed(PassReason.BUSY, detail) from None
        try:
            yield
        finally:
            self._turns.release()

    @asynccontextmanager
    async def _answer(
        self, body: Mapping[str, Any], schema: Mapping[str, Any] | None, deadline: Deadline
    ) -> AsyncIterator[Answer]:
        """Give the server's answer to the strictest form that it takes, and remember which that is.

        The prompt says the form as well, and the parser checks it. Raises TierPassed when no form is taken.
        """
        strictest = self._strictest
        forms = _forms(schema)[strictest:] if schema is not None else [{}]
        for weaker, form in enumerate(forms):
            async with self._http.call("POST", "/chat/completions", deadline, {**body, **form}) as answer:
                if answer.status == HTTPStatus.OK:
                    self._settle(strictest + weaker)
                    yield answer
                    return
                refusal = await answer.whole()
            if answer.status != HTTPStatus.BAD_REQUEST or not _may_be_for(form, refusal):
                break
        raise failure(answer.status, refusal, self._api_key)

    def _settle(self, strictest: int) -> None:
        if strictest > self._strictest:
            self._strictest = strictest
            log.info("remote.schema_refused", extra={"model": self.name})

    async def _streamed(self, answer: Answer) -> AsyncGenerator[Piece, None]:
        """Yield the pieces of a stream. Raises TierPassed when it breaks off, fails or falls silent."""
        quiet_s, whole = None, False
        while (data := await answer.event(quiet_s)) is not None:
            if data == END:
                await answer.see_off()
                return
            piece = piece_of(data, self._api_key)
            # vLLM announces its answer before it has read the prompt: only a token starts the watch.
            quiet_s = self._quiet_s if piece.alive else quiet_s
            whole = whole or piece.finish is not None
            yield piece
        if not whole:
            # Ollama tells of a failure in the middle in no other way.
            raise ServerFailed(PassReason.BROKEN, "its answer broke off")


def estimate_tokens(text: str) -> int:
    """Estimate a text's tokens from above, for tokenizers that are not at hand.

    A byte-level or byte-fallback tokenizer never needs more tokens than there are UTF-8 bytes. Scripts that its
    maker cared little for come close to that (Chinese and Hindi up to 3 a character), and digits are often taken
    singly; so only ASCII letters and spaces, which no tokenizer spells out one by one, count as half.
    """
    half = sum(1 for character in text if character.isascii() and (character.isalpha() or character == " "))
    return len(text.encode("utf-8", "replace")) - half + math.ceil(half / 2)


def _forms(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the ways to ask for JSON, the strictest first."""
    named = {"name": "action", "strict": True, "schema": schema}
    return [
        {"response_format": {"type": "json_schema", "json_schema": named}},
        {"response_format": {"type": "json_object"}},
        # LM Studio refuses the one before; what it has no grammar for, it takes only as text.
        {},
    ]


def _may_be_for(form: Mapping[str, Any], refusal: bytes) -> bool:
    """Tell whether a server may have refused because of the form: of a schema it may dislike anything."""
    asked = form.get("response_format", {}).get("type")
    return asked == "json_schema" or (asked == "json_object" and b"response_format" in refusal)


def _some(names: list[str]) -> str:
    shown = ", ".join(repr(name[:80]) for name in names[:3])
    return f"one of {shown}" if shown else "one that it has (it lists none)"
