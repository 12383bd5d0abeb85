"""The project's own test set: that it is what it should be, and what the shipped tiers make of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import cache
from pathlib import Path

from bot.config import NO_TOKEN, load
from bot.domain.order_numbers import squeeze
from bot.domain.text import fold, normalise
from bot.evaluate import CASCADE, evaluate, subjects
from bot.learning.cases import Case, read_cases
from bot.learning.phrases import read_phrases
from bot.learning.scores import Scores, score

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "data" / "understanding"
LANGUAGES = {
    "ar", "bn", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hu", "id",
    "it", "ja", "ko", "nl", "no", "pl", "pt", "ro", "ru", "sv", "th", "tr", "uk", "vi", "zh",
}  # fmt: skip


@cache
def cases() -> tuple[Case, ...]:
    """Return every case."""
    return tuple(case for path in sorted(FOLDER.glob("*.jsonl")) for case in read_cases(path))


def _same(text: str) -> str:
    return squeeze(fold(normalise(text))) or text


def test_every_language_is_tried() -> None:
    """Thirty languages have at least sixty cases each, and there are three hundred threads."""
    count = Counter(path.stem for path in FOLDER.glob("*.jsonl") for _ in read_cases(path))
    assert set(count) == LANGUAGES
    assert min(count.values()) >= 60
    assert sum(bool(case.history) for case in cases()) >= 300


def test_none_of_it_was_learnt() -> None:
    """No message of the test set stands in the text that the models learnt from, but for calls of a word or two."""
    paths = sorted((ROOT / "training" / "phrases").glob("*.toml"))
    learnt = {_same(phrase.text) for path in paths for phrase in read_phrases(path)}
    assert len(learnt) > 15_000
    long = [
        case.text for case in cases() if len(case.text.split()) > 2 or (len(case.text) >= 8 and _is_dense(case.text))
    ]
    assert len(long) > 1800
    assert [text for text in long if _same(text) in learnt] == []


def _is_dense(text: str) -> bool:
    """Whether it is written in characters of which a few are a sentence."""
    return any("\u3000" <= letter <= "\u9fff" for letter in text)


@cache
def made() -> Scores:
    """Return what the tiers that Deskhand brings, as it starts without a configuration, make of the test set."""
    settings = load(None, {}, defaults={"telegram": {"token": NO_TOKEN}})
    return score(cases(), asyncio.run(evaluate(settings, subjects(settings, [CASCADE]), cases()))[CASCADE])


def test_what_was_reached_is_kept() -> None:
    """The shipped tiers are as good as the model card says, less what another machine's rounding may cost."""
    scores = made()
    assert scores.accuracy is not None
    assert scores.wrong_write_rate is not None
    assert scores.accuracy >= 0.78
    assert scores.wrong_write_rate <= 0.03
    assert scores.write_recall_asked is not None
    assert scores.write_recall_asked >= 0.88


def test_no_order_number_is_invented() -> None:
    """Whatever number the tiers name stands in the message or in its history."""
    assert made().invented_order_numbers == 0
