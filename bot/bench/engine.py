"""The engine, as the bench calls it: the only file here that knows how it is called."""

from __future__ import annotations

from pathlib import Path

from bot.bench.workload import Turn
from bot.domain.actions import parse_action
from bot.domain.ports import Completion
from bot.errors import DeskhandError, TierPassed
from bot.inference.decoding import Stats
from bot.inference.llama import LlamaModel

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
        self._model = LlamaModel("bench", path, context_tokens=CONTEXT_TOKENS, threads=threads)

    async def answer(self, turn: Turn) -> str:
        """Return the engine's answer to a turn, which is held against the contract.

        Raises:
            BenchError: the model cannot be loaded, or its answer is not what the schema says.
        """
        try:
            answer = await self._model.complete(Completion(turn.messages, turn.schema, MAX_TOKENS))
            parse_action(answer, turn.candidates)
        except TierPassed as passed:
            raise BenchError(f"The engine does not answer: {passed.detail or passed.reason}.") from passed
        except ValueError as error:
            raise BenchError(f"The engine's answer is not an action: {error}.") from error
        return answer

    def stats(self) -> Stats:
        """Return what was computed so far."""
        return self._model.stats()

    async def close(self) -> None:
        """Let go of the model."""
        await self._model.close()
