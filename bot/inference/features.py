"""What the embedded classifier sees of a text: hashed pieces of letters, of words, and of what the words mean.

- Letters: every run of 1 to 5 of the folded text (no accents, no case), with the blanks at a word's edges.
- Words: each one as it is written, pairs of neighbours, and pairs with one word between them.
- Meanings: the concepts that the languages' lexicons find, alone, in pairs and in their order. They are the same in all
  languages, so that what was learnt of a contrast in one ("don't" and "cancel") holds in the others.

Each piece is hashed to a row of the model's table: no vocabulary is stored, and every script has a place.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from bot.domain.language import LexiconBook
from bot.domain.lexicon import Found
from bot.domain.text import BREAK, NUMBER, clip, fold, normalise, plain, tokens

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.int32]

BITS = 18
ROWS = 1 << BITS
"""How many rows the model's table has."""

READ_CHARS = 600
LANGUAGES_READ = 2
"""In how many languages a text's words are looked up: people mix two."""
_LONGEST = 5
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,64}\.[^\s@]{1,24}")
_GIVEN = re.compile(rf"(?:^|[,;\n]|[.!?](?=\s))[^,;\n@]{{0,40}}?(?<!\S){_EMAIL.pattern}")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_DIGITS = re.compile(r"\d")
_QUESTION = re.compile("[?\u061f\u037e\uff1f]")
# Odd multipliers of polynomial hashes modulo 2**64.
_LETTER, _WORD, _ALL = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, (1 << 64) - 1


def readable(text: str, numbers: Sequence[str] = ()) -> str:
    """Return a text as the classifier reads it: order numbers as NUMBER, other digits as 0, no e-mail addresses."""
    text = plain(clip(text)).replace(NUMBER, " ")
    if "@" in text:
        # Who gives an e-mail address says who they are, not what they want: "cancel it, my e-mail is ...".
        rest = _GIVEN.sub(" ", text)
        text = rest if _LETTERS.search(rest) else _EMAIL.sub(" ", text)
    for number in sorted(numbers, key=len, reverse=True):
        text = text.replace(number, f" {NUMBER} ")
    text = normalise(text)
    if len(text) > 2 * READ_CHARS:
        text = f"{text[:READ_CHARS]} {text[-READ_CHARS:]}"
    return _DIGITS.sub("0", text)


def written_rows(text: str) -> Rows:
    """Return the rows of the letters and words of a `readable` text, each once: int32 of shape (pieces,)."""
    import numpy as np  # 25 MB that a bot of rules alone never needs.

    found = [*_letter_hashes(f" {fold(text)} "), *_word_hashes(tokens(text))]
    # The high bits of a product are the well-mixed ones.
    hashes = np.concatenate(found)
    mixed = (hashes ^ (hashes >> np.uint64(29))) * np.uint64(_LETTER)
    return np.unique(mixed >> np.uint64(64 - BITS)).astype(np.int32)


def meant_rows(text: str, codes: Sequence[str], book: LexiconBook) -> Rows:
    """Return the rows of what a `readable` text means, each once: int32 of shape (pieces,).

    Args:
        codes: the languages it may be written in, the likeliest first; LANGUAGES_READ at most make a difference.
    """
    import numpy as np

    signs = {zlib.crc32(piece.encode()) * 0x9E3779B1 >> 7 & (ROWS - 1) for piece in _meanings(text, codes, book)}
    return np.fromiter(sorted(signs), np.int32, len(signs))


def _letter_hashes(text: str) -> list[NDArray[np.uint64]]:
    import numpy as np

    letters = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32).astype(np.uint64)
    found, running = [], np.zeros(len(letters), np.uint64)
    for length in range(1, min(_LONGEST, len(letters)) + 1):
        fresh = letters[length - 1 :]
        running = running[: len(fresh)] * np.uint64(_LETTER) + fresh + np.uint64(1)
        found.append(running + np.uint64(length))
    return found


def _word_hashes(words: Sequence[str]) -> list[NDArray[np.uint64]]:
    import numpy as np

    marks = np.array([_word_hash(word) for word in words], np.uint64)
    joined = marks * np.uint64(_WORD)
    return [
        marks * np.uint64(3),
        (joined[:-1] + marks[1:]) * np.uint64(5),
        (joined[:-2] + marks[2:]) * np.uint64(7),
    ]


def _word_hash(word: str) -> int:
    value = len(word)
    for letter in word:
        value = (value * _WORD + ord(letter)) & _ALL
    return value


def _meanings(text: str, codes: Sequence[str], book: LexiconBook) -> Iterator[str]:
    words = tokens(fold(text))
    found = Found(frozenset(), 0, len(words))
    for code in codes[:LANGUAGES_READ]:
        found |= book.reader(code).read(words)
    concepts = sorted(found.concepts | ({"number"} if NUMBER in words else set()))
    yield from concepts
    yield from (f"{one}+{other}" for one, other in combinations(concepts, 2))
    order = book.reader(codes[0]).sequence(words) if codes else ()
    yield from _runs("gapped", order)
    told = [sign for sign in order if sign not in ("", BREAK)]
    yield from _runs("told", told)
    if told:
        yield f"first {told[0]}"
        yield f"last {told[-1]}"
    yield f"length {min(len(words).bit_length(), 7)}"
    yield "asks" if _QUESTION.search(text) else "tells"


def _runs(name: str, signs: Sequence[str]) -> Iterator[str]:
    for length in (2, 3):
        for start in range(len(signs) - length + 1):
            yield f"{name} {'/'.join(signs[start : start + length])}"
