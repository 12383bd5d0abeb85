"""A GGUF model in this process, as asyncio sees it: many callers at once, answered by one engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from bot.domain.actions import Written
from bot.domain.ports import ChatMessage, Completion
from bot.errors import PassReason, TierPassed
from bot.inference.engine import Stats
from bot.inference.engine_thread import SHUT_DOWN, CannotLoad, EngineThread
from bot.inference.loaded_model import LoadedModel
from bot.inference.settings import RUNNING, EngineSettings

REMEDY = "Fetch a model with 'deskhand model pull NAME', or correct the path in this tier's 'model'."
_COUNTED = 2048
"""Of how many texts the number of tokens is remembered: a thread's history is counted again with every turn."""


class LlamaModel:
    """Implements `LanguageModel` with a GGUF file; loads on first use, and again after a failure once a minute.

    Args:
        settings: how it is run; what is not set is chosen when it is loaded.
        sha256: of the file, where it is known; a file of another one is refused before it is opened.
    """

    kind = "llama"
    takes_branches = True

    def __init__(
        self,
        name: str,
        path: Path,
        *,
        settings: EngineSettings = EngineSettings(),  # noqa: B008 # It is frozen.
        sha256: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.settings = name, settings
        self._path, self._sha256 = path, sha256
        self._thread = EngineThread(f"llama-{name}", self._load, RUNNING + settings.queue, clock)
        self._stats = Stats()
        self._counted = lru_cache(_COUNTED)(self._count)
        self._model: LoadedModel | None = None

    @property
    def context_tokens(self) -> int:
        """How many tokens a prompt and its answer may take."""
        return self.settings.context_tokens

    async def count_tokens(self, text: str) -> int:
        """Return how many of the model's own tokens `text` takes as a customer's text; loads the model if need be."""
        if self._model is None:
            await self._thread.call(lambda model: None)
        return self._counted(text)

    async def complete(self, request: Completion) -> Written:
        """Return JSON that fits the schema, greedily decoded.

        Raises:
            TierPassed: UNAVAILABLE, BUSY, BROKEN, or INVALID (prompt or answer too long).
        """
        if (tell := request.tell) is not None:
            # It is told in the engine's thread, and heard in the loop's.
            loop = asyncio.get_running_loop()
            request = replace(request, tell=lambda text: _call(loop, tell, text))
        return await self._thread.run(lambda model: model.json(request), lambda answer: self._loaded().json_of(answer))

    async def weigh(self, messages: Sequence[ChatMessage], answers: Sequence[str]) -> list[float]:
        """Return the logits of `answers` at the first token on which they differ: one for each, in their order.

        Nothing is decoded: it costs the reading of the prompt.

        Raises:
            TierPassed: UNAVAILABLE, BUSY, BROKEN, or INVALID (the prompt is too long).
        """
        return await self._thread.run(
            lambda model: model.weighing(messages, answers), lambda answer: self._loaded().weights_of(answer)
        )

    async def stream(
        self, messages: Sequence[ChatMessage], max_tokens: int, thread: str = ""
    ) -> AsyncGenerator[str, None]:
        """Yield a free text, piece by piece as it is written; leaving the loop stops the writing.

        Raises:
            TierPassed: as `complete`.
        """
        loop, pieces = asyncio.get_running_loop(), asyncio.Queue[str | None]()

        def tell(piece: str | None) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

        writing = asyncio.create_task(
            self._thread.run(lambda model: model.text(messages, max_tokens, thread, tell), lambda answer: None)
        )
        writing.add_done_callback(lambda _: pieces.put_nowait(None))
        try:
            while (piece := await pieces.get()) is not None:
                yield piece
            await writing
        finally:
            writing.cancel()

    async def prepare(self, system: ChatMessage) -> None:
        """Load the model, and read what all its prompts will begin with, before the first customer waits for it.

        Raises:
            TierPassed: UNAVAILABLE or BROKEN.
        """
        await self._thread.call(lambda model: model.begin_with(system))

    async def problem(self) -> str | None:
        """Load the model if it is not, and say what keeps it from loading."""
        try:
            await self._thread.call(lambda model: None)
        except TierPassed as passed:
            return f"The model of tier {self.name!r} cannot be used: {passed.detail}. {REMEDY}"
        return None

    def describe(self) -> str:
        """Return how the engine is set, as it was chosen for this machine once the model was loaded."""
        return str(self.settings)

    async def close(self) -> None:
        """Stop what runs, and free the model, its context and the thread."""
        await self._thread.close()

    @property
    def stats(self) -> Stats:
        """What the engine did since the model was made."""
        return self._stats

    # --- in the engine's thread ---

    def _load(self) -> LoadedModel:
        try:
            model = LoadedModel(self._path, self.settings, self._sha256, self._stats)
        except (OSError, ValueError, ImportError, MemoryError) as error:
            raise CannotLoad(f"{self._path}: {error}") from error
        self.settings, self._model = model.settings, model
        return model

    def _loaded(self) -> LoadedModel:
        if self._model is None:
            raise TierPassed(PassReason.UNAVAILABLE, SHUT_DOWN)
        return self._model

    def _count(self, text: str) -> int:
        return self._loaded().count_tokens(text)


def _call(loop: asyncio.AbstractEventLoop, tell: Callable[[str], None], text: str) -> None:
    loop.call_soon_threadsafe(tell, text)
