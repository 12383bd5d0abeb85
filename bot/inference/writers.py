"""Who writes an answer: JSON to a schema, a plain text, or nothing but how likely some answers are."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from bot.inference.choices import Choices
from bot.inference.sequence import Logits


class TooLong(ValueError):
    """The answer did not end within its limit."""


class Matcher(Protocol):
    """Knows which tokens the schema allows next; `constraint.SchemaMatcher` is the real one."""

    @property
    def done(self) -> bool:
        """Whether the answer is complete."""

    def forced(self) -> list[int]:
        """Return, and take as said, the tokens that can only come next."""

    def mask(self) -> bytes:
        """Return one bit a token."""

    def accept(self, tokens: Sequence[int]) -> None:
        """Move on over `tokens`."""


class JsonWriter:
    """Writes JSON to a schema, greedily.

    What can only come next is read like prompt, in one go; where nothing is left to choose, it is not even read.

    Args:
        grammar: makes the matcher for what is behind the choices, or for everything where there are none.
        choices: the ways in which it can begin.
        tell: takes all tokens so far, after each choice.

    Attributes:
        said: the tokens written so far.
        confidence: how likely its first choice was, among those that it had.
    """

    def __init__(
        self,
        grammar: Callable[[], Matcher],
        limit: int,
        choices: Choices,
        tell: Callable[[list[int]], None] = lambda _said: None,
    ) -> None:
        self._grammar, self._limit, self._choices, self._tell = grammar, limit, choices, tell
        self._matcher: Matcher | None = None
        self.said: list[int] = []
        self.confidence = 1.0
        self._chosen = 0

    @property
    def done(self) -> bool:
        """Whether the JSON is complete."""
        return self._choices.whole or (self._matcher is not None and self._matcher.done)

    def begin(self) -> list[int]:
        """Return what every JSON of the schema begins with."""
        return self._on([])

    def go_on(self, logits: Logits) -> list[int]:
        """Choose the likeliest token that is allowed, and return it with all that must follow.

        Raises:
            TooLong: the limit came before the end.
            ConstraintError: from the matcher.
        """
        if self._matcher is None:
            token, likely = likeliest_of(logits, self._choices.next())
            self._choices.take(token)
        else:
            token, likely = likeliest_of(logits, allowed(self._matcher.mask(), len(logits)))
        if not self._chosen:
            self.confidence = likely
        self._chosen += 1
        ahead = self._on([token])
        self._tell(self.said)
        return ahead

    def _on(self, chosen: list[int]) -> list[int]:
        ahead = [*chosen, *self._choices.forced()]
        if not (self._choices.open or self._choices.whole):
            ahead += self._by_grammar(ahead)
        self.said += ahead
        if not self.done and len(self.said) >= self._limit:
            raise TooLong(f"the answer is longer than {self._limit} tokens")
        return ahead

    def _by_grammar(self, ahead: list[int]) -> list[int]:
        """Follow the grammar over `ahead`, and return what must come behind it."""
        if self._matcher is None:
            self._matcher = self._grammar()
            self._matcher.accept(self.said)
        self._matcher.accept(ahead)
        return self._matcher.forced()


class TextWriter:
    """Writes a text, greedily, and tells each piece as it comes.

    Args:
        piece_of: the bytes of a token.
        ends: the tokens that end an answer.
        tell: takes pieces of text; a letter of several tokens comes with the last of them.
    """

    def __init__(
        self, piece_of: Callable[[int], bytes], ends: Collection[int], limit: int, tell: Callable[[str], None]
    ) -> None:
        self._piece_of, self._ends, self._limit, self._tell = piece_of, ends, limit, tell
        self._letters = codecs.getincrementaldecoder("utf-8")("replace")
        self.count = 0
        self.done = False

    def begin(self) -> list[int]:
        """Nothing stands fast."""
        return []

    def go_on(self, logits: Logits) -> list[int]:
        """Choose the likeliest token; a text that reaches its limit ends there."""
        token = int(logits.argmax())
        self.count += 1
        self.done = token in self._ends or self.count >= self._limit
        text = self._letters.decode(b"" if token in self._ends else self._piece_of(token), final=self.done)
        if text:
            self._tell(text)
        return [token]


class Weigher:
    """Writes nothing: it reads how likely answers are, at the first token on which they differ.

    Args:
        answers: their tokens, one row each.

    Attributes:
        weights: the logit of each answer, in their order, once it is done.

    Raises:
        ValueError: two of them cannot be told apart by it.
    """

    def __init__(self, answers: Sequence[Sequence[int]]) -> None:
        self._shared, self._deciding = parting(answers)
        self.weights: list[float] = []

    @property
    def done(self) -> bool:
        """Whether they are weighed."""
        return bool(self.weights)

    def begin(self) -> list[int]:
        """Return what all answers begin with."""
        return self._shared

    def go_on(self, logits: Logits) -> list[int]:
        """Weigh."""
        self.weights = [float(weight) for weight in logits[self._deciding]]
        return []


def allowed(mask: bytes, count: int) -> Any:
    """Return the tokens whose bit is set, of the first `count`, as an array."""
    import numpy as np  # It comes with llama_cpp, and a bot of rules alone never needs it.

    return np.flatnonzero(np.unpackbits(np.frombuffer(mask, np.uint8), count=count, bitorder="little"))


def likeliest_of(logits: Logits, tokens: Any) -> tuple[int, float]:
    """Return the likeliest of some tokens, and how likely it is among them."""
    import numpy as np

    scores = logits[tokens]
    best = int(scores.argmax())
    return int(tokens[best]), float(1 / np.exp(scores - scores[best]).sum())


def parting(rows: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """Return the tokens that all rows begin with, and each row's next one.

    Raises:
        ValueError: two rows cannot be told apart by it.
    """
    count = 0
    while len({tuple(row[: count + 1]) for row in rows}) == 1 and count < min(map(len, rows)):
        count += 1
    deciding = [row[count] if count < len(row) else -1 for row in rows]
    if len(set(deciding)) != len(rows) or -1 in deciding:
        raise ValueError("two answers begin with the same tokens")
    return list(rows[0][:count]), deciding
