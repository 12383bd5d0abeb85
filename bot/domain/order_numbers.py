"""Finds the order numbers that people write in their messages, and tells them from everything else with digits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

from bot.domain.model import Author, Message
from bot.domain.order_reading import (
    AGAINST,
    ANSWER,
    GUESS,
    LIKELY,
    MAX_LENGTH,
    MAX_MATCHES,
    OWN,
    PLAIN,
    blank,
    cleared,
    read_hard,
    worth,
)
from bot.domain.order_shapes import EMAIL, ORDER_ANYWHERE, ORDER_WORD, PARCEL_OR_BANK, SHAPES, SPOILT, Judge
from bot.domain.text import clip, normalise, plain
from bot.errors import ConfigError, Problem

MAX_CANDIDATES = 8
_MAX_HISTORY = 40
_SQUEEZED_CHARS = 400
_SQUEEZED = re.compile(r"[\W_]+")
_ANSWER_CHARS = 30

_Looked = tuple[tuple[str, ...], tuple[tuple[str, float], ...]]


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
        return self._look(text)[0]

    def _look(self, text: str) -> _Looked:
        if not self._shapes and not _DIGIT.search(text):
            return (), ()
        return self._remembered(text) if len(text) <= _REMEMBERED_CHARS else self._find(text)

    def _find(self, text: str) -> _Looked:
        """Return what stands in a text plainly, and what may be an order number, with how much speaks for it."""
        text = clip(plain(clip(text)))
        taken: list[tuple[int, int, str]] = []
        for shape in self._shapes:
            _take(taken, shape, text, lambda match: True)
        found = [(start, end, number, OWN) for start, end, number in taken]
        if _DIGIT.search(text):
            unaddressed = PARCEL_OR_BANK.sub(blank, EMAIL.sub(blank, text))
            rest = SPOILT.sub(blank, unaddressed)
            for shape, judge in SHAPES:
                _take(taken, shape, rest, judge)
            found += [(start, end, number, PLAIN) for start, end, number in taken[len(found) :]]
            found = read_hard(found, cleared(unaddressed))
        return _distinct(taken), _best(found)

    def called(self, text: str) -> tuple[str, ...]:
        """Return the numbers of a text that it calls an order's: behind '#' or a word such as "order"."""
        shown = plain(clip(text))
        places = {number: shown.find(number) for number in self.candidates(text)}
        return tuple(
            number for number, at in places.items() if at >= 0 and ORDER_WORD.search(shown, max(0, at - 40), at)
        )

    def candidates(self, text: str, history: Sequence[Message] = ()) -> tuple[str, ...]:
        """Return the numbers that a message may mean: its own, then the thread's, newest message first; at most 8.

        It is read harder than by `find`: whatever more speaks for than against may be an order's. Less will do in an
        answer to the bot, for what the thread has named already, and for what the bot names.
        """
        recent = history[-_MAX_HISTORY:]
        likely, guessed = self._thread(recent)
        weighed = self._look(text)[1]
        own = worth(weighed, ANSWER if self._is_answer(text, recent) else LIKELY)
        known = likely.keys() | guessed.keys()
        named = (number for number, score in weighed if score > AGAINST and squeeze(number) in known)
        found = {squeeze(number): number for number in (*own, *named)}
        for key, number in (likely or guessed).items():
            found.setdefault(key, number)
        return tuple(found.values())[:MAX_CANDIDATES]

    def _thread(self, history: Sequence[Message]) -> tuple[dict[str, str], dict[str, str]]:
        """Return what is likely a number in a thread, and what may be one if nothing is likely; the newest first."""
        likely: dict[str, str] = {}
        guessed: dict[str, str] = {}
        for place in range(len(history) - 1, -1, -1):
            message = history[place]
            weighed = self._look(message.text)[1]
            if not weighed:
                continue
            answer = message.author is Author.CUSTOMER and self._is_answer(message.text, history[:place])
            for number in worth(weighed, ANSWER if answer else LIKELY):
                likely.setdefault(squeeze(number), number)
            codes = (number for number, score in weighed if score >= ANSWER and any(map(str.isupper, number)))
            for number in worth(weighed, GUESS) or codes:
                guessed.setdefault(squeeze(number), number)
        return likely, guessed

    def _is_answer(self, text: str, history: Sequence[Message]) -> bool:
        """Whether a short message follows one of the bot's that speaks of an order and names none."""
        if not history or history[-1].author is not Author.BOT or len(text) > _ANSWER_CHARS:
            return False
        asked = clip(history[-1].text)
        return ORDER_ANYWHERE.search(asked) is not None and not worth(self._look(asked)[1], GUESS)


def _distinct(taken: Sequence[tuple[int, int, str]]) -> tuple[str, ...]:
    unique: dict[str, str] = {}
    for _, _, number in sorted(taken):
        unique.setdefault(squeeze(number), number)
    return tuple(unique.values())


def _best(found: Sequence[tuple[int, int, str, float]]) -> tuple[tuple[str, float], ...]:
    unique: dict[str, tuple[str, float]] = {}
    for _, _, number, score in sorted(found):
        key = squeeze(number)
        if key not in unique or unique[key][1] < score:
            unique[key] = (number, score)
    return tuple(unique.values())


def _own_shape(shape: str) -> re.Pattern[str]:
    try:
        return re.compile(rf"(?<![0-9A-Za-z])#?\s?(?P<n>{shape})(?![0-9A-Za-z])", re.ASCII | re.IGNORECASE)
    except re.error as error:
        remedy = "Write a regular expression of Python's `re`, without a group named n."
        raise ConfigError(
            [Problem(f"order number shape {shape!r}", f"not a regular expression ({error})", remedy)]
        ) from None


def _take(taken: list[tuple[int, int, str]], shape: re.Pattern[str], text: str, judge: Judge) -> None:
    """Add the matches of a shape that overlap nothing taken before and that the judge accepts."""
    for match in islice(shape.finditer(text), MAX_MATCHES):
        start, end = match.span("n")
        free = all(end <= other_start or start >= other_end for other_start, other_end, _ in taken)
        if free and end - start <= MAX_LENGTH and judge(match):
            taken.append((start, end, match.group("n").strip()))
