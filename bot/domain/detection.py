"""Tells a message's language by its script, its letters, and the words that each language's lexicon knows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby, pairwise

from bot.domain.lexicon import Lexicon
from bot.domain.text import BREAK, clip, fold, normalise, tokens

_SCRIPTS = {
    "latin": "a-z\u00aa\u00ba\u00df-\u024f\u1e00-\u1eff",
    "cyrillic": "\u0400-\u052f",
    "greek": "\u0370-\u03ff\u1f00-\u1fff",
    "arabic": "\u0620-\u065f\u066e-\u06ef\u06fa-\u06ff\u0750-\u077f",
    "hebrew": "\u05d0-\u05ea",
    "devanagari": "\u0900-\u0963\u0970-\u097f",
    "bengali": "\u0980-\u09e5\u09f0-\u09ff",
    "thai": "\u0e01-\u0e4e",
    "kana": "\u3041-\u3096\u30a1-\u30fa\u30fc",
    "hangul": "\uac00-\ud7a3",
    "han": "\u3400-\u9fff\U00020000-\U0003ffff",
}
_COUNTERS = {script: re.compile(f"[{letters}]") for script, letters in _SCRIPTS.items() if script != "latin"}
_LATIN = re.compile(f"[{_SCRIPTS['latin']}]")
_DENSE = frozenset({"kana", "hangul", "han"})
_PRESUMED = {"cyrillic": "ru", "arabic": "ar", "han": "zh"}
_ADDRESSES = re.compile(r"[^\s@]{1,64}@\S{1,200}|\b(?:https?://|www\.)\S{1,300}|[@/]\w{1,64}")
_GROUPING = re.compile(r"[(|)]")
_READ_CHARS = 600
_REMEMBERED = 256

_SURE = 0.55
_LEAD = 1.25
_HOME_BONUS = 0.45
# How much a word tells: the small words most, a shop's vocabulary less, a piece of a longer term least.
_COMMON, _SAID, _SHOP, _PIECE = 1.0, 0.8, 0.6, 0.3
# `order` in a Hindi lexicon is an English word on loan.
_ON_LOAN = 0.4
# A language whose lexicon has a letter this often has the letter, whether its list says so or not.
_OWN_LETTER = 3


class Detector:
    """Weighs the languages whose lexicons it was given."""

    def __init__(self, lexicons: Iterable[Lexicon]) -> None:
        known = tuple(lexicons)
        self._scripts = {lexicon.code: lexicon.script for lexicon in known}
        self._words = _weights(known)
        self._letters = _letters(known)
        # One turn asks several times about the same text.
        self._weighed = lru_cache(_REMEMBERED)(self._weigh)

    def detect(self, text: str, fallback: str | None = None) -> str | None:
        """Return the language code of a message, or `fallback` when it does not tell ("ok", a number, an emoji).

        Args:
            fallback: the thread's language; it also wins when two languages are about as likely.
        """
        scores = self.scores(text, fallback)
        ranked = sorted(scores, key=lambda code: scores[code], reverse=True)
        if not ranked:
            return fallback
        second = scores[ranked[1]] if len(ranked) > 1 else 0.0
        sure = scores[ranked[0]] >= _SURE and scores[ranked[0]] >= second * _LEAD
        return ranked[0] if sure else fallback

    def scores(self, text: str, home: str | None = None) -> dict[str, float]:
        """Return how much speaks for each language of the message's script; `home` gets a little more."""
        found = dict(self._weighed(clip(text)))
        if home in found:
            found[home] += _HOME_BONUS
        return found

    def _weigh(self, text: str) -> dict[str, float]:
        text = _ADDRESSES.sub(" ", normalise(text)[:_READ_CHARS])
        script = _script(text)
        codes = self._of_script(script)
        scores = dict.fromkeys(codes, 0.0)
        if script != "latin":
            scores.update(self._by_script(script, codes))
        self._add_words(scores, tokens(fold(text)), script)
        self._add_letters(scores, text)
        return {code: score for code, score in scores.items() if score > 0}

    def _of_script(self, script: str) -> set[str]:
        """Every language may be written in Latin letters: `gde moi zakaz`. Japanese writes Han among its kana."""
        if script == "latin":
            return set(self._scripts)
        relatives = ("han", "kana") if script == "han" else (script,)
        return {code for code, own in self._scripts.items() if own in relatives}

    def _by_script(self, script: str, codes: set[str]) -> dict[str, float]:
        """A script of one language tells it; among several, the one met most is presumed."""
        own = [code for code in codes if self._scripts[code] == script]
        if len(own) == 1:
            return {own[0]: 3.0}
        presumed = _PRESUMED.get(script)
        return {presumed: 0.75} if presumed in codes else {}

    def _add_words(self, scores: dict[str, float], words: Sequence[str], script: str) -> None:
        pairs = [first + second for first, second in pairwise(words)] if script == "han" else []
        for word in {*words, *pairs}:
            # Only languages that this script allows share the weight: `pedido` is Spanish or Portuguese.
            weights = {code: weight for code, weight in self._words.get(word, {}).items() if code in scores}
            whole = sum(weights.values())
            for code, weight in weights.items():
                scores[code] += weight * (weight / whole) ** 1.5

    def _add_letters(self, scores: dict[str, float], text: str) -> None:
        for letter in set(text):
            codes = [code for code in self._letters.get(letter, ()) if code in scores]
            for code in codes:
                scores[code] += 1.2 / len(codes)


def _weights(lexicons: Sequence[Lexicon]) -> Mapping[str, Mapping[str, float]]:
    """Map each word (and, in Chinese characters, each pair) to the languages that know it, and how much it tells."""
    found: dict[str, dict[str, float]] = {}
    for lexicon in lexicons:
        for word, weight in _told(lexicon):
            known = found.setdefault(word, {})
            known[lexicon.code] = max(weight, known.get(lexicon.code, 0.0))
    latin = {lexicon.code for lexicon in lexicons if lexicon.script == "latin"}
    for word, known in found.items():
        if word.isascii() and not latin.isdisjoint(known):
            known.update({code: weight * _ON_LOAN for code, weight in known.items() if code not in latin})
    return found


def _told(lexicon: Lexicon) -> Iterator[tuple[str, float]]:
    lists = [(_COMMON, lexicon.common), (_SAID, (*lexicon.yes, *lexicon.no, *lexicon.polite))]
    for concept, terms in lexicon.words.items():
        lists.append((_SAID if concept in {"greeting", "thanks"} else _SHOP, terms))
    for weight, terms in lists:
        for pieces in _pieces(terms):
            if len(pieces) == 1 or (len(pieces) == 2 and lexicon.script in {"han", "kana"}):
                yield "".join(pieces), weight
            elif lexicon.script not in _DENSE:
                yield from ((piece, _PIECE) for piece in pieces if len(piece) > 2)


def _pieces(terms: Iterable[str]) -> Iterator[list[str]]:
    """Yield the tokens of each term. All are cut in one go, a break between two: this is done at every start."""
    cut = tokens(fold(normalise(_GROUPING.sub(" ", f" {BREAK} ".join(terms)))))
    for is_break, pieces in groupby(cut, key=BREAK.__eq__):
        if not is_break:
            yield list(pieces)


def _letters(lexicons: Sequence[Lexicon]) -> Mapping[str, tuple[str, ...]]:
    """Map each telling letter to the languages that have it, as their lists say or their words show."""
    telling = {letter for lexicon in lexicons for letter in lexicon.letters}
    found: dict[str, list[str]] = {letter: [] for letter in telling}
    for lexicon in lexicons:
        terms = (lexicon.common, lexicon.yes, lexicon.no, *lexicon.words.values())
        counts = Counter(letter for words in terms for word in words for letter in word if letter in telling)
        for letter in telling:
            if letter in lexicon.letters or counts[letter] >= _OWN_LETTER:
                found[letter].append(lexicon.code)
    return {letter: tuple(codes) for letter, codes in found.items()}


def _script(text: str) -> str:
    """Return the script a normalised text is mainly written in; Latin brand names count little beside another one."""
    if text.isascii():
        return "latin" if _LATIN.search(text) else ""
    counts = {script: len(counter.findall(text)) for script, counter in _COUNTERS.items()}
    if counts["kana"] and counts["kana"] * 5 >= counts["han"]:
        counts["kana"] += counts["han"]
    weights = {script: count * (4 if script in _DENSE else 2) for script, count in counts.items()}
    weights["latin"] = len(_LATIN.findall(text))
    best = max(weights, key=lambda script: weights[script])
    return best if weights[best] else ""
