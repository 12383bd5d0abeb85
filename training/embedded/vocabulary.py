"""Learns a byte-level BPE vocabulary: which bytes of which words are read as one token.

Words are cut as llama.cpp's pre-tokenizer `qwen35` cuts them; a merge never reaches across a cut. The tokenising itself
is left to llama.cpp, in training and in use, so that both see the same tokens.
"""

from __future__ import annotations

import heapq
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise

from bot.inference.qwen_vocabulary import byte_alphabet

Pair = tuple[str, str]

PRE_TOKENIZER = "qwen35"


def _marks() -> str:
    """Return the combining marks of all scripts as ranges of a character class; they belong to the letters."""
    found: list[str] = []
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code))[0] != "M":
            continue
        if found and ord(found[-1][-1]) == code - 1:
            found[-1] = f"{found[-1][0]}-{chr(code)}"
        else:
            found.append(chr(code))
    return "".join(found)


_MARK = _marks()
_PIECE = re.compile(
    rf"'(?:[st]|re|ve|m|ll|d)|(?:[^\r\n\w]|_)?(?:[^\W\d_]|[{_MARK}])+|\d"
    rf"| ?(?:[^\s\w{_MARK}]|_)+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def cut(text: str) -> Iterator[str]:
    """Yield the stretches of a text that merges stay within, written in the byte alphabet."""
    letters = byte_alphabet()
    for match in _PIECE.finditer(text):
        yield "".join(letters[byte] for byte in match.group().encode())


def learn(texts: Iterable[str], merges: int) -> list[Pair]:
    """Return the merges, the most frequent pair first, as in Sennrich et al. (2016).

    Args:
        merges: how many at most; there are fewer when no pair stands twice.
    """
    counts = Counter(piece for text in texts for piece in cut(text))
    words = [(list(word), count) for word, count in sorted(counts.items())]
    pairs: Counter[Pair] = Counter()
    places: defaultdict[Pair, set[int]] = defaultdict(set)
    for place, (symbols, count) in enumerate(words):
        for pair in pairwise(symbols):
            pairs[pair] += count
            places[pair].add(place)
    heap = [(-count, pair) for pair, count in pairs.items()]
    heapq.heapify(heap)
    learnt: list[Pair] = []
    while heap and len(learnt) < merges:
        count, best = heapq.heappop(heap)
        if -count != pairs[best]:
            continue  # It was counted anew since, and stands in the heap with its new count.
        if -count < 2:
            break
        learnt.append(best)
        changed: set[Pair] = set()
        for place in places.pop(best):
            changed |= _merge(words[place], best, place, pairs, places)
        del pairs[best]
        for pair in changed - {best}:
            if pairs[pair] > 0:
                heapq.heappush(heap, (-pairs[pair], pair))
    return learnt


def _merge(
    word: tuple[list[str], int], pair: Pair, place: int, pairs: Counter[Pair], places: defaultdict[Pair, set[int]]
) -> set[Pair]:
    """Write a pair as one symbol throughout a word, and return the pairs whose counts changed."""
    symbols, count = word
    before = list(pairwise(symbols))
    at = 0
    while at < len(symbols) - 1:
        if symbols[at] == pair[0] and symbols[at + 1] == pair[1]:
            symbols[at : at + 2] = ["".join(pair)]
        at += 1
    after = list(pairwise(symbols))
    for gone in before:
        pairs[gone] -= count
    for fresh in after:
        pairs[fresh] += count
        places[fresh].add(place)
    return {*before, *after}
