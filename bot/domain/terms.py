"""How a term of a lexicon is written, and where in a message it stands.

A term is written as people write it: `where is`, `cancel*` (any ending), `(get|have) it cancelled` (one of),
`(please|) stop` (may be left out).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from sys import intern

from bot.domain.text import fold, normalise, tokens

_GROUP = re.compile(r"\(([^()]*)\)")
STEM = "*"
"""Ends a token of a term that stands for any word beginning so."""


def expand(term: str) -> list[str]:
    """Write out the `(a|b)` alternatives of a term."""
    match = _GROUP.search(term)
    if match is None:
        return [" ".join(term.split())]
    before, after = term[: match.start()], term[match.end() :]
    return [full for choice in match.group(1).split("|") for full in expand(f"{before}{choice}{after}")]


def term_tokens(term: str) -> tuple[str, ...]:
    """Cut a term without alternatives into tokens; a stem ends with a private mark."""
    pieces: list[str] = []
    for number, piece in enumerate(term.split("*")):
        if number and pieces:
            pieces[-1] += STEM
        pieces.extend(intern(token) for token in tokens(fold(normalise(piece))))
    return tuple(pieces)


@dataclass(frozen=True, slots=True)
class Term:
    """A term cut into segments, each with its alternatives, each of which is a row of tokens."""

    segments: tuple[tuple[tuple[str, ...], ...], ...]
    meanings: frozenset[str]
    seconds: frozenset[str] | None = None
    """The tokens that may stand second; None where one token may be all, or any word of a stem may follow."""

    @classmethod
    def parse(cls, term: str, meanings: frozenset[str]) -> Term:
        """Cut a term as it is written in a lexicon."""
        parts = _GROUP.split(term)  # Groups stand at the odd places.
        rows = [
            tuple(map(term_tokens, part.split("|"))) if place % 2 else (term_tokens(part),)
            for place, part in enumerate(parts)
        ]
        segments = tuple(row for row in rows if row != ((),))
        return cls(segments, meanings, _second_tokens(segments))

    def first_tokens(self) -> set[str]:
        """Return the tokens that the term may begin with."""
        found: set[str] = set()
        for row in self.segments:
            found |= {alternative[0] for alternative in row if alternative}
            if () not in row:
                break
        return found

    def match(self, forms: Sequence[tuple[str, ...]], start: int) -> tuple[int, int]:
        """Return how many tokens the term takes at `start`, and how much of it is written out; (0, 0) for none."""
        ends = {start: 0}
        for row in self.segments:
            following: dict[int, int] = {}
            for at, letters in ends.items():
                for alternative in row:
                    more = _letters_matched(alternative, forms, at)
                    if more is not None:
                        end = at + len(alternative)
                        following[end] = max(following.get(end, 0), letters + more)
            if not following:
                return 0, 0
            ends = following
        end = max(ends)
        return end - start, ends[end]


def _second_tokens(segments: Sequence[Sequence[tuple[str, ...]]]) -> frozenset[str] | None:
    found: set[str] = set()
    # The shortest ways through the segments, as far as they are needed: at most two tokens.
    ways: set[tuple[str, ...]] = {()}
    for row in segments:
        ways = {(*way, *more)[:2] for way in ways for more in row}
    for way in ways:
        if len(way) < 2 or way[1][-1] == STEM:
            return None
        found.add(way[1])
    return frozenset(found)


def _letters_matched(row: tuple[str, ...], forms: Sequence[tuple[str, ...]], at: int) -> int | None:
    if at + len(row) > len(forms):
        return None
    letters = 0
    for place, token in enumerate(row, at):
        ways = forms[place]
        if token[-1] != STEM:
            if token not in ways:
                return None
            letters += len(token) + 1
        elif any(way.startswith(token[:-1]) for way in ways):
            letters += len(token) - 1
        else:
            return None
    return letters
