"""Answers in the shop's own words, without inference: the same question, or nearly the same."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

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
        self._wordings: list[tuple[FaqEntry, int]] = []
        self._postings: dict[str, list[int]] = defaultdict(list)
        for entry in entries:
            for question in entry.questions:
                self._index(entry, _plain(question))

    def _index(self, entry: FaqEntry, question: str) -> None:
        grams = _trigrams(question)
        self._exact[question].append(entry)
        for gram in grams:
            self._postings[gram].append(len(self._wordings))
        self._wordings.append((entry, len(grams)))

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
        grams = _trigrams(question)
        shared: Counter[int] = Counter()
        for gram in grams:
            shared.update(self._postings.get(gram, ()))
        best: tuple[FaqEntry, float] | None = None
        for index, count in shared.items():
            entry, size = self._wordings[index]
            score = 2 * count / (len(grams) + size)
            if score >= self.threshold and entry.language == language and (best is None or score > best[1]):
                best = (entry, score)
        return best


def _plain(text: str) -> str:
    """Leave letters, their marks and digits, so that punctuation and emoji make no difference."""
    return " ".join("".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in normalise(text)).split())


def _trigrams(text: str) -> frozenset[str]:
    padded = f"  {text} "
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))
