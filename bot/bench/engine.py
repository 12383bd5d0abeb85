"""The engine, as the bench calls it: the only file here that knows how it is called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bot.bench.workload import Turn
from bot.domain.actions import parse_action
from bot.domain.ports import Completion
from bot.errors import DeskhandError, TierPassed
from bot.inference.engine import Stats
from bot.inference.local_model import LlamaModel
from bot.inference.settings import EngineSettings

CONTEXT_TOKENS = 4096
MAX_TOKENS = 400


class BenchError(DeskhandError):
    """The bench cannot go on; the message says why."""


class Engine:
    """A model file in the engine; it is loaded with the first turn.

    Args:
        threads: of the processor.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self._path = path
        self._model = LlamaModel("bench", path, settings=EngineSettings(threads=threads, context_tokens=CONTEXT_TOKENS))

    async def answer(self, turn: Turn) -> str:
        """Return the engine's answer to a turn, which is held against the contract.

        Raises:
            BenchError: the model cannot be loaded, or its answer is not what the schema says.
        """
        try:
            answer = await self._model.complete(Completion(turn.messages, turn.schema, MAX_TOKENS, thread=turn.thread))
            parse_action(answer, turn.candidates)
        except TierPassed as passed:
            raise BenchError(f"The engine does not answer: {passed.detail or passed.reason}.") from passed
        except ValueError as error:
            raise BenchError(f"The engine's answer is not an action: {error}.") from error
        return answer

    def stats(self) -> Stats:
        """Return what was computed so far."""
        return replace(self._model.stats)

    async def close(self) -> None:
        """Let go of the model."""
        await self._model.close()
