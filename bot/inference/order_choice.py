"""Which order a message means: one it writes, or the one that the thread speaks of. Never one that stands nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from bot.domain.actions import ActionKind
from bot.domain.language import LexiconBook
from bot.domain.lexicon import Position
from bot.domain.model import Author, Message, Query
from bot.domain.order_numbers import OrderNumbers, squeeze
from bot.domain.text import clip, fold, plain, tokens
from bot.inference.order_mentions import BUT, NOT_DO, clauses_of, left_over, lines_of, spans_of, written_in

RECENT_MESSAGES = 6
_PLACES = {"first": 0, "second": 1, "third": 2}

_SIGNS = {
    ActionKind.CANCEL_ORDER: ("cancel",),
    ActionKind.RETURN_APPLY: ("return", "refund", "fault"),
    ActionKind.QUERY_ORDER: ("where", "when", "status", "ask", "late"),
}

_SENTENCE_END = re.compile(r"[.!?](?:\s|$)|[\n。！？؟।]")
_SEPARATOR = re.compile(r"[,;:.!?\n()•·|、，；：。。！？؟،؛।]")
_BEFORE_NUMBER = " \t:(#[-–—,=\"'«„“"
_WORD_LETTERS = 4
_SURE_DIGITS = 6
_HAN, _KATAKANA, _HANGUL, _THAI = "\u3400-\u9fff", "\u30a1-\u30ff", "\uac00-\ud7af", "\u0e00-\u0e7f"
_RUN = re.compile(rf"[{_HAN}]{{2,}}|[{_KATAKANA}]{{2,}}|[{_HANGUL}]{{2,}}|[{_THAI}]{{4,}}")
_NO_GOODS = frozenset("一二三四五两兩个個件只条條份单單的是了已在我你您有和这這那哪不要")
_ARTICLES = re.compile("[\u0590-\u06ff]{1,3}")
_ENDING = re.compile("[aeiouyаеиоуыэюяіαεηιουω]")


class _List(NamedTuple):
    """The latest message that names several orders: its text, where each stands, and what was named alone since."""

    text: str
    spans: list[tuple[int, int, str]]
    since: list[str]

    @property
    def numbers(self) -> list[str]:
        """The orders in their order of appearance, each once."""
        return list(dict.fromkeys(number for _, _, number in self.spans))


class OrderChoice:
    """Tells which order a customer's request is about, by code alone: whatever a model says, no number is made up."""

    def __init__(self, book: LexiconBook, numbers: OrderNumbers) -> None:
        self._book, self._numbers = book, numbers

    def of(self, kind: ActionKind, query: Query) -> str | None:
        """Return a number that stands in the conversation; None where none is meant, or nobody can know which."""
        text = plain(clip(query.text))
        candidates = query.candidates or self._numbers.candidates(text, query.history)
        if not kind.concerns_order:
            # What only might be a number is none where nothing is asked about an order: "do you have the E27?"
            plainly = {squeeze(number) for number in (*self._numbers.find(text), *self._numbers.called(text))}
            candidates = tuple(
                one for one in candidates if squeeze(one) in plainly or _is_long(one) or _named(one, query)
            )
        if numbers := written_in(text, candidates):
            left = left_over(text, numbers)
            return meant_among(left, self._numbers.called(text)) or self._told_apart(kind, text, left, query.language)
        if not kind.concerns_order or not candidates:
            return self._just_named(query, candidates) if kind is ActionKind.UNKNOWN else None
        if position := self._book.position(text, query.language):
            return spoken_of(query.history, candidates, position)
        if self._book.means_latest(query.text):
            return None
        said = self._book.unexplained(text, query.language)
        return having_goods(query.history, candidates, said) or spoken_of(query.history, candidates)

    def _just_named(self, query: Query, candidates: Sequence[str]) -> str | None:
        """Return the order that the last line before names, if the message says "it": a wish for no action."""
        named = written_in(clip(query.history[-1].text), candidates) if query.history else ()
        found = self._book.read(query.text, self._book.likely(query.text, query.language))
        speaks = found.has("that", "keep") and not found.has("thanks", "policy", "presale")
        return named[0] if len(named) == 1 and speaks and self._book.consent(query.text) is None else None

    def _told_apart(self, kind: ActionKind, text: str, numbers: Sequence[str], language: str) -> str | None:
        """Return which of a message's own numbers it points at: by a place among them, or by what it says of each."""
        position = self._book.position(text, language)
        place = _PLACES.get("second" if position == "other_or_second" else position or "")
        if place is not None and len(numbers) > 1:
            return numbers[place] if place < len(numbers) else None
        return self._wanted(kind, text, numbers, language)

    def _wanted(self, kind: ActionKind, text: str, numbers: Sequence[str], language: str) -> str | None:
        """Return the only number whose part of the text asks for the action: "cancel 883421, but 883422 is fine"."""
        clauses, codes = clauses_of(lines_of(text), numbers), self._book.likely(text, language)
        wanted, spared, contrast = set[str](), set[str](), BUT.search(text.casefold()) is not None
        for number, clause in clauses:
            found = self._book.read(clause, codes)
            if kind.is_write and (found.has("keep") or (NOT_DO.search(clause) and not found.has("arrive", "late"))):
                spared.add(number)
            elif found.has(*_SIGNS.get(kind, ())):
                wanted.add(number)
            contrast = contrast or found.has("arrive")
        if spared and len(left := set(numbers) - spared) == 1:
            return left.pop()
        return wanted.pop() if len(wanted) == 1 and (contrast or spared) else None


def _is_long(number: str) -> bool:
    least = _SURE_DIGITS - 2 if any(map(str.isalpha, number)) else _SURE_DIGITS
    return sum(map(str.isdigit, number)) >= least


def _named(number: str, query: Query) -> bool:
    return any(squeeze(number) in squeeze(message.text) for message in query.history)


def meant_among(numbers: Sequence[str], called: Sequence[str] = ()) -> str | None:
    """Of several numbers, the only one that is `called` an order's, or that has letters; otherwise nobody can know.

    Two of one shape may both be meant, whatever stands before the first: "orders 883421 and 883422".
    """
    if len(numbers) == 1:
        return numbers[0]
    named = [number for number in numbers if number in called]
    if len(named) == 1:
        alike = [number for number in numbers if _shape(number) == _shape(named[0])]
        return named[0] if len(alike) == 1 else None
    lettered = [number for number in numbers if not number.replace("-", "").replace(" ", "").isdigit()]
    return lettered[0] if len(lettered) == 1 and not named else None


def spoken_of(history: Sequence[Message], candidates: Sequence[str], position: Position | None = None) -> str | None:
    """Return the order of the latest message that names any and takes not back; None when it names several.

    With a position it is the one that stands there among the orders of the latest message that names several.
    """
    if position and not (position == "both" and len(candidates) == 1):
        return _standing_at(position, history, candidates)
    for message in reversed(history[-RECENT_MESSAGES:]):
        text = clip(message.text)
        if numbers := left_over(text, written_in(text, candidates), typed=message.author is Author.CUSTOMER):
            return numbers[0] if len(numbers) == 1 else None
    # Named long ago, but nothing else ever was.
    return candidates[0] if len(candidates) == 1 else None


def having_goods(history: Sequence[Message], candidates: Sequence[str], said: Iterable[str]) -> str | None:
    """Return the only order beside which the latest list of several names what the customer `said`: "the lamp".

    Args:
        said: the words of the customer's message that mean nothing else (`LexiconBook.unexplained`).
    """
    listed = _latest_list(history, candidates)
    if not listed.text:
        return None
    said, beside = tuple(said), dict[str, set[str]]()
    for number, stretch in _stretches(listed):
        for sign in _shared(stretch, said):
            beside.setdefault(sign, set()).add(number)
    chosen = {number for numbers in beside.values() if len(numbers) == 1 for number in numbers}
    return chosen.pop() if len(chosen) == 1 else None


def _standing_at(position: Position, history: Sequence[Message], candidates: Sequence[str]) -> str | None:
    listed = _latest_list(history, candidates)
    numbers = listed.numbers or _in_turn(listed.since)
    if position in _PLACES:
        return numbers[_PLACES[position]] if _PLACES[position] < len(numbers) else None
    if position == "both":
        return None
    two = listed.numbers or list(candidates)
    spoken = next((number for number in listed.since if number in two), None)
    if len(two) == 2 and spoken:
        return two[1 - two.index(spoken)]
    return numbers[1] if position == "other_or_second" and len(numbers) > 1 else None


def _in_turn(since: Sequence[str]) -> list[str]:
    """Return the orders that were named one by one, the oldest first; none where it is but one."""
    numbers = list(dict.fromkeys(reversed(since)))
    return numbers if len(numbers) > 1 else []


def _latest_list(history: Sequence[Message], candidates: Sequence[str]) -> _List:
    """Return the latest message that names several candidates; its text is empty when none does."""
    since: list[str] = []
    for message in reversed(history[-RECENT_MESSAGES:]):
        text = lines_of(clip(message.text))
        listed = _List(text, spans_of(text, candidates), since)
        if len(listed.numbers) > 1:
            return listed
        since.extend(listed.numbers)
    return _List("", [], since)


# --- goods ---


def _stretches(listed: _List) -> Iterator[tuple[str, str]]:
    """Yield each number with what stands beside it: behind it, before it, or both where the list does not tell which.

    A list that begins with a number has its goods behind them, and one that ends with a number has them before.
    """
    text, spans = listed.text, listed.spans
    ends = [0, *(end for _, end, _ in spans)]
    starts = [*(start for start, _, _ in spans), len(text)]
    before = [
        _SEPARATOR.split(text[end:start].rstrip(_BEFORE_NUMBER))[-1]
        for end, start in zip(ends, starts[:-1], strict=False)
    ]
    behind = [
        _SENTENCE_END.split(text[end:start], maxsplit=1)[0] for end, start in zip(ends[1:], starts[1:], strict=True)
    ]
    if not tokens(before[0]):
        before = [""] * len(spans)
    elif not tokens(behind[-1]):
        behind = [""] * len(spans)
    for (_, _, number), *sides in zip(spans, before, behind, strict=True):
        yield from ((number, side) for side in sides)


def _shared(stretch: str, said: Sequence[str]) -> Iterator[str]:
    """Yield what of the goods in a stretch stands in the customer's words as well."""
    stretch = fold(stretch)
    for word in tokens(stretch):
        if len(word) >= _WORD_LETTERS:
            yield from (other for other in said if len(other) >= _WORD_LETTERS and _alike(word, other))
    for run in _RUN.findall(stretch):
        yield from (part for part in _parts(run) if any(part in other for other in said))


def _parts(run: str) -> Iterator[str]:
    """Yield what tells goods apart in a script without spaces: Han by two, Thai by four, the rest whole."""
    if re.match(f"[{_KATAKANA}{_HANGUL}]", run):
        yield run
        return
    size = 2 if re.match(f"[{_HAN}]", run) else _WORD_LETTERS
    for at in range(len(run) - size + 1):
        if _NO_GOODS.isdisjoint(part := run[at : at + size]):
            yield part


def _alike(word: str, other: str) -> bool:
    """Whether two words are one, but for a short ending or an article written to it: lamp, lamps; лампа, лампу."""
    short, long = sorted((word, other), key=len)
    if long.startswith(short):
        return len(long) - len(short) <= 2
    if long.endswith(short):
        return _ARTICLES.fullmatch(long[: -len(short)]) is not None
    stem = word[:-1]
    endings = _ENDING.fullmatch(word[-1]) and _ENDING.fullmatch(other[-1])
    return stem == other[:-1] and len(stem) >= _WORD_LETTERS and endings is not None


def _shape(number: str) -> str:
    return "".join("0" if sign.isdigit() else "A" if sign.isalpha() else sign for sign in number)
