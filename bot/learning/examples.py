"""From phrases to what a model learns from: slots filled, threads as a turn sees them, slips of the pen added."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.domain.model import Author, Message
from bot.domain.text import fold
from bot.learning.phrases import Phrase

_WHEN = datetime(2026, 1, 1, tzinfo=UTC)
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Example:
    """A customer message as a tier gets it, and what is to be made of it."""

    language: str
    text: str
    history: tuple[Message, ...]
    action: str
    order_id: str | None
    group: str


def example(phrase: Phrase, chance: random.Random) -> Example:
    """Fill a phrase's slots; a slot means the same number throughout a thread."""
    filled: dict[str, str] = {}

    def fill(text: str) -> str:
        return _SLOT.sub(lambda match: filled.setdefault(match.group(1), _value(match.group(1), chance)), text)

    history = tuple(
        Message(Author.BOT if said.by_bot else Author.CUSTOMER, fill(said.text), _WHEN, place)
        for place, said in enumerate(phrase.history, 1)
    )
    text = fill(phrase.text)
    order = filled[phrase.order.strip("{}")] if phrase.order else None
    # Both scripts of Chinese are one language to the lexicons.
    language = phrase.language.partition("-")[0]
    return Example(language, text, history, phrase.label, order, phrase.group)


def _value(slot: str, chance: random.Random) -> str:
    if slot.startswith("order"):
        shapes = (
            f"ORD2024{_digits(7, chance)}",
            f"#{_letters(1, chance)}{_digits(7, chance)}",
            f"{_digits(3, chance)}-{_digits(7, chance)}-{_digits(7, chance)}",
            f"{_letters(1, chance)}-{chance.randint(1000, 9999)}",
            f"{chance.randint(300000, 899999)}",
            f"{_letters(2, chance)}{_digits(6, chance)}",
        )
        return chance.choice(shapes)
    return {
        "phone": f"+49 170 {_digits(7, chance)}",
        "price": f"{chance.randint(5, 400)},90 €",
        "date": f"{chance.randint(1, 28)}.{chance.randint(1, 12)}.2026",
        "tracking": f"JD01{_digits(14, chance)}",
        "postcode": _digits(5, chance),
        "email": f"{_letters(4, chance).lower()}@example.com",
    }[slot]


def _digits(count: int, chance: random.Random) -> str:
    return "".join(chance.choices(string.digits, k=count))


def _letters(count: int, chance: random.Random) -> str:
    return "".join(chance.choices(string.ascii_uppercase, k=count))


def slipped(text: str, chance: random.Random) -> str:
    """Return the text as somebody else might type it: another case, no accents, no punctuation, a slip."""
    way = chance.randrange(6)
    if way == 0:
        return text.upper()
    if way == 1:
        return fold(text.casefold())
    if way == 2:
        return re.sub(r"[.,;:!?¿¡。，！？]", "", text).casefold()
    if way == 3 and len(text) > 8:
        at = chance.randrange(1, len(text) - 2)
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if way == 4 and len(text) > 8:
        at = chance.randrange(1, len(text) - 1)
        return text[:at] + text[at + 1 :]
    return text


def split(examples: Sequence[Example], share: float, chance: random.Random) -> tuple[list[Example], list[Example]]:
    """Return the examples to learn from and those held back, whole groups at a time."""
    groups = sorted({one.group for one in examples})
    chance.shuffle(groups)
    held = set(groups[: round(share * len(groups))])
    return [one for one in examples if one.group not in held], [one for one in examples if one.group in held]
