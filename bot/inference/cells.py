"""Who sits in which of the model's sequences, what its cells hold, and who gives way when there is no room.

    seat 0      the prefix that all prompts begin with, read once
    seats 1…    one a thread: the prefix's cells, shared, and its own behind them

A thread keeps its seat between its turns. What is kept is found by comparing tokens, so that whatever a prompt has
become, only what is the same is gone on from. Those that were not used for longest give way.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Tokens
from dataclasses import dataclass, field
from typing import Protocol

from bot.inference.sequence import Sequence

PREFIX_SEAT = 0


class Memory(Protocol):
    """The model's cells."""

    def cut(self, seat: int, start: int) -> bool:
        """Drop a seat's cells from position `start` on; False where the model can only drop all of them."""

    def share(self, source: int, target: int, count: int) -> None:
        """Let `target`, which is empty, see the first `count` cells of `source`."""


@dataclass(slots=True)
class Seat:
    """A seat that is taken: the tokens in its cells, and how many cells are kept free for what is still to come."""

    number: int
    thread: str
    tokens: list[int] = field(default_factory=list)
    shared: int = 0
    promised: int = 0
    busy: bool = False

    @property
    def cells(self) -> int:
        """How many cells it takes for itself."""
        return max(len(self.tokens) - self.shared, self.promised)


class Cells:
    """Hands out seats within a budget of cells.

    Args:
        memory: where the cells are.
        count: how many there are.
        seats: how many sequences the model can tell apart, seat 0 among them.
    """

    def __init__(self, memory: Memory, count: int, seats: int) -> None:
        self.count = count
        self._memory = memory
        self._free = list(range(seats - 1, PREFIX_SEAT, -1))
        self._seats: dict[int, Seat] = {}
        self._of: dict[str, Seat] = {}
        self.prefix: tuple[int, ...] = ()

    @property
    def used(self) -> int:
        """How many cells are taken or promised."""
        return len(self.prefix) + sum(seat.cells for seat in self._seats.values())

    def __iter__(self) -> Iterator[Seat]:
        """Go over the seats that are taken, the one that was not used for longest first."""
        return iter(tuple(self._seats.values()))

    def set_prefix(self, tokens: Tokens[int]) -> None:
        """Say what the cells of seat 0 hold; nobody may be seated."""
        self.prefix = tuple(tokens)

    def take_prefix_away(self) -> None:
        """Empty seat 0, and with it all that goes on from there."""
        for seat in self:
            if not seat.busy:
                self._leave(seat)
        self._memory.cut(PREFIX_SEAT, 0)
        self.prefix = ()

    def could_seat(self, sequence: Sequence) -> bool:
        """Whether there would be room for a sequence if it were alone."""
        shared = _same(self.prefix, sequence.prompt)
        return len(self.prefix) + sequence.needs - shared <= self.count

    def seat(self, sequence: Sequence) -> bool:
        """Seat a sequence on what is kept of its prompt; False while there is no room for it."""
        seat = self._of.get(sequence.thread) if sequence.thread else None
        if seat is not None and not seat.busy:
            self._go_back(seat, _same(seat.tokens, sequence.prompt))
        if seat is None or seat.busy or not seat.tokens:
            seat = self._fresh(sequence, seat)
        if seat is None:
            return False
        if not self._make_room(sequence.needs - seat.shared - seat.cells, seat):
            if not seat.thread:
                self._leave(seat)
            return False
        seat.promised, seat.busy = sequence.needs - seat.shared, True
        sequence.seated(seat.number, len(seat.tokens))
        return True

    def free(self, sequence: Sequence) -> None:
        """Take a sequence off its seat; what was read of its prompt stays, if it belongs to a thread."""
        seat, sequence.seat = self._seats[sequence.seat], -1
        seat.busy, seat.promised = False, 0
        seat.tokens = sequence.tokens[: sequence.read]
        self._go_back(seat, min(sequence.read, len(sequence.prompt)))
        if not seat.thread or not seat.tokens:
            self._leave(seat)
        else:
            # The last to have been used are the last to give way.
            self._seats[seat.number] = self._seats.pop(seat.number)

    def clear(self) -> None:
        """Let everybody go, since the memory was lost."""
        for seat in self:
            self._free.append(seat.number)
        self._seats.clear()
        self._of.clear()
        self.prefix = ()

    def _fresh(self, sequence: Sequence, taken: Seat | None) -> Seat | None:
        """Return an empty seat that shares what it can of the prefix; the thread's own where it is not in use."""
        if taken is not None and not taken.busy:
            seat = taken
        else:
            if not self._free and not self._give_way(None):
                return None
            # A thread that writes twice at once keeps the cells of the first.
            seat = Seat(self._free.pop(), sequence.thread if taken is None else "")
            self._seats[seat.number] = seat
            if seat.thread:
                self._of[seat.thread] = seat
        shared = _same(self.prefix, sequence.prompt)
        if shared:
            self._memory.share(PREFIX_SEAT, seat.number, shared)
        seat.tokens, seat.shared = list(self.prefix[:shared]), shared
        return seat

    def _go_back(self, seat: Seat, count: int) -> None:
        """Keep the first `count` of a seat's tokens."""
        if count < len(seat.tokens) and not self._memory.cut(seat.number, count):
            self._memory.cut(seat.number, 0)  # A recurrent model cannot go back half-way.
            count = 0
        del seat.tokens[count:]
        seat.shared = min(seat.shared, count)

    def _make_room(self, more: int, kept: Seat) -> bool:
        while self.used + more > self.count:
            if not self._give_way(kept):
                return False
        return True

    def _give_way(self, kept: Seat | None) -> bool:
        idle = next((seat for seat in self if not seat.busy and seat is not kept), None)
        if idle is not None:
            self._leave(idle)
        return idle is not None

    def _leave(self, seat: Seat) -> None:
        self._memory.cut(seat.number, 0)
        del self._seats[seat.number]
        if self._of.get(seat.thread) is seat:
            del self._of[seat.thread]
        self._free.append(seat.number)


def _same(held: Tokens[int], wanted: Tokens[int]) -> int:
    """Return how many tokens need not be read again: never the last one, whose logits are wanted."""
    count = 0
    for have, want in zip(held, wanted[:-1], strict=False):
        if have != want:
            break
        count += 1
    return count
