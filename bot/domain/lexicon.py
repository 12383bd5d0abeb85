"""The words of one language, and what they find in a message."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from bot.domain.term_table import TermTable
from bot.domain.terms import expand, term_tokens
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
        return self._within.meanings(words) | self._alone.get(rest, set())


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
        return self._remembered(tuple(words))[0]

    def sequence(self, words: Sequence[str]) -> tuple[str, ...]:
        """Return one concept for each term, NUMBER and BREAK as they are, and "" for each stretch of unknown words."""
        return self._remembered(tuple(words))[1]

    def _read(self, words: Sequence[str]) -> tuple[Found, tuple[str, ...]]:
        folded = self._folded(words)
        concepts, signs = set(self._pointers.meanings(folded)), list[str]()
        covered = left = at = 0
        for size, meanings in self._concepts.walk(folded):
            concepts |= meanings
            covered += size if meanings else 0
            left += not meanings and words[at] != BREAK
            sign = min(meanings) if meanings else words[at] if words[at] in (BREAK, NUMBER) else ""
            if sign or signs[-1:] != [""]:
                signs.append(sign)
            at += size
        return Found(frozenset(concepts), covered, left), tuple(signs)

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

    def _folded(self, words: Sequence[str]) -> Sequence[str]:
        return [word.translate(self._fold) for word in words] if self._fold else words

    def mended(self, words: Sequence[str]) -> tuple[str, ...]:
        """Return the tokens with slips of one letter put right: `cancle`, `pakage`, `retrun`."""
        return tuple(self._mend(word) for word in words)

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
