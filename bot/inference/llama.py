"""A GGUF model in this process, through llama.cpp. The only file that touches llama_cpp.

One thread owns the context and does one completion after another, in the order they came; the event loop only waits.
The library (and numpy) is imported with the first load, so that a bot of rules alone never pays for it.
"""

from __future__ import annotations

import asyncio
import ctypes
import functools
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bot.domain.ports import ChatMessage, Completion
from bot.errors import PassReason, TierPassed
from bot.inference import gguf_check
from bot.inference.catalogue import file_sha256
from bot.inference.constraint import Constraint, ConstraintError
from bot.inference.decoding import Stats, TooLong, chosen, likeliest, parting, shared_prefix, write
from bot.inference.native_vocabulary import NativeVocabulary
from bot.inference.requantise import Library
from bot.inference.worker import Closed, Worker

log = logging.getLogger(__name__)
T = TypeVar("T")
CHUNK = 128  # Tokens of a batch: the compute buffer grows with it, and a cancel waits for the end of one.
RETRY_S = 60.0
MAX_THREADS = 8
_LOG_ERROR = 4  # GGML_LOG_LEVEL_ERROR
SHUT_DOWN = "it is shut down"
REMEDY = "Fetch a model with 'deskhand model pull NAME', or correct the path in this tier's 'model'."


class LlamaModel:
    """Implements `LanguageModel` with a GGUF file; loads on first use, and again after a failure once a minute.

    Args:
        sha256: of the file, where it is known; a file of another one is refused before it is opened.
    """

    kind = "llama"

    def __init__(
        self,
        name: str,
        path: Path,
        *,
        context_tokens: int = 4096,
        threads: int | None = None,
        sha256: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.context_tokens = context_tokens
        self._path, self._sha256 = path, sha256
        self._threads = threads or default_threads()
        self._clock = clock
        self._worker = Worker(f"llama-{name}")
        self._engine: _Engine | None = None
        self._failure: tuple[str, float] | None = None
        self._vocabulary_in_use = threading.Lock()

    async def count_tokens(self, text: str) -> int:
        """Return how many of the model's own tokens `text` takes as a customer's text; loads the model if need be."""
        await self._load()
        # Not in the worker: counting must not wait behind another chat's decoding.
        return await asyncio.to_thread(self._count, text)

    async def complete(self, request: Completion) -> str:
        """Return JSON that fits the schema, greedily decoded.

        Raises:
            TierPassed: UNAVAILABLE, BROKEN, or INVALID (prompt or answer too long).
        """
        return await self._do(lambda stop: self._ready().complete(request, stop))

    async def weigh(self, messages: Sequence[ChatMessage], answers: Sequence[str]) -> list[float]:
        """Return the logits of `answers` at the first token on which they differ: one for each, in their order.

        Nothing is decoded: it costs the reading of the prompt.

        Raises:
            TierPassed: UNAVAILABLE, BROKEN, or INVALID (the prompt is too long).
        """
        return await self._do(lambda stop: self._ready().weigh(messages, answers, stop))

    def stats(self) -> Stats:
        """Return what was computed so far; nothing before the model is loaded."""
        return self._engine.stats() if self._engine else Stats(0, 0)

    async def problem(self) -> str | None:
        """Load the model if it is not, and say what keeps it from loading."""
        try:
            await self._load()
        except TierPassed as passed:
            return f"The model of tier {self.name!r} cannot be used: {passed.detail}. {REMEDY}"
        return None

    async def close(self) -> None:
        """Stop what runs, and free the model, its context and the thread."""
        await self._worker.close(self._free)

    async def _load(self) -> None:
        if self._engine is None:
            await self._do(lambda stop: self._ready())

    async def _do(self, work: Callable[[threading.Event], T]) -> T:
        try:
            return await self._worker.do(work)
        except Closed as error:
            raise TierPassed(PassReason.UNAVAILABLE, SHUT_DOWN) from error

    # What follows runs in the worker thread, but for _count.

    def _ready(self) -> _Engine:
        if self._engine is not None:
            return self._engine
        if self._failure and self._clock() - self._failure[1] < RETRY_S:
            raise TierPassed(PassReason.UNAVAILABLE, self._failure[0])
        began = time.perf_counter()
        try:
            if self._sha256 and file_sha256(self._path) != self._sha256:
                raise ValueError("its SHA-256 is not the one on record; it was changed or cut off")
            self._engine = _Engine(self._path, self.context_tokens, self._threads)
        except (OSError, ValueError, ImportError, MemoryError) as error:
            detail = f"{self._path}: {error}"
            self._failure = (detail, self._clock())
            log.warning("model.unavailable", extra={"model": self.name, "detail": detail})
            raise TierPassed(PassReason.UNAVAILABLE, detail) from error
        self.context_tokens = self._engine.context_tokens
        seconds = round(time.perf_counter() - began, 3)
        log.info("model.loaded", extra={"model": self.name, "seconds": seconds})
        return self._engine

    def _count(self, text: str) -> int:
        with self._vocabulary_in_use:
            if self._engine is None:
                raise TierPassed(PassReason.UNAVAILABLE, SHUT_DOWN)
            return len(self._engine.prompter.text(text))

    def _free(self) -> None:
        with self._vocabulary_in_use:
            if self._engine is not None:
                self._engine.close()
            self._engine = None


class _Engine:
    """A loaded model, its context, and the tokens whose keys and values are in it (`_cells`)."""

    def __init__(self, path: Path, context_tokens: int, threads: int) -> None:
        header = gguf_check.check(path)
        started = library()
        self._api, errors = started.api, started.errors
        self._model = self._api.llama_model_load_from_file(os.fsencode(path), self._api.llama_model_default_params())
        if not self._model:
            raise ValueError(f"llama.cpp does not load it ({'; '.join(errors) or 'it gives no reason'})")
        self._context: Any = None
        try:
            self._set_up(header, context_tokens, threads)
        except (OSError, ValueError, MemoryError):
            self.close()
            raise

    def _set_up(self, header: gguf_check.GgufHeader, context_tokens: int, threads: int) -> None:
        api = self._api
        if not api.llama_model_has_decoder(self._model) or api.llama_model_has_encoder(self._model):
            raise ValueError(f"its architecture {header.architecture!r} is not one that chats")
        params = api.llama_context_default_params()
        params.n_ctx = self.context_tokens = min(context_tokens, api.llama_model_n_ctx_train(self._model))
        params.n_batch = params.n_ubatch = CHUNK
        params.n_threads = params.n_threads_batch = threads
        self._context = api.llama_init_from_model(self._model, params)
        self._memory = self._context and api.llama_get_memory(self._context)
        if not self._memory:
            raise ValueError(f"llama.cpp makes no context of {self.context_tokens} tokens for it (too little memory?)")
        self._vocabulary = NativeVocabulary(api, self._model)
        own = api.llama_model_chat_template(self._model, None)
        self.prompter = self._vocabulary.prompter(own.decode("utf-8", "replace") if own else None)
        self._constraint = Constraint(self._vocabulary.address)
        self._cells: list[int] = []
        self._taken_in = self._decoded = 0

    def stats(self) -> Stats:
        """A decoded token is read in as well, to go on from it."""
        return Stats(self._taken_in - self._decoded, self._decoded)

    def close(self) -> None:
        """Free everything native; the object is of no use afterwards."""
        self.__dict__.pop("_constraint", None)  # It holds the vocabulary's address.
        if self._context:
            self._api.llama_free(self._context)
        self._api.llama_model_free(self._model)
        self._context = self._model = None

    def complete(self, request: Completion, stop: threading.Event) -> str:
        """Write JSON to the schema; looks at `stop` before each token and each chunk of the prompt."""
        prompt = self._prompt(request.messages, stop)
        limit = min(request.max_tokens, self.context_tokens - len(prompt))
        try:
            matcher = self._constraint.matcher(request.schema)
            return self._constraint.text(write(self, prompt[self._rewind(prompt) :], matcher, limit))
        except TooLong as error:
            raise TierPassed(PassReason.INVALID, str(error)) from error
        except ConstraintError as error:
            raise TierPassed(PassReason.BROKEN, f"the constraint failed: {error}") from error

    def weigh(self, messages: Sequence[ChatMessage], answers: Sequence[str], stop: threading.Event) -> list[float]:
        """Return the logits of the tokens on which the answers differ."""
        shared, deciding = parting([self.prompter.text(answer) for answer in answers])
        prompt = [*self._prompt(messages, stop), *shared]
        self.read(prompt[self._rewind(prompt) :])
        return chosen(self._api.llama_get_logits_ith(self._context, -1), self._vocabulary.size, deciding)

    def _prompt(self, messages: Sequence[ChatMessage], stop: threading.Event) -> list[int]:
        """Return the tokens of a conversation, and heed `stop` from here on."""
        self._stop = stop
        try:
            prompt = self.prompter.prompt(messages)
        except ValueError as error:
            raise TierPassed(PassReason.BROKEN, str(error)) from error
        if len(prompt) >= self.context_tokens:
            raise TierPassed(PassReason.INVALID, f"the prompt takes {len(prompt)} of {self.context_tokens} tokens")
        return prompt

    def _rewind(self, prompt: list[int]) -> int:
        """Keep what the memory shares with the prompt; return how many tokens that is."""
        shared = shared_prefix(self._cells, prompt)
        if shared < len(self._cells) and not self._api.llama_memory_seq_rm(self._memory, 0, shared, -1):
            self._forget()  # A recurrent model cannot go back half-way.
        self._cells = self._cells[:shared]
        return len(self._cells)

    def read(self, tokens: Sequence[int]) -> None:
        """Decode `tokens`, a chunk at a time; the last one's logits are then there."""
        for start in range(0, len(tokens), CHUNK):
            if self._stop.is_set():
                raise TierPassed(PassReason.UNAVAILABLE, SHUT_DOWN)
            chunk = tokens[start : start + CHUNK]
            buffer = (self._api.llama_token * len(chunk))(*chunk)
            result = self._api.llama_decode(self._context, self._api.llama_batch_get_one(buffer, len(chunk)))
            if result != 0:
                self._forget()
                raise TierPassed(PassReason.BROKEN, f"llama_decode answered {result}")
            self._cells += chunk
            self._taken_in += len(chunk)

    def _forget(self) -> None:
        self._api.llama_memory_clear(self._memory, True)
        self._cells = []

    def best(self, mask: bytes) -> int:
        """Return the likeliest token of those whose bit is set."""
        self._decoded += 1
        return likeliest(self._api.llama_get_logits_ith(self._context, -1), self._vocabulary.size, mask)


def default_threads() -> int:
    """One a core, up to where more gain little."""
    return min(len(os.sched_getaffinity(0)), MAX_THREADS)


def library() -> Library:
    """Return llama.cpp, started, with no errors yet."""
    import llama_cpp  # 30 MB with numpy, which a bot of rules alone never needs.

    errors, _ = _start_library()
    errors.clear()
    return Library(llama_cpp, errors)


@functools.cache
def _start_library() -> tuple[deque[str], object]:
    """Start llama.cpp, once a process, with its output sent to logging at DEBUG.

    Returns where its latest errors are kept, and the callback, which must live as long as the library.
    """
    import llama_cpp

    native = logging.getLogger(f"{__name__}.native")
    errors: deque[str] = deque(maxlen=3)

    def receive(level: int, text: bytes, _data: ctypes.c_void_p) -> None:
        line = text.decode("utf-8", "replace").strip()
        native.debug("%s", line)
        if line and level == _LOG_ERROR:
            errors.append(line)

    callback = llama_cpp.llama_log_callback(receive)
    llama_cpp.llama_log_set(callback, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    return errors, callback
