"""The words of one language, and the table that finds them in a message.

Terms, as `terms.py` reads them, are looked up in tables word by word, never by a regular expression, so the
time grows with the length of the message and with nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from bot.domain.terms import STEM, Term, expand, term_tokens
from bot.domain.text import BREAK, NUMBER, fold, normalise

CONCEPTS = frozenset(
    {
        "order", "cancel", "cancelled", "keep", "return", "returned", "refund", "exchange", "change", "where", "when",
        "status", "ask", "arrive", "late", "human", "person", "talk", "policy", "presale", "money", "other", "fault",
        "want", "reason", "greeting", "thanks", "filler",
    }
)  # fmt: skip
"""What a word can stand for in the table of intents; bot/locale/words/en.toml says what each is."""

POSITIONS = frozenset({"first", "second", "third", "other_one", "both", "no_position"})
"""Where an order stands among those just named; `no_position` are terms that only look so: `the first time`.

They have a table of their own, which nothing but `Reader.position` reads.
"""

POINTERS = frozenset({"my", "that", "latest"}) | POSITIONS
"""What a word can point at; looked up apart, because `my last order` is an `order` as well."""

Position = Literal["first", "second", "third", "other", "other_or_second", "both"]
"""What a message points at by its place; many languages have one word for "the other one" and "the second one"."""

_REMEMBERED = 16
_ALONE = "="
_SMALL = re.compile(r"(?<![A-Za-z\d.,/:+-])[123](?![.,/:-]?\d)")
_SPELT = {"1": "一", "2": "二", "3": "三"}


def spell(text: str) -> str:
    """Write a 1, 2 or 3 that stands by itself as a word of its own, which digits are not: `2nd`, `第2个`."""
    return _SMALL.sub(lambda match: _SPELT[match.group()], text)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language's words, as they stand in `bot/locale/words/<code>.toml`.

    `common` are function words and `letters` the letters that tell the language; `words` maps a concept or a pointer
    to its terms; `fold` turns variant letters into those the terms are written with; `prefixes` are particles written
    together with the next word. The terms of POSITIONS, which stand among the words in the file, are kept apart in
    `positions`.
    """

    code: str
    script: str
    common: tuple[str, ...] = ()
    letters: str = ""
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    ok: tuple[str, ...] = ()
    polite: tuple[str, ...] = ()
    echo: tuple[str, ...] = ()
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fold: Mapping[str, str] = field(default_factory=dict)
    prefixes: tuple[str, ...] = ()
    positions: Mapping[str, tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        """Take the positions out of the words, so that nobody who goes through the words meets them."""
        found = {name: terms for name, terms in self.words.items() if name in POSITIONS}
        object.__setattr__(self, "positions", found)
        object.__setattr__(self, "words", {name: self.words[name] for name in self.words if name not in POSITIONS})


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in a message: concepts and pointers, how many tokens belong to the former, and how many do not."""

    concepts: frozenset[str]
    covered: int = 0
    left: int = 0

    def has(self, *names: str) -> bool:
        """Whether any of these concepts was found."""
        return not self.concepts.isdisjoint(names)

    def __or__(self, other: Found) -> Found:
        return Found(self.concepts | other.concepts, max(self.covered, other.covered), min(self.left, other.left))


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
        best = (0, 0)
        meanings: frozenset[str] = frozenset()
        following = forms[start + 1] if start + 1 < len(forms) else ()
        for term in self._beginning_with(forms[start]):
            if term.seconds is not None and term.seconds.isdisjoint(following):
                continue
            found = term.match(forms, start)
            if found > best:
                best, meanings = found, term.meanings
            elif found == best and found[0]:
                meanings |= term.meanings
        return best[0], meanings

    def _beginning_with(self, ways: tuple[str, ...]) -> Iterator[Term]:
        for way in ways:
            yield from self._exact.get(way, ())
            for size in self._stem_sizes:
                if size <= len(way) and way[:size] in self._stems:
                    yield from self._stems[way[:size]]

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

    def read(self, words: Sequence[str]) -> Found:
        """Find the terms of a message, and count the tokens that belong to any and those that do not."""
        concepts: set[str] = set()
        covered = left = at = 0
        for size, meanings in self.walk(words):
            if meanings:
                concepts |= meanings
                covered += size
            elif words[at] != BREAK:
                left += 1
            at += size
        return Found(frozenset(concepts), covered, left)

    def openings(self, minimum: int) -> list[str]:
        """Return the words and stems of at least `minimum` letters that terms begin with."""
        return sorted(word for word in {*self._exact, *self._stems} if len(word) >= minimum)

    def knows(self, word: str) -> bool:
        """Whether a word stands in any term, be it behind others."""
        if self._within is None:
            terms = [term for listed in (*self._exact.values(), *self._stems.values()) for term in listed]
            rows = [row for term in terms for segment in term.segments for row in segment]
            self._within = {token for row in rows for token in row}
        return word in self._within or next(self._beginning_with((word,)), None) is not None


class PositionTable:
    """Finds the terms of POSITIONS. One that begins with `=` counts only where it is the whole message: `= second`."""

    def __init__(self, lexicon: Lexicon, prefixes: Sequence[str]) -> None:
        lists = {name: [spell(term) for term in terms] for name, terms in lexicon.positions.items()}
        within = {name: [term for term in terms if term[0] != _ALONE] for name, terms in lists.items()}
        self._within = TermTable(within, prefixes)
        self._alone: dict[tuple[str, ...], set[str]] = {}
        for name, terms in lists.items():
            for written in (full for term in terms if term[0] == _ALONE for full in expand(term[1:])):
                self._alone.setdefault(term_tokens(written), set()).add(name)
        self._polite = frozenset(token for word in lexicon.polite for token in term_tokens(word))

    def read(self, words: Sequence[str]) -> frozenset[str]:
        """Return the names of what was found among the tokens of a message."""
        rest = tuple(word for word in words if word != BREAK)
        while rest and rest not in self._alone and rest[-1] in self._polite:
            rest = rest[:-1]
        while rest and rest not in self._alone and rest[0] in self._polite:
            rest = rest[1:]
        return self._within.read(words).concepts | self._alone.get(rest, set())


class Reader:
    """One language's tables, built once."""

    def __init__(self, lexicon: Lexicon) -> None:
        words = lexicon.words
        self.code = lexicon.code
        self._fold = str.maketrans(dict(lexicon.fold))
        prefixes = [fold(normalise(prefix)) for prefix in lexicon.prefixes]
        self._concepts = TermTable({name: terms for name, terms in words.items() if name in CONCEPTS}, prefixes)
        self._pointers = TermTable({name: terms for name, terms in words.items() if name in POINTERS}, prefixes)
        self._positions = PositionTable(lexicon, prefixes)
        self._common = frozenset(token for word in lexicon.common for token in term_tokens(word))
        self._vocabulary: dict[str, list[str]] | None = None
        # One turn reads the same words for several questions.
        self._remembered = lru_cache(_REMEMBERED)(self._read)

    def read(self, words: Sequence[str]) -> Found:
        """Find this language's concepts and pointers among the tokens of a message."""
        return self._remembered(tuple(words))

    def _read(self, words: Sequence[str]) -> Found:
        words = self._folded(words)
        found = self._concepts.read(words)
        return Found(found.concepts | self._pointers.read(words).concepts, found.covered, found.left)

    def positions(self, words: Sequence[str]) -> frozenset[str]:
        """Find which of POSITIONS the tokens of a message name, its small digits spelt."""
        return self._positions.read(self._folded(words))

    def explained(self, words: Sequence[str]) -> set[int]:
        """Return the places of the tokens that belong to a concept, point at something or are function words."""
        folded = self._folded(words)
        places = {at for at, word in enumerate(folded) if word in self._common}
        for table in (self._concepts, self._pointers):
            at = 0
            for size, meanings in table.walk(folded):
                places.update(range(at, at + size) if meanings else ())
                at += size
        return places

    def sequence(self, words: Sequence[str]) -> list[str]:
        """Return one concept for each term, NUMBER and BREAK as they are, and "" for each stretch of unknown words."""
        found: list[str] = []
        at = 0
        for size, meanings in self._concepts.walk(self._folded(words)):
            sign = min(meanings) if meanings else words[at] if words[at] in (BREAK, NUMBER) else ""
            if sign or found[-1:] != [""]:
                found.append(sign)
            at += size
        return found

    def _folded(self, words: Sequence[str]) -> Sequence[str]:
        return [word.translate(self._fold) for word in words] if self._fold else words

    def mended(self, words: Sequence[str]) -> list[str]:
        """Return the tokens with slips of one letter put right: `cancle`, `pakage`, `retrun`."""
        return [self._mend(word) for word in words]

    def _mend(self, word: str) -> str:
        if len(word) < 4 or word in self._common or self._concepts.knows(word):
            return word
        if self._vocabulary is None:
            self._vocabulary = {}
            for known in self._concepts.openings(minimum=5):
                self._vocabulary.setdefault(known[0], []).append(known)
        return next((known for known in self._vocabulary.get(word[0], ()) if _one_slip(word, known)), word)


def _one_slip(word: str, known: str) -> bool:
    """Whether one letter of `known` was left out, doubled or inserted, swapped, or (in long words) mistyped."""
    at = 0
    while at < min(len(word), len(known)) and word[at] == known[at]:
        at += 1
    rest, due = word[at:], known[at:]
    if rest == due[1:] or rest[1:] == due:
        return True
    if len(rest) != len(due):
        return False
    if rest[:2] == due[1::-1] and rest[2:] == due[2:]:
        return True
    return len(known) >= 7 and rest[1:] == due[1:]
