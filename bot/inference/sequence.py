"""One answer in the making: its tokens, how many of them the model has read, and who writes on."""

from __future__ import annotations

from collections.abc import Sequence as Tokens
from enum import Enum
from typing import Any, Protocol

Logits = Any
"""What the model would say next: float32 (vocabulary,). It is only valid until the next decode."""


class Writer(Protocol):
    """Writes one answer. It sees the model's logits and nothing else of it."""

    @property
    def done(self) -> bool:
        """Whether the answer is complete."""

    def begin(self) -> list[int]:
        """Return the tokens that the answer begins with whatever the model says."""

    def go_on(self, logits: Logits) -> list[int]:
        """Choose the next token; return what the model has to read before it is asked again.

        Raises:
            ValueError: the answer cannot be written; the message says why.
        """


class State(Enum):
    """Where a sequence stands."""

    WAITING = "waiting"  # for a seat and for room
    READING = "reading"  # its prompt
    WRITING = "writing"  # its answer
    ENDED = "ended"


class Sequence:
    """A prompt and its answer, on their way through the engine.

    Args:
        prompt: its tokens, at least one.
        writer: writes the answer.
        thread: whose cells it goes on from and leaves behind; "" for none.
        most: how many tokens the answer may take.

    Raises:
        ValueError: the answer cannot be begun.
    """

    def __init__(self, prompt: Tokens[int], writer: Writer, thread: str = "", most: int = 0) -> None:
        self.prompt, self.writer, self.thread, self.most = tuple(prompt), writer, thread, most
        self.tokens = list(prompt)
        self.read = 0
        self.state = State.WAITING
        self.seat = -1
        self.failure: Exception | None = None
        self._write(writer.begin())

    @property
    def ahead(self) -> int:
        """How many tokens are to be read before the writer can choose."""
        return len(self.tokens) - self.read

    @property
    def is_seated(self) -> bool:
        """Whether it holds a seat."""
        return self.seat >= 0

    @property
    def needs(self) -> int:
        """How many cells it takes at most, if nothing is shared."""
        return len(self.prompt) + self.most

    def seated(self, seat: int, read: int) -> None:
        """Take a seat whose cells hold the first `read` tokens of the prompt."""
        self.seat, self.read, self.state = seat, read, State.READING

    def advance(self, count: int) -> None:
        """`count` more tokens were read."""
        self.read += count

    def choose(self, logits: Logits) -> None:
        """Let the writer choose, now that everything is read."""
        self.state = State.WRITING
        self._write(self.writer.go_on(logits))

    def end(self, failure: Exception | None = None) -> None:
        """Be over, well or ill."""
        self.state, self.failure = State.ENDED, failure

    def _write(self, tokens: list[int]) -> None:
        if self.writer.done:
            # Nobody reads on from here, so these are not even read.
            self.state = State.ENDED
        else:
            self.tokens += tokens
