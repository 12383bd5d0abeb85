"""What a customer's words alone tell: the language, a plain yes or no, 'the last one', 'a person, please'."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

from bot.domain.answers import Answers
from bot.domain.detection import Detector
from bot.domain.lexicon import Found, Lexicon, Position, Reader, spell
from bot.domain.text import BREAK, NUMBER, clip, fold, normalise, tokens

_REMEMBERED = 256

__all__ = ["Lexicon", "LexiconBook", "normalise"]


class LexiconBook:
    """All languages' words. Tables of a language are built when a message first needs them."""

    def __init__(self, lexicons: Iterable[Lexicon]) -> None:
        self._lexicons = {lexicon.code: lexicon for lexicon in lexicons}
        self._readers: dict[str, Reader] = {}
        self._detector = Detector(self._lexicons.values())
        self._answers = Answers(self._lexicons.values())
        self._ranked = lru_cache(_REMEMBERED)(self._rank)  # One turn asks many times about the same text.

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes of the languages that have words here."""
        return tuple(self._lexicons)

    def reader(self, code: str) -> Reader:
        """Return the tables of a language. Raises KeyError for one that has no words here."""
        if code not in self._readers:
            self._readers[code] = Reader(self._lexicons[code])
        return self._readers[code]

    # --- which language ------------------------------------------------------

    def detect(self, text: str, fallback: str | None = None) -> str | None:
        """Return the language code of a message, or `fallback` when it does not tell ("ok", a number, an emoji).

        Args:
            fallback: the thread's language; it also wins when two languages are about as likely.
        """
        return self._detector.detect(text, fallback)

    def likely(self, text: str, home: str | None = None, limit: int = 4) -> tuple[str, ...]:
        """Return the languages whose words may understand a message: the likeliest, then `home`, then English."""
        return self._ranked(clip(text), home, limit)

    def _rank(self, text: str, home: str | None, limit: int) -> tuple[str, ...]:
        scores = self._detector.scores(text, home)
        ranked = sorted(scores, key=lambda code: (-scores[code], code))[:limit]
        wanted = [*ranked, home or "en", "en"]
        return tuple(code for code in dict.fromkeys(wanted) if code in self._lexicons)

    # --- what it says --------------------------------------------------------

    def read(self, text: str, codes: Sequence[str]) -> Found:
        """Return what the words of these languages find in a message."""
        words = tokens(_folded(text))
        found = Found(frozenset(), 0, len(words))
        for code in codes:
            found |= self.reader(code).read(words)
        return found

    def means_latest(self, text: str) -> bool:
        """Whether the message names its order only as the last one: 'my last order', '最近的订单'."""
        return self.read(text, self.likely(text)).has("latest")

    def position(self, text: str, language: str | None = None) -> Position | None:
        """Return which of the orders just named the message points at: 'the second one', 'the other one', 'both'.

        The first of the likely languages that finds anything decides; "both" is also a message that names several.
        """
        words = tokens(spell(_folded(text)))
        for code in self.likely(text, language):
            if found := self.reader(code).positions(words):
                return _position(found - {"no_position"})
        return None

    def unexplained(self, text: str, language: str | None = None) -> tuple[str, ...]:
        """Return the words of a message that the likely languages do not know: names of goods, most often.

        Characters of scripts without spaces are kept together as long as nothing known comes between them.
        """
        words = tokens(_folded(text))
        known = {at for code in self.likely(text, language) for at in self.reader(code).explained(words)}
        found: list[str] = []
        joined = False
        for at, word in enumerate(words):
            fresh = at not in known and word not in (BREAK, NUMBER)
            if fresh and joined and len(word) == 1:
                found[-1] += word
            elif fresh:
                found.append(word)
            joined = fresh and len(word) == 1
        return tuple(found)

    def consent(self, text: str, language: str | None = None) -> bool | None:
        """Return True for a message that is an explicit yes and nothing else, False for a no, None for all else.

        A write may depend on it: a question, a condition, a longer sentence or a mixture is None, and so is a word
        that agrees in one language and not in another, unless `language` (the thread's) settles it.
        """
        return self._answers.consent(text, language)

    def greets(self, text: str, language: str | None = None) -> Literal["hello", "thanks"] | None:
        """Return what a message is that greets or thanks and does nothing else, in any language; None for another."""
        return self._answers.greets(text, language)


def _folded(text: str) -> str:
    return fold(clip(normalise(clip(text))).replace(NUMBER, " "))


def _position(found: frozenset[str]) -> Position | None:
    if found == {"second", "other_one"}:
        return "other_or_second"
    if len(found) != 1:
        return "both" if found else None
    positions: tuple[Position, ...] = ("first", "second", "third", "both")
    return next((position for position in positions if position in found), "other")


def asks_for_person(found: Found) -> bool:
    """Whether the words ask for a person: the person is named outright, or someone is to talk with the customer."""
    return not found.has("keep") and (found.has("human") or (found.has("person") and found.has("talk")))
