"""Text as the word rules see it: normalised, folded, cut into words (into characters, where a script has no spaces)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

T = TypeVar("T")

HEAD_CHARS = 2000
TAIL_CHARS = 2000

BREAK = ","
"""The token that stands for any punctuation between clauses, so that no phrase reaches across it."""

NUMBER = "#"
"""The token that stands for an order number."""

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\ufff9-\ufffb]"
)
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\\s]+")
_DIGIT = re.compile(r"[^\W\D]")
_MARKS = re.compile("[\u0300-\u036f\u093c\u09bc]")
_LONG_RUN = re.compile(r"([^\W\d_])\1{2,}")

# Scripts written without spaces, and Korean, whose particles and loose spacing make characters the safer unit.
_UNSPACED = (
    "\u0e00-\u0eff\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_TOKEN = re.compile(
    rf"(?P<char>[{_UNSPACED}])|(?P<word>(?:[^\W\d_{_UNSPACED}]|[\u0900-\u0963\u0970-\u09e5\u09f0-\u09ff])+)"
    rf"|(?P<number>{NUMBER})|(?P<break>[,.;:!?\n\u060c\u061b\u061f\u0964\u0965\u2026\u3001\u3002]+)"
)

_LETTERS = str.maketrans(
    {
        "ß": "ss", "ø": "o", "đ": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ħ": "h",
        "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ې": "ي", "ئ": "ي", "ؤ": "و", "ة": "ه", "ۀ": "ه",
        "ک": "ك", "ڪ": "ك", "ہ": "ه", "ھ": "ه", "ے": "ي", "ँ": "ं", "ঁ": None, "ς": "σ", "ё": "е", "ґ": "г",
        "’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'",
    }
)  # fmt: skip


_REMEMBERED, _REMEMBERED_CHARS = 512, 600


def _remembering(function: Callable[[str], T]) -> Callable[[str], T]:
    """Keep the results for the last short texts: a turn asks for the same ones again and again."""
    cached = lru_cache(_REMEMBERED)(function)

    @wraps(function)
    def remembered(text: str) -> T:
        return cached(text) if len(text) <= _REMEMBERED_CHARS else function(text)

    return remembered


def clip(text: str) -> str:
    """Return what is looked at of a very long text: its first and its last 2000 characters."""
    if len(text) <= HEAD_CHARS + TAIL_CHARS:
        return text
    return f"{text[:HEAD_CHARS]} \n {text[-TAIL_CHARS:]}"


def ascii_digits(text: str) -> str:
    """Write the decimal digits of every script as 0 to 9."""
    if text.isascii():
        return text
    return _DIGIT.sub(lambda match: str(unicodedata.digit(match.group())), text)


@_remembering
def plain(text: str) -> str:
    """Return the text in NFKC, without invisible characters, with ASCII digits and single spaces; case is kept."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text.replace("№", "#")))
    return _UNSEEN.sub(" ", ascii_digits(text)).strip()


@_remembering
def normalise(text: str) -> str:
    """Return the text in the one form in which texts are compared: `plain`, and casefolded."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", plain(text).casefold()))


@_remembering
def fold(text: str) -> str:
    """Fold a normalised text further, for word rules: people leave out accents, hamzas and nuktas."""
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFD", text))
        text = unicodedata.normalize("NFC", text).translate(_LETTERS)
    return _LONG_RUN.sub(r"\1", text)


@_remembering
def tokens(folded: str) -> tuple[str, ...]:
    """Cut a folded text into words, single characters of scripts without spaces, NUMBER and BREAK."""
    found: list[str] = []
    for match in _TOKEN.finditer(folded):
        kind = match.lastgroup
        if kind != "break":
            found.append(match.group())
        elif found and found[-1] != BREAK:
            found.append(BREAK)
    return tuple(found)
