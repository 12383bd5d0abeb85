"""Answers in the shop's own words, without inference: the same question, or nearly the same."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import chain

from bot.domain.actions import Action, ActionKind
from bot.domain.language import normalise
from bot.domain.model import FaqEntry, Query, Understood
from bot.errors import PassReason, TierPassed

MAX_NEAR_CHARS = 300


class FaqTier:
    """The first tier. Exact after normalising, in any language; near by shared character trigrams, in the same one."""

    kind = "faq"
    name = "faq"

    def __init__(self, entries: Sequence[FaqEntry] = (), threshold: float = 0.82) -> None:
        self.threshold = threshold
        self.load(entries)

    def load(self, entries: Sequence[FaqEntry]) -> None:
        """Take new entries; they serve from the next message on."""
        self._entries = tuple(entries)
        self._exact: dict[str, list[FaqEntry]] = defaultdict(list)
        self._wordings: list[tuple[FaqEntry, str]] = []
        self._holders: dict[tuple[str, str], list[int]] = defaultdict(list)
        for entry in entries:
            for question in entry.questions:
                self._index(entry, _plain(question))

    def _index(self, entry: FaqEntry, question: str) -> None:
        if not question:
            # Nothing but signs: it would answer every message of nothing but signs.
            return
        self._exact[question].append(entry)
        for gram in _trigrams(question):
            self._holders[entry.language, gram].append(len(self._wordings))
        self._wordings.append((entry, question))

    @property
    def size(self) -> int:
        """How many entries it knows."""
        return len(self._entries)

    async def understand(self, query: Query) -> Understood:
        """Answer with an entry's text.

        Raises:
            TierPassed: NO_MATCH.
        """
        found = self.find(query.text, query.language)
        if found is None:
            raise TierPassed(PassReason.NO_MATCH)
        entry, score = found
        return Understood(Action(ActionKind.UNKNOWN, message=entry.answer), self.name, confidence=score)

    def find(self, text: str, language: str) -> tuple[FaqEntry, float] | None:
        """Return the best entry and how near it is (0 to 1)."""
        question = _plain(text)
        if exact := self._exact.get(question):
            same = [entry for entry in exact if entry.language == language]
            return (same or exact)[0], 1.0
        return self._near(question, language) if 0 < len(question) <= MAX_NEAR_CHARS else None

    def _near(self, question: str, language: str) -> tuple[FaqEntry, float] | None:
        grams, numbered = _trigrams(question), _numbered(question)
        best: tuple[FaqEntry, float] | None = None
        for index in self._candidates(grams, language):
            entry, wording = self._wordings[index]
            others = _trigrams(wording)
            score = 2 * len(grams & others) / (len(grams) + len(others))
            if score < self.threshold or (best is not None and score <= best[1]):
                continue
            # Another number is another question: "within 24 hours", and whatever names an order.
            if _numbered(wording) == numbered:
                best = (entry, score)
        return best

    def _candidates(self, grams: frozenset[str], language: str) -> list[int]:
        """Return the wordings that may be near enough, found by the rarer trigrams alone.

        A score of t needs t / (2 - t) of the message's trigrams: more may not be missing, among the rarer ones neither.
        """
        missing = len(grams) - math.ceil(len(grams) * self.threshold / (2 - self.threshold))
        holders = sorted((self._holders.get((language, gram), ()) for gram in grams), key=len)
        rarer = holders[: missing + missing // 2 + 1]
        shared = Counter(chain.from_iterable(rarer))
        return sorted(index for index, count in shared.items() if count >= len(rarer) - missing)


def _plain(text: str) -> str:
    """Leave letters, their marks and digits, so that punctuation and emoji make no difference."""
    return " ".join("".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in normalise(text)).split())


def _trigrams(text: str) -> frozenset[str]:
    padded = f"  {text} "
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))


def _numbered(text: str) -> frozenset[str]:
    """Return the words that hold a digit."""
    return frozenset(word for word in text.split() if any(map(str.isdigit, word)))
