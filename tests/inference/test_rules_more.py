"""More languages for the rules: what people write in them, in `said/<language>.toml`, and what is to be made of it."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bot.domain.actions import ActionKind
from bot.domain.language import LexiconBook
from bot.domain.model import Author, Message, Query
from bot.inference.rules import ANSWERED, GUESSED, PLAIN, WORDY, RulesTier
from bot.locale.lexicons import load_lexicons

SAID = Path(__file__).with_name("said")
LANGUAGES = tuple(sorted(path.stem for path in SAID.glob("*.toml")))
LONG_ENOUGH = 4  # Words; of fewer nobody can tell the language.
OTHER_SCRIPTS = frozenset({"bn", "el", "fa", "he", "uk"})
SIBLINGS = {"da": "no", "no": "da"}
"""Danish and Norwegian are often written alike, word for word: one may be left undecided for the other."""


@cache
def _book() -> LexiconBook:
    return LexiconBook(load_lexicons())


@cache
def _tier() -> RulesTier:
    return RulesTier(_book())


def _table(language: str) -> dict[str, Any]:
    return tomllib.loads((SAID / f"{language}.toml").read_text("utf-8"))


def _sentences(language: str) -> list[tuple[ActionKind, str]]:
    table = _table(language)
    return [(kind, text) for kind in ActionKind for text in table[kind.value]]


def _kind(text: str, home: str) -> ActionKind:
    """Return what the rules make of a message; what they pass on is answered with an apology, as unknown."""
    action = found.action if (found := _tier().read(Query(text, home))) else None
    return action.kind if action else ActionKind.UNKNOWN


def _tells_its_language(language: str) -> list[str]:
    """Return the sentences that are long enough, and written in the language's own script."""
    texts = [text for _, text in _sentences(language) if len(text.split()) >= LONG_ENOUGH]
    return [text for text in texts if not (language in OTHER_SCRIPTS and text.isascii())]


def test_fourteen_languages_have_a_table() -> None:
    """A missing table would pass every test below."""
    assert set(LANGUAGES) == {"bn", "cs", "da", "el", "fa", "fi", "he", "hu", "nl", "no", "pl", "ro", "sv", "uk"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_table_tries_everything(language: str) -> None:
    """Each table has sentences for every action, and near misses."""
    table = _table(language)
    assert all(len(table[kind.value]) >= 2 for kind in ActionKind)
    assert len(table["unknown"]) >= 4


@pytest.mark.parametrize("home", ["en", "the language itself"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_is_understood(language: str, home: str) -> None:
    """Each sentence means what its table says, whether the thread was held in that language before or not."""
    thread = "en" if home == "en" else language
    wrong = [(text, kind.value) for kind, text in _sentences(language) if _kind(text, thread) is not kind]
    assert not wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_thread_keeps_its_language(language: str) -> None:
    """No sentence that is long enough makes a thread in this language change to another one."""
    texts = _tells_its_language(language)
    assert len(texts) >= 10
    assert [text for text in texts if _book().detect(text, language) != language] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_tells_its_language(language: str) -> None:
    """Nine of ten sentences show their language to somebody who knows nothing else; siblings may stay undecided."""
    found = [_book().detect(text) for text in _tells_its_language(language)]
    sibling = SIBLINGS.get(language)
    right = found.count(language) + (found.count(None) if sibling else 0)
    assert right >= 0.9 * len(found)
    assert found.count(sibling) <= 0.05 * len(found) if sibling else True


@pytest.mark.parametrize("language", LANGUAGES)
def test_yes_and_no_are_understood(language: str) -> None:
    """A plain yes and a plain no decide in a thread of that language."""
    consent = _table(language)["consent"]
    for text in consent["yes"]:
        assert _book().consent(text, language) is True, text
    for text in consent["no"]:
        assert _book().consent(text, language) is False, text


@pytest.mark.parametrize(
    ("text", "home", "sure"),
    [
        ("cancel my order please", "en", PLAIN),
        ("so my aunt gave me the same blue lamp for my birthday yesterday, cancel my order please", "en", WORDY),
        ("bestellung stornieren bitte", "en", PLAIN),
        ("please cnacel my ordre", "en", GUESSED),
    ],
)
def test_how_sure_the_rules_are(text: str, home: str, sure: float) -> None:
    """The rules are surer of a message that they know word for word than of a part, and least of a guess."""
    found = _tier().read(Query(text, home))
    assert found is not None
    assert (found.action.kind, found.confidence) == (ActionKind.CANCEL_ORDER, sure)


def test_an_answer_is_less_sure_than_a_request() -> None:
    """A bare yes that goes on with a cancellation is understood, but only as an answer."""
    said = Message(Author.CUSTOMER, "cancel my order please", datetime(2026, 1, 1, tzinfo=UTC))
    found = _tier().read(Query("yes", "en", (said,)))
    assert found is not None
    assert (found.action.kind, found.confidence) == (ActionKind.CANCEL_ORDER, ANSWERED)
