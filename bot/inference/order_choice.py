"""Which order a message means: one it writes, or the one that the thread speaks of. Never one that stands nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from bot.domain.lexicon import Position
from bot.domain.model import Message
from bot.domain.order_numbers import squeeze
from bot.domain.text import clip, fold, normalise, tokens

RECENT_MESSAGES = 6
_PLACES = {"first": 0, "second": 1, "third": 2}

_SENTENCE_END = re.compile(r"[.!?](?:\s|$)|[\n。！？؟।]")
_SEPARATOR = re.compile(r"[,;:.!?\n()•·|、，；：。。！？؟،؛।]")
_BEFORE_NUMBER = " \t:(#[-–—,=\"'«„“"
_WORD_LETTERS = 4
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


def written_in(text: str, candidates: Sequence[str]) -> tuple[str, ...]:
    """Return the candidates that stand in a text, in order of appearance."""
    squeezed = squeeze(text)
    places = {number: squeezed.find(squeeze(number)) for number in candidates}
    return tuple(sorted((number for number in candidates if places[number] >= 0), key=lambda number: places[number]))


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
    return numbers[0] if lettered == [*numbers[:1]] and not named else None


def spoken_of(history: Sequence[Message], candidates: Sequence[str], position: Position | None = None) -> str | None:
    """Return the order of the latest message that names any; None when that message names several.

    With a position it is the one that stands there among the orders of the latest message that names several.
    """
    if position and not (position == "both" and len(candidates) == 1):
        return _standing_at(position, history, candidates)
    for message in reversed(history[-RECENT_MESSAGES:]):
        if numbers := written_in(clip(message.text), candidates):
            return numbers[0] if len(numbers) == 1 else None
    return None


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
    numbers = listed.numbers
    if position in _PLACES:
        return numbers[_PLACES[position]] if _PLACES[position] < len(numbers) else None
    if position == "both":
        return None
    two = numbers or list(candidates)
    spoken = next((number for number in listed.since if number in two), None)
    if len(two) == 2 and spoken:
        return two[1 - two.index(spoken)]
    return numbers[1] if position == "other_or_second" and len(numbers) > 1 else None


def _latest_list(history: Sequence[Message], candidates: Sequence[str]) -> _List:
    """Return the latest message that names several candidates; its text is empty when none does."""
    since: list[str] = []
    for message in reversed(history[-RECENT_MESSAGES:]):
        text = "\n".join(normalise(line) for line in clip(message.text).splitlines())
        listed = _List(text, _spans(text, candidates), since)
        if len(listed.numbers) > 1:
            return listed
        since.extend(listed.numbers)
    return _List("", [], since)


def _spans(text: str, candidates: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return where the candidates stand in a text of normalised lines: start, end, number; none within another."""
    places = [at for at, sign in enumerate(text) if sign.isalnum()]
    squeezed = "".join(text[at] for at in places)
    found: list[tuple[int, int, str]] = []
    for number in candidates:
        wanted = squeeze(number)
        at = squeezed.find(wanted) if wanted else -1
        while at >= 0:
            start, end = places[at], places[at + len(wanted) - 1] + 1
            if "\n" not in text[start:end] and not (
                _is_plain(text[start - 1 : start]) or _is_plain(text[end : end + 1])
            ):
                found.append((start, end, number))
            at = squeezed.find(wanted, at + 1)
    kept: list[tuple[int, int, str]] = []
    for start, end, number in sorted(found, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end, number))
    return kept


def _is_plain(sign: str) -> bool:
    return sign.isascii() and sign.isalnum()


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
