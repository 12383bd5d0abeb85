"""The table that finds the terms of a language in a message.

Terms, as `terms.py` reads them, are looked up word by word, never by a regular expression, so the time grows with the
length of the message and with nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from bot.domain.terms import STEM, Term

_REMEMBERED = 128
_NOTHING: frozenset[str] = frozenset()


class TermTable:
    """Finds the longest term that begins at a token."""

    def __init__(self, lists: Mapping[str, Iterable[str]], prefixes: Sequence[str] = ()) -> None:
        self._exact: dict[str, list[Term]] = {}
        self._stems: dict[str, list[Term]] = {}
        self._stem_sizes: tuple[int, ...] = ()
        self._prefixes = tuple(prefixes)
        self._within: set[str] | None = None
        for name, terms in lists.items():
            meanings = frozenset({name})
            for term in terms:
                self._add(Term.parse(term, meanings))
        self._stem_sizes = tuple(sorted({len(stem) for stem in self._stems}))
        # People use few words often, and most words begin no term.
        self._opened = lru_cache(_REMEMBERED)(self._beginning_with)

    def _add(self, term: Term) -> None:
        for token in term.first_tokens():
            if token[-1] == STEM:
                self._stems.setdefault(token[:-1], []).append(term)
            else:
                self._exact.setdefault(token, []).append(term)

    def forms(self, words: Sequence[str]) -> list[tuple[str, ...]]:
        """Return, for each token, the ways to read it: as it stands, and without a particle written to it."""
        if not self._prefixes:
            return [(word,) for word in words]
        return [
            (word, *(word[len(p) :] for p in self._prefixes if len(word) > len(p) + 1 and word.startswith(p)))
            for word in words
        ]

    def longest(self, forms: Sequence[tuple[str, ...]], start: int) -> tuple[int, frozenset[str]]:
        """Return the number of tokens and the meanings of the best term at `start`; (0, empty) when there is none.

        A term of more tokens is better, then one of which more letters are written out; equals share their meanings.
        """
        terms = self._opened(forms[start])
        if not terms:
            return 0, _NOTHING
        best, meanings = (0, 0), _NOTHING
        following = forms[start + 1] if start + 1 < len(forms) else ()
        for term in terms:
            if term.seconds is not None and term.seconds.isdisjoint(following):
                continue
            found = term.match(forms, start)
            if found > best:
                best, meanings = found, term.meanings
            elif found == best and found[0]:
                meanings |= term.meanings
        return best[0], meanings

    def _beginning_with(self, ways: tuple[str, ...]) -> tuple[Term, ...]:
        found: list[Term] = []
        for way in ways:
            found += self._exact.get(way, ())
            for size in self._stem_sizes:
                if size <= len(way) and way[:size] in self._stems:
                    found += self._stems[way[:size]]
        return tuple(found)

    def walk(self, words: Sequence[str]) -> Iterator[tuple[int, frozenset[str]]]:
        """Yield the terms of a message from left to right: how many tokens, and their meanings (none: an unknown word).

        A longer term hides the shorter ones within it.
        """
        forms = self.forms(words)
        at = 0
        while at < len(words):
            size, meanings = self.longest(forms, at)
            yield size or 1, meanings
            at += size or 1

    def meanings(self, words: Sequence[str]) -> frozenset[str]:
        """Return what the terms of a message mean, all together."""
        return frozenset().union(*(meanings for _, meanings in self.walk(words)))

    def openings(self, minimum: int) -> list[str]:
        """Return the words and stems of at least `minimum` letters that terms begin with."""
        return sorted(word for word in {*self._exact, *self._stems} if len(word) >= minimum)

    def knows(self, word: str) -> bool:
        """Whether a word stands in any term, be it behind others."""
        if self._within is None:
            terms = [term for listed in (*self._exact.values(), *self._stems.values()) for term in listed]
            rows = [row for term in terms for segment in term.segments for row in segment]
            self._within = {token for row in rows for token in row}
        return word in self._within or bool(self._opened((word,)))
