"""How an answer is written under a constraint, without a word about llama.cpp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


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


class Reader(Protocol):
    """Reads tokens into the model's memory, and then says what it would say next."""

    def read(self, tokens: Sequence[int]) -> None:
        """Take in `tokens`, after those taken in before."""

    def best(self, mask: bytes) -> int:
        """Return the likeliest allowed token."""


@dataclass(frozen=True, slots=True)
class Stats:
    """What a model computed since it was loaded: tokens read as prompt, and tokens decoded one by one."""

    prompt_tokens: int
    decoded_tokens: int


class TooLong(ValueError):
    """The answer did not end within its limit."""


def write(reader: Reader, ahead: Sequence[int], matcher: Matcher, limit: int) -> list[int]:
    """Read `ahead`, the part of the prompt that is new, and write at most `limit` tokens, greedily.

    What can only come next is appended like prompt, in one batch; the last tokens, which nobody reads on from, are
    not even that.

    Raises:
        TooLong: the limit came before the end.
    """
    said: list[int] = []
    ahead = list(ahead)
    while True:
        forced = matcher.forced()
        said += forced
        if matcher.done:
            return said
        if len(said) >= limit:
            raise TooLong(f"the answer is longer than {limit} tokens")
        reader.read([*ahead, *forced])
        token = reader.best(matcher.mask())
        matcher.accept([token])
        said.append(token)
        ahead = [token]


def shared_prefix(held: Sequence[int], wanted: Sequence[int]) -> int:
    """Return how many of the tokens held need not be read again: never the last one, whose logits are wanted."""
    count = 0
    for have, want in zip(held, wanted[:-1], strict=False):
        if have != want:
            break
        count += 1
    return count


def likeliest(logits: Any, count: int, mask: bytes) -> int:
    """Return the token of the greatest logit among those whose bit is set; `logits` points to `count` floats."""
    import numpy as np  # It comes with llama_cpp, and a bot of rules alone never needs it.

    values = np.ctypeslib.as_array(logits, (count,))
    allowed = np.unpackbits(np.frombuffer(mask, np.uint8), count=count, bitorder="little").view(np.bool_)
    return int(np.where(allowed, values, -np.inf).argmax())


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


def chosen(logits: Any, count: int, tokens: Sequence[int]) -> list[float]:
    """Return the logits of some tokens; `logits` points to `count` floats."""
    import numpy as np

    return [float(logit) for logit in np.ctypeslib.as_array(logits, (count,))[list(tokens)]]
