"""Many answers at once through one model: continuous batching.

    add ─▶ waiting ─▶ seated: step = admit ─▶ share out ─▶ decode ─▶ accept ─▶ ended

Each step is one batch: whatever the seated sequences have to read next, a few tokens of an answer here, a piece of a
prompt there. A sequence joins or leaves between any two steps. One thread calls it all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence as Tokens
from dataclasses import dataclass
from typing import Protocol

from bot.inference.cells import PREFIX_SEAT, Cells, Memory
from bot.inference.llama import DecodeFailed, Row
from bot.inference.scheduler import Share, share_out
from bot.inference.sequence import Logits, Sequence, State
from bot.inference.settings import RUNNING


class Model(Memory, Protocol):
    """What the engine needs of a model; `llama.LlamaContext` is the real one."""

    def decode(self, rows: Tokens[Row]) -> None:
        """Read a batch; raises DecodeFailed."""

    def logits(self, at: int) -> Logits:
        """Return the logits behind a row of the last batch."""

    def clear(self) -> None:
        """Drop all cells."""


@dataclass(slots=True)
class Stats:
    """What was done since the start: tokens read as prompt, tokens chosen one by one, and steps."""

    prompt_tokens: int = 0
    decoded_tokens: int = 0
    steps: int = 0


class Engine:
    """Runs sequences until they have ended.

    Args:
        batch: how many tokens a step reads at most.
        running: how many sequences are seated at once.
    """

    def __init__(self, model: Model, cells: Cells, batch: int, stats: Stats, running: int = RUNNING) -> None:
        self.cells, self.stats = cells, stats
        self._model, self._batch, self._most = model, batch, running
        self._waiting: deque[Sequence] = deque()
        self._running: list[Sequence] = []

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self._waiting and not self._running

    def add(self, sequence: Sequence) -> None:
        """Take a sequence; it is begun when there is a seat and room for it.

        Raises:
            ValueError: it can never fit.
        """
        if not self.cells.could_seat(sequence):
            raise ValueError(f"it needs {sequence.needs} cells, and there are {self.cells.count}")
        self._waiting.append(sequence)

    def stop(self, sequence: Sequence) -> None:
        """Let go of a sequence that nobody waits for any more."""
        sequence.end()
        if sequence in self._waiting:
            self._waiting.remove(sequence)
        self._let_go()

    def step(self) -> list[Sequence]:
        """Do one batch, and return the sequences that ended with it."""
        self._admit()
        # Some have nothing to read: all that they say stood fast from the beginning.
        if shares := share_out((one for one in self._running if one.state is not State.ENDED), self._batch):
            try:
                self._decode(shares)
            except DecodeFailed as error:
                return self._lose_all(error)
        return self._let_go()

    def set_prefix(self, tokens: Tokens[int]) -> None:
        """Read what all prompts begin with, once for all; nothing else may be running.

        Raises:
            DecodeFailed: from the model.
        """
        self.cells.take_prefix_away()
        for start in range(0, len(tokens), self._batch):
            chunk = tokens[start : start + self._batch]
            self._model.decode([Row(token, PREFIX_SEAT, start + at, False) for at, token in enumerate(chunk)])
        self.stats.prompt_tokens += len(tokens)
        self.cells.set_prefix(tokens)

    def forget(self) -> None:
        """Drop all cells; nothing may be running."""
        self._model.clear()
        self.cells.clear()

    def _admit(self) -> None:
        """Seat those who wait, first come first served."""
        while self._waiting and len(self._running) < self._most and self._seated(self._waiting[0]):
            self._running.append(self._waiting.popleft())

    def _seated(self, sequence: Sequence) -> bool:
        return sequence.state is State.ENDED or self.cells.seat(sequence)

    def _let_go(self) -> list[Sequence]:
        """Free the seats of those who ended, and return them."""
        ended = [sequence for sequence in self._running if sequence.state is State.ENDED]
        self._running = [sequence for sequence in self._running if sequence.state is not State.ENDED]
        for sequence in ended:
            if sequence.is_seated:
                self.cells.free(sequence)
        return ended

    def _lose_all(self, error: DecodeFailed) -> list[Sequence]:
        """End all that was running, since nobody knows what is in the cells."""
        lost, self._running = self._running, []
        self.forget()
        for sequence in lost:
            sequence.end(error)
        return lost

    def _decode(self, shares: list[Share]) -> None:
        """Read every share in one batch, and let those choose who have read all."""
        rows: list[Row] = []
        last: list[int] = []
        for share in shares:
            sequence, first = share.sequence, share.sequence.read
            rows += [
                Row(sequence.tokens[at], sequence.seat, at, at == len(sequence.tokens) - 1)
                for at in range(first, first + share.count)
            ]
            last.append(len(rows) - 1)
        self._model.decode(rows)
        self._count(shares)
        for share, at in zip(shares, last, strict=True):
            share.sequence.advance(share.count)
            if not share.sequence.ahead:
                self._choose(share.sequence, at)

    def _choose(self, sequence: Sequence, at: int) -> None:
        try:
            sequence.choose(self._model.logits(at))
        except ValueError as error:
            sequence.end(error)

    def _count(self, shares: list[Share]) -> None:
        chosen = sum(share.sequence.state is State.WRITING for share in shares)
        self.stats.steps += 1
        self.stats.decoded_tokens += chosen
        self.stats.prompt_tokens += sum(share.count for share in shares) - chosen
