"""A model for the engine that says what it has read: a mistake about cells, positions or seats changes its answers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bot.inference.llama import DecodeFailed, Row
from bot.inference.sequence import Logits

TOKENS = 50


@dataclass
class Cell:
    """One token at one position, and who sees it."""

    token: int
    position: int
    seats: set[int]


@dataclass
class RememberingModel:
    """Keeps cells as llama.cpp does, with their sharing, and never more than it has."""

    count: int
    goes_back: bool = True
    fails_next: bool = False
    cells: list[Cell] = field(default_factory=list)
    ends: list[tuple[int, int]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)

    def tokens(self, seat: int) -> list[int]:
        """Return what a seat sees, in order; every position once and none left out."""
        seen = sorted((cell.position, cell.token) for cell in self.cells if seat in cell.seats)
        assert [position for position, _ in seen] == list(range(len(seen)))
        return [token for _, token in seen]

    def decode(self, rows: Sequence[Row]) -> None:
        """Read a batch, or fail once."""
        if self.fails_next:
            self.fails_next = False
            raise DecodeFailed("it was told to")
        for row in rows:
            assert len(self.tokens(row.seat)) == row.position
            self.cells.append(Cell(row.token, row.position, {row.seat}))
        assert len(self.cells) <= self.count
        self.ends = [(row.seat, row.position) for row in rows]
        self.batches.append(len(rows))

    def logits(self, at: int) -> Logits:
        """Say something that hangs on everything read, and on nothing else."""
        seat, position = self.ends[at]
        return said_after(self.tokens(seat)[: position + 1])

    def cut(self, seat: int, start: int) -> bool:
        """Drop a seat's cells from a position on."""
        gone = [cell for cell in self.cells if seat in cell.seats and cell.position >= start]
        if gone and start and not self.goes_back:
            return False
        for cell in gone:
            cell.seats.discard(seat)
        self.cells = [cell for cell in self.cells if cell.seats]
        return True

    def share(self, source: int, target: int, count: int) -> None:
        """Let a seat see another's cells."""
        assert not self.tokens(target)
        for cell in self.cells:
            if source in cell.seats and cell.position < count:
                cell.seats.add(target)

    def clear(self) -> None:
        """Forget everything."""
        self.cells = []


def said_after(tokens: Sequence[int]) -> Logits:
    """Return the logits that the model gives after reading these."""
    digest = hashlib.sha256(repr(list(tokens)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8])).random(TOKENS, np.float32)


@dataclass
class Parrot:
    """A writer of so many of the likeliest tokens, each with one that is forced behind it."""

    length: int
    said: list[int] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether it has written enough."""
        return len(self.said) >= self.length

    def begin(self) -> list[int]:
        """Begin with a fixed token."""
        return [1]

    def go_on(self, logits: Logits) -> list[int]:
        """Choose one, and force one."""
        self.said.append(int(logits.argmax()))
        return [self.said[-1], 2]


def alone(prompt: Sequence[int], length: int) -> list[int]:
    """Return what a Parrot writes to a prompt that nobody else is beside."""
    parrot, tokens = Parrot(length), [*prompt, 1]
    while not parrot.done:
        tokens += parrot.go_on(said_after(tokens))
    return parrot.said
