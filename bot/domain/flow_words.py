"""What typed words answer in a cancellation or a return: which items, how many, why, or that a question is skipped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from bot.domain.actions import ActionKind
from bot.domain.flow import REASONS, counting, with_all, with_quantity, without_step
from bot.domain.model import OrderItem, Reason, ReturnLine, Waiting, Wish
from bot.domain.term_table import TermTable
from bot.domain.text import BREAK, fold, normalise, plain, tokens

NAMES = frozenset({*(reason.value for reason in Reason), "all", "done", "skip"})
"""The lists of words: the reasons, all of it, no more, no answer."""

NOTE_CHARS = 500
_DIGITS = re.compile(r"\d+")
_SHORTEST_STEM = 4
# What may stand around the places of a list: "1 and 3, please".
_AROUND_NUMBERS = 16


class FlowWords:
    """The words of all languages; whoever writes one answers, whatever the thread's language."""

    def __init__(self, lists: Mapping[str, Iterable[str]]) -> None:
        self._table = TermTable(lists)

    def heard(self, text: str) -> frozenset[str]:
        """Return the names of the lists of which a message holds a term; a longer term hides the shorter ones in it."""
        return self._table.meanings(_words(text))

    def reason(self, text: str, kind: ActionKind) -> Reason | None:
        """Return the reason that a message names; None for none, and for several."""
        named = [reason for reason in REASONS[kind] if reason.value in self.heard(text)]
        named = [reason for reason in named if reason is not Reason.OTHER] or named
        return named[0] if len(named) == 1 else None

    def answer(
        self,
        step: Waiting,
        text: str,
        kind: ActionKind,
        wish: Wish,
        choices: Sequence[OrderItem],
        *,
        yes: bool | None,
        may_skip: bool,
    ) -> Wish | None:
        """Return what a message makes of the wish as the answer to a question; None when it is none.

        Args:
            yes: whether the message is a plain yes, or a plain no.
            may_skip: whether the question may be left unanswered.
        """
        if step is Waiting.ITEMS:
            return self._items(text, wish, choices, yes)
        if step is Waiting.QUANTITY:
            return self._quantity(text, wish, choices)
        if step is Waiting.REASON and (reason := self.reason(text, kind)):
            return replace(wish, reason=reason)
        skips = "skip" in self.heard(text) or (yes is False and step is Waiting.PHOTO)
        return without_step(wish, step) if skips and may_skip else None

    def _items(self, text: str, wish: Wish, choices: Sequence[OrderItem], yes: bool | None) -> Wish | None:
        if wish.lines and (yes or "done" in self.heard(text)):
            return replace(wish, picked=True)
        if lines := picked(text, choices):
            kept = [line for line in wish.lines if line.item_id not in {new.item_id for new in lines}]
            return replace(wish, lines=(*kept, *lines), picked=True)
        return with_all(wish, choices) if "all" in self.heard(text) else None

    def _quantity(self, text: str, wish: Wish, choices: Sequence[OrderItem]) -> Wish | None:
        line = counting(wish)
        most = next((item.quantity for item in choices if line and item.id == line.item_id), 0)
        numbers = [int(digits) for digits in _DIGITS.findall(plain(text))]
        if not numbers and "all" in self.heard(text):
            return with_quantity(wish, most)
        return with_quantity(wish, numbers[0]) if len(numbers) == 1 and 1 <= numbers[0] <= most else None


def picked(text: str, choices: Sequence[OrderItem]) -> tuple[ReturnLine, ...]:
    """Return the items that a message names, by words of their names or by their places in the list, from 1 on.

    Beside the name of one item, a number is how many of it go back. A word that several items share picks none of
    them, unless another word tells which.
    """
    numbers = [int(digits) for digits in _DIGITS.findall(plain(text))]
    if items := named(text, choices):
        only = items[0] if len(items) == len(numbers) == 1 else None
        count = numbers[0] if only and 1 <= numbers[0] <= only.quantity else 0
        return tuple(ReturnLine(item.id, count) for item in items)
    around = len(_DIGITS.sub("", plain(text)))
    if not numbers or around > _AROUND_NUMBERS or not all(1 <= number <= len(choices) for number in numbers):
        return ()
    return tuple(ReturnLine(choices[number - 1].id, 0) for number in dict.fromkeys(numbers))


def named(text: str, items: Sequence[OrderItem]) -> tuple[OrderItem, ...]:
    """Return the items that the words of a message name, each by a word that the others have not."""
    said = _said(text)
    matched = [frozenset(item.id for item in items if _names(word, _said(item.name))) for word in said]
    clear = {next(iter(ids)) for ids in matched if len(ids) == 1}
    # A word that is shared by several, of which none is named otherwise, leaves it open which is meant.
    if any(len(ids) > 1 and not ids & clear for ids in matched):
        return ()
    return tuple(item for item in items if item.id in clear)


def _names(word: str, name: Sequence[str]) -> bool:
    return any(word == other or _same_stem(word, other) for other in name)


def _same_stem(word: str, other: str) -> bool:
    """Whether two words differ in their endings only: `shoe` and `shoes`, `кроссовки` and `кроссовок`."""
    size = max(_SHORTEST_STEM, max(len(word), len(other)) - 2)
    return len(word) >= size and len(other) >= size and word[:size] == other[:size]


def _said(text: str) -> tuple[str, ...]:
    """Return the words of a text that can name something; of scripts without spaces, each pair of characters."""
    words = _words(text)
    pairs = [a + b for a, b in pairwise(words) if len(a) == len(b) == 1]
    return tuple(dict.fromkeys([word for word in words if len(word) > 2] + pairs))


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in tokens(fold(normalise(text))) if word != BREAK)
