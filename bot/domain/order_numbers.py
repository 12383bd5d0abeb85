"""Finds the order numbers that people write in their messages, and tells them from everything else with digits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

from bot.domain.model import Message
from bot.domain.order_shapes import EMAIL, LAST_RESORTS, ORDER_WORD, PARCEL_OR_BANK, SHAPES, SPOILT, Judge
from bot.domain.text import clip, normalise, plain
from bot.errors import ConfigError, Problem

MAX_CANDIDATES = 8
_MAX_HISTORY = 40
_SQUEEZED_CHARS = 400
_SQUEEZED = re.compile(r"[\W_]+")
_MAX_LENGTH = 40
_MAX_MATCHES = 60


def squeeze(number: str) -> str:
    """Return the form in which order numbers are compared: letters and digits only, without case."""
    return _squeezed(number) if len(number) <= _SQUEEZED_CHARS else _SQUEEZED.sub("", normalise(number))


@lru_cache(1024)  # The same numbers and the same messages of a thread are compared again and again.
def _squeezed(text: str) -> str:
    return _SQUEEZED.sub("", normalise(text))


def same_number(a: str, b: str) -> bool:
    """Whether two writings mean one number: case, '#', spaces, hyphens and full-width forms do not matter."""
    return bool(squeeze(a)) and squeeze(a) == squeeze(b)


# A hundred busy threads with their forty last messages, and a summary each.
_REMEMBERED, _REMEMBERED_CHARS = 8192, 2000
_DIGIT = re.compile(r"\d")


class OrderNumbers:
    """Finds order numbers: first by the shop's own shapes (regular expressions), then by general ones."""

    def __init__(self, shapes: Sequence[str] = ()) -> None:
        self._shapes = tuple(_own_shape(shape) for shape in shapes if shape.strip())
        # A thread's last messages are read again at every turn.
        self._remembered = lru_cache(_REMEMBERED)(self._find)

    def find(self, text: str) -> tuple[str, ...]:
        """Return the numbers of a text in order of appearance, each once, as written, without '#', in ASCII digits."""
        return self._look(text, hard=False)

    def _look(self, text: str, *, hard: bool) -> tuple[str, ...]:
        if not self._shapes and not _DIGIT.search(text):
            return ()
        plainly, at_last = self._remembered(text) if len(text) <= _REMEMBERED_CHARS else self._find(text)
        return at_last if hard else plainly

    def _find(self, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what stands in a text plainly, and what does for a reader who makes do with less."""
        text = clip(plain(clip(text)))
        taken: list[tuple[int, int, str]] = []
        for shape in self._shapes:
            _take(taken, shape, text, lambda match: True)
        if _DIGIT.search(text):
            rest = SPOILT.sub(_blank, PARCEL_OR_BANK.sub(_blank, EMAIL.sub(_blank, text)))
            for shape, judge in SHAPES:
                _take(taken, shape, rest, judge)
            if not taken:
                for shape, judge in LAST_RESORTS:
                    _take(taken, shape, rest, judge)
                return (), _distinct(taken)
        plainly = _distinct(taken)
        return plainly, plainly

    def called(self, text: str) -> tuple[str, ...]:
        """Return the numbers of a text that it calls an order's: behind '#' or a word such as "order"."""
        shown = plain(clip(text))
        places = {number: shown.find(number) for number in self.find(text)}
        return tuple(
            number for number, at in places.items() if at >= 0 and ORDER_WORD.search(shown, max(0, at - 40), at)
        )

    def candidates(self, text: str, history: Sequence[Message] = ()) -> tuple[str, ...]:
        """Return the numbers that a message may mean: its own, then the thread's, newest message first; at most 8.

        A message that has nothing else is read harder than by `find`: four digits may be an order's, or an answer.
        """
        found: dict[str, str] = {}
        for source in (text, *(message.text for message in reversed(history[-_MAX_HISTORY:]))):
            for number in self._look(source, hard=True):
                found.setdefault(squeeze(number), number)
            if len(found) >= MAX_CANDIDATES:
                break
        return tuple(found.values())[:MAX_CANDIDATES]


def _distinct(taken: Sequence[tuple[int, int, str]]) -> tuple[str, ...]:
    unique: dict[str, str] = {}
    for _, _, number in sorted(taken):
        unique.setdefault(squeeze(number), number)
    return tuple(unique.values())


def _own_shape(shape: str) -> re.Pattern[str]:
    try:
        return re.compile(rf"(?<![0-9A-Za-z])#?\s?(?P<n>{shape})(?![0-9A-Za-z])", re.ASCII | re.IGNORECASE)
    except re.error as error:
        remedy = "Write a regular expression of Python's `re`, without a group named n."
        raise ConfigError(
            [Problem(f"order number shape {shape!r}", f"not a regular expression ({error})", remedy)]
        ) from None


def _blank(match: re.Match[str]) -> str:
    return "\x00" * len(match.group())


def _take(taken: list[tuple[int, int, str]], shape: re.Pattern[str], text: str, judge: Judge) -> None:
    """Add the matches of a shape that overlap nothing taken before and that the judge accepts."""
    for match in islice(shape.finditer(text), _MAX_MATCHES):
        start, end = match.span("n")
        free = all(end <= other_start or start >= other_end for other_start, other_end, _ in taken)
        if free and end - start <= _MAX_LENGTH and judge(match):
            taken.append((start, end, match.group("n").strip()))
