"""What a customer's words alone tell: the language, a plain yes or no, 'the last one', 'a person, please'."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from bot.domain.lexicon import Found, Lexicon, Reader, TermTable, expand, term_tokens
from bot.domain.text import BREAK, clip, fold, normalise, plain, tokens

__all__ = ["Lexicon", "LexiconBook", "normalise"]

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

_YES_SIGNS = frozenset("👍👌✅✔☑🙆🆗💯")
_NO_SIGNS = frozenset("👎❌✖🙅🚫⛔")
_ADDRESSES = re.compile(r"[^\s@]{1,64}@\S{1,200}|\b(?:https?://|www\.)\S{1,300}|[@/]\w{1,64}")
_QUESTION = re.compile("[?\u061f\u037e\u055e]")
_CONSENT_CHARS = 80
_DETECT_CHARS = 600
_SURE = 0.7
_LEAD = 1.25
_HOME_BONUS = 0.45


class LexiconBook:
    """All languages' words. Tables of a language are built when a message first needs them."""

    def __init__(self, lexicons: Iterable[Lexicon]) -> None:
        self._lexicons = {lexicon.code: lexicon for lexicon in lexicons}
        self._readers: dict[str, Reader] = {}
        self._evidence = _evidence(self._lexicons.values())
        self._letters = _letters(self._lexicons.values())
        self._consent: TermTable | None = None

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes of the languages that have words here."""
        return tuple(self._lexicons)

    def reader(self, code: str) -> Reader:
        """Return the tables of a language. Raises KeyError for one that has no words here."""
        if code not in self._readers:
            self._readers[code] = Reader(self._lexicons[code])
        return self._readers[code]

    # --- which language ------------------------------------------------------

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
        text = _ADDRESSES.sub(" ", normalise(clip(text))[:_DETECT_CHARS])
        script = _script(text)
        codes = self._of_script(script)
        scores = dict.fromkeys(codes, 0.0)
        if script != "latin":
            scores.update(self._by_script(script, codes))
        self._add_words(scores, tokens(fold(text)), script)
        self._add_letters(scores, text)
        found = {code: score for code, score in scores.items() if score > 0}
        if home in found:
            found[home] += _HOME_BONUS
        return found

    def _of_script(self, script: str) -> set[str]:
        """Every language may be written in Latin letters: `gde moi zakaz`."""
        if script == "latin":
            return set(self._lexicons)
        return {code for code, lexicon in self._lexicons.items() if lexicon.script in _relatives(script)}

    def _by_script(self, script: str, codes: set[str]) -> dict[str, float]:
        """A script of one language tells it; among several, the one met most is presumed."""
        own = [code for code in codes if self._lexicons[code].script == script]
        default = {"cyrillic": "ru", "arabic": "ar", "han": "zh"}.get(script)
        if len(own) == 1:
            return {own[0]: 3.0}
        return {default: 0.75} if default in codes else {}

    def _add_words(self, scores: dict[str, float], words: Sequence[str], script: str) -> None:
        pairs = [first + second for first, second in pairwise(words)] if script == "han" else []
        for word in {*words, *pairs}:
            # Only languages that this script allows share the weight: `pedido` is Spanish or Portuguese.
            codes = [code for code in self._evidence.get(word, ()) if code in scores]
            for code in codes:
                scores[code] += 1.0 / len(codes) ** 1.5

    def _add_letters(self, scores: dict[str, float], text: str) -> None:
        for letter in set(text):
            codes = [code for code in self._letters.get(letter, ()) if code in scores]
            for code in codes:
                scores[code] += 1.2 / len(codes)

    def likely(self, text: str, home: str | None = None, limit: int = 4) -> tuple[str, ...]:
        """Return the languages whose words may understand a message: the likeliest, then `home`, then English."""
        scores = self.scores(text, home)
        ranked = sorted(scores, key=lambda code: scores[code], reverse=True)[:limit]
        wanted = [*ranked, home or "en", "en"]
        return tuple(code for code in dict.fromkeys(wanted) if code in self._lexicons)

    # --- what it says --------------------------------------------------------

    def read(self, text: str, codes: Sequence[str]) -> Found:
        """Return what the words of these languages find in a message."""
        words = tokens(fold(normalise(clip(text)).replace("#", " ")))
        found = Found(frozenset(), 0, len(words))
        for code in codes:
            found |= self.reader(code).read(words)
        return found

    def means_latest(self, text: str) -> bool:
        """Whether the message names its order only as the last one: 'my last order', '最近的订单'."""
        return self.read(text, self.likely(text)).has("latest")

    def wants_human(self, text: str) -> bool:
        """Whether the message asks for a person."""
        return any(asks_for_person(self.read(text, [code])) for code in self.likely(text))

    def consent(self, text: str) -> bool | None:
        """Return True for a message that is an explicit yes and nothing else, False for a no, None for all else.

        A write may depend on it: a question, a condition, a longer sentence or a mixture is None.
        """
        if len(text) > _CONSENT_CHARS or _QUESTION.search(text):
            return None
        text = plain(text)
        said = {sign in _YES_SIGNS for sign in text if sign in _YES_SIGNS | _NO_SIGNS}
        words = [word for word in tokens(fold(normalise(text))) if word != BREAK]
        if re.search(r"\d", text):
            return None
        heard = self._heard(words)
        if heard is None or not _is_clear(heard, signs=bool(said)):
            return None
        said |= {name == "yes" for name in heard & {"yes", "no"}}
        if not said and "ok" in heard:
            return True
        if said == {False} and heard & {"echo", "ok"}:
            return None
        return said.pop() if len(said) == 1 else None

    def _heard(self, words: Sequence[str]) -> set[str] | None:
        """Return the kinds of consent words that make up the whole message; None when anything else stands there."""
        if self._consent is None:
            self._consent = TermTable(_consent_lists(self._lexicons.values()))
        heard: set[str] = set()
        forms = self._consent.forms(words)
        at = 0
        while at < len(words):
            size, meaning = self._consent.longest(forms, at)
            if not size:
                return None
            heard |= meaning
            at += size
        return heard


def asks_for_person(found: Found) -> bool:
    """Whether the words ask for a person: the person is named outright, or someone is to talk with the customer."""
    return not found.has("keep") and (found.has("human") or (found.has("person") and found.has("talk")))


def _is_clear(heard: set[str], *, signs: bool) -> bool:
    """Whether the words decide anything: 'ok' alone or with a 'please' does, 'ok thanks' is only polite."""
    if "mixed" in heard:
        return False
    return not (heard & {"ok"} and "thanks" in heard and not heard & {"yes", "no"} and not signs)


def _consent_lists(lexicons: Iterable[Lexicon]) -> dict[str, list[str]]:
    """Collect the consent words of all languages; one that means yes here and no there is `mixed`."""
    meanings: dict[tuple[str, ...], tuple[str, set[str]]] = {}
    for lexicon in lexicons:
        lists = {"yes": lexicon.yes, "no": lexicon.no, "ok": lexicon.ok, "polite": lexicon.polite, "echo": lexicon.echo}
        lists["thanks"] = lexicon.words.get("thanks", ())
        lists["greeting"] = lexicon.words.get("greeting", ())
        for kind, terms in lists.items():
            for full in (full for term in terms for full in expand(term)):
                meanings.setdefault(term_tokens(full), (full, set()))[1].add(kind)
    found: dict[str, list[str]] = {}
    for full, kinds in meanings.values():
        found.setdefault(_one_kind(kinds), []).append(full)
    return found


def _one_kind(kinds: set[str]) -> str:
    if ("no" in kinds and kinds & {"yes", "ok"}) or kinds == {"greeting"}:
        return "mixed"
    return next(kind for kind in ("no", "yes", "ok", "thanks", "echo", "polite") if kind in kinds)


def _evidence(lexicons: Iterable[Lexicon]) -> Mapping[str, tuple[str, ...]]:
    """Map each single word (and, in Chinese characters, each pair) that a lexicon knows to the languages that do."""
    found: dict[str, dict[str, None]] = {}
    for lexicon in lexicons:
        listed = [*lexicon.common, *lexicon.yes, *lexicon.no, *lexicon.polite]
        listed.extend(term for terms in lexicon.words.values() for term in terms)
        for term in listed:
            if "(" in term:
                continue
            pieces = term_tokens(term.removesuffix("*"))
            if len(pieces) == 1 or (len(pieces) == 2 and lexicon.script in {"han", "kana"}):
                found.setdefault("".join(pieces), {})[lexicon.code] = None
    return {word: tuple(codes) for word, codes in found.items()}


def _letters(lexicons: Iterable[Lexicon]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for lexicon in lexicons:
        for letter in lexicon.letters:
            found.setdefault(letter, []).append(lexicon.code)
    return {letter: tuple(codes) for letter, codes in found.items()}


def _relatives(script: str) -> tuple[str, ...]:
    """Japanese writes Han characters among its kana."""
    return ("han", "kana") if script == "han" else (script,)


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
