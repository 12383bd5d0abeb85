"""Which order a message means: one it writes, or the one that the thread speaks of. Never one that stands nowhere."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.model import Message
from bot.domain.order_numbers import squeeze
from bot.domain.text import clip

RECENT_MESSAGES = 6


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


def spoken_of(history: Sequence[Message], candidates: Sequence[str]) -> str | None:
    """Return the order of the latest message that names any; None when that message names several."""
    for message in reversed(history[-RECENT_MESSAGES:]):
        if numbers := written_in(clip(message.text), candidates):
            return numbers[0] if len(numbers) == 1 else None
    return None


def _shape(number: str) -> str:
    return "".join("0" if sign.isdigit() else "A" if sign.isalpha() else sign for sign in number)
