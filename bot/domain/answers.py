"""Short messages whose every word is known: a plain yes or no, a greeting, thanks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from bot.domain.lexicon import Lexicon
from bot.domain.term_table import TermTable
from bot.domain.terms import expand, term_tokens
from bot.domain.text import BREAK, fold, normalise, plain, tokens

_YES_SIGNS = frozenset("👍👌✅✔☑🙆🆗💯")
_NO_SIGNS = frozenset("👎❌✖🙅🚫⛔")
_HELLO_SIGNS = frozenset("👋")
_THANKS_SIGNS = frozenset("🙏")
_QUESTION = re.compile("[?\u061f\u037e\u055e]")
_MOST_CHARS = 80

Lists = Callable[[Sequence[Lexicon]], Mapping[str, Iterable[str]]]

# A term that stands in several of a language's lists has the first of these as its meaning.
_CONSENT = ("no", "yes", "ok", "thanks", "echo", "polite")


class Answers:
    """Reads short answers by the words of all languages; its tables are built when first needed."""

    def __init__(self, lexicons: Iterable[Lexicon]) -> None:
        self._lexicons = {lexicon.code: lexicon for lexicon in lexicons}
        self._tables: dict[tuple[Lists, str | None], TermTable] = {}

    def consent(self, text: str, language: str | None = None) -> bool | None:
        """Return True for a message that is an explicit yes and nothing else, False for a no, None for all else.

        A write may depend on it: a question, a condition, a longer sentence or a mixture is None, and so is a word
        that agrees in one language and not in another, unless `language` (the thread's) settles it: "tak" is a yes
        in Polish and thanks in Danish.
        """
        if len(text) > _MOST_CHARS or _QUESTION.search(text) or any(letter.isdigit() for letter in text):
            return None
        signs = {sign in _YES_SIGNS for sign in plain(text) if sign in _YES_SIGNS | _NO_SIGNS}
        heard = self._heard(text, _consent_lists, language)
        return None if heard is None else _decision(heard, signs)

    def greets(self, text: str, language: str | None = None) -> Literal["hello", "thanks"] | None:
        """Return what a message is that greets or thanks and does nothing else; None for another.

        Any language will do, `language` (the thread's) first: "ciao" is a hello in Italian and a bye in German.
        """
        if len(text) > _MOST_CHARS or any(letter.isdigit() for letter in text):
            return None
        heard = self._heard(text, _greeting_lists, language)
        if heard is None:
            return None
        if "thanks" in heard or not _THANKS_SIGNS.isdisjoint(text):
            return "thanks"
        return "hello" if "hello" in heard or not _HELLO_SIGNS.isdisjoint(text) else None

    def _heard(self, text: str, lists: Lists, language: str | None) -> set[str] | None:
        """Return the kinds of words that make up the whole message; None when anything else stands there."""
        words = [word for word in tokens(fold(normalise(text))) if word != BREAK]
        codes = (language, None) if language in self._lexicons else (None,)
        for code in codes:
            heard = _all_of(words, self._table(lists, code))
            if heard is not None:
                return heard
        return None

    def _table(self, lists: Lists, code: str | None) -> TermTable:
        if (lists, code) not in self._tables:
            chosen = tuple(self._lexicons.values()) if code is None else (self._lexicons[code],)
            self._tables[lists, code] = TermTable(lists(chosen))
        return self._tables[lists, code]


def _all_of(words: Sequence[str], table: TermTable) -> set[str] | None:
    heard: set[str] = set()
    forms = table.forms(words)
    at = 0
    while at < len(words):
        size, meaning = table.longest(forms, at)
        if not size:
            return None
        heard |= meaning
        at += size
    return heard


def _decision(heard: set[str], signs: set[bool]) -> bool | None:
    said = signs | {name == "yes" for name in heard & {"yes", "no"}}
    if "mixed" in heard:
        return None
    if not said and "ok" in heard:
        # "ok" alone or with a "please" agrees, "ok thanks" is only polite.
        return None if "thanks" in heard else True
    if said == {False} and heard & {"echo", "ok"}:
        return None
    return said.pop() if len(said) == 1 else None


def _consent_lists(lexicons: Sequence[Lexicon]) -> Mapping[str, Iterable[str]]:
    """Collect the consent words of languages; one that agrees here and does something else there is `mixed`."""
    kinds: dict[tuple[str, ...], set[str]] = {}
    terms: dict[tuple[str, ...], str] = {}
    for lexicon in lexicons:
        lists = {"yes": lexicon.yes, "no": lexicon.no, "ok": lexicon.ok, "polite": lexicon.polite, "echo": lexicon.echo}
        lists["thanks"] = lexicon.words.get("thanks", ())
        lists["greeting"] = lexicon.words.get("greeting", ())
        for key, full, found in _kinds_of(lists):
            terms.setdefault(key, full)
            kinds.setdefault(key, set()).add(_first(found, _CONSENT))
    listed: dict[str, list[str]] = {}
    for key, found in kinds.items():
        listed.setdefault(_settled(found), []).append(terms[key])
    return listed


def _kinds_of(lists: Mapping[str, Iterable[str]]) -> list[tuple[tuple[str, ...], str, set[str]]]:
    """Write out one language's terms: their tokens, the term, and the names of the lists that hold it."""
    held: dict[tuple[str, ...], tuple[str, set[str]]] = {}
    for name, terms in lists.items():
        for full in (full for term in terms for full in expand(term)):
            held.setdefault(term_tokens(full), (full, set()))[1].add(name)
    return [(key, full, names) for key, (full, names) in held.items()]


def _first(names: set[str], order: Sequence[str]) -> str:
    return next((name for name in order if name in names), "mixed")


def _settled(kinds: set[str]) -> str:
    """Settle what a term means across languages: a yes must not be anything but an agreement elsewhere."""
    if ("yes" in kinds and kinds - {"yes", "ok"}) or ("ok" in kinds and kinds & {"no", "mixed"}):
        return "mixed"
    return _first(kinds, _CONSENT)


def _greeting_lists(lexicons: Sequence[Lexicon]) -> Mapping[str, Iterable[str]]:
    lists: dict[str, list[str]] = {"hello": [], "thanks": [], "filler": []}
    for lexicon in lexicons:
        lists["hello"].extend(lexicon.words.get("greeting", ()))
        lists["thanks"].extend(lexicon.words.get("thanks", ()))
        lists["filler"].extend((*lexicon.words.get("filler", ()), *lexicon.polite))
    return lists
