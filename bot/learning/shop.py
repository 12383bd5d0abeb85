"""A shop's own model: the one in use, taught the shop's corrected messages, and taken only if it is no worse."""

from __future__ import annotations

import hashlib
import io
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.domain.language import LexiconBook
from bot.domain.model import Author
from bot.inference.classifier import KINDS, Classifier
from bot.learning.cases import Case, read_cases
from bot.learning.examples import Example, example
from bot.learning.fit import REFINING, Arrays, Plan, refine
from bot.learning.phrases import read_phrases
from bot.learning.scores import Prediction, Scores, score

HELD_BACK = 0.2
LEAST = 5
"""From fewer different messages nothing can be held back to see whether the others were learnt."""

REPLAYED = 2000
ACCURACY_LOST, WRONG_WRITES_GAINED = 0.005, 0.002
"""What a new model may be worse by on the project's test set."""

_SEED = 20261125
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Compared:
    """How the old model and the new one did on the same cases."""

    old: Scores
    new: Scores

    @property
    def accuracy_gained(self) -> float:
        """Return by how much more often the new one is right."""
        return (self.new.accuracy or 0.0) - (self.old.accuracy or 0.0)

    @property
    def wrong_writes_gained(self) -> float:
        """Return by how much more often the new one takes something else for a cancellation or a return."""
        return (self.new.wrong_write_rate or 0.0) - (self.old.wrong_write_rate or 0.0)


def split_cases(cases: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """Return the cases to learn from and a fifth held back, whole threads and equal messages together.

    A message's place depends on its words alone, so that a file that grows holds nearly the same ones back.

    Raises:
        ValueError: there are too few.
    """
    ranked = sorted({_thread(case) for case in cases}, key=_rank)
    if len(ranked) < LEAST:
        raise ValueError(f"{len(ranked)} different messages are too few to learn from; {LEAST} are the least")
    held = set(ranked[: max(1, round(HELD_BACK * len(ranked)))])
    return [one for one in cases if _thread(one) not in held], [one for one in cases if _thread(one) in held]


def _thread(case: Case) -> str:
    opening = next((said.text for said in case.history if said.author is Author.CUSTOMER), case.text)
    return re.sub(r"[\W_]+", "", opening.casefold()) or opening


def _rank(thread: str) -> bytes:
    return hashlib.sha256(f"{_SEED}:{thread}".encode("utf-8", "replace")).digest()


def replayed(folder: Path, count: int = REPLAYED) -> list[Example]:
    """Return some of the project's own phrases, the same at every run.

    Raises:
        ValueError: they are not installed.
    """
    chance = random.Random(_SEED)  # noqa: S311 (no secret)
    phrases = [phrase for path in sorted(folder.glob("*.toml")) for phrase in read_phrases(path)]
    if not phrases:
        raise ValueError(f"there are no phrases in {folder}, and without them the model would forget what it knows")
    return [example(one, chance) for one in chance.sample(phrases, min(count, len(phrases)))]


def project_tests(folder: Path) -> list[Case]:
    """Return the project's test set.

    Raises:
        ValueError: it is not installed.
    """
    cases = [case for path in sorted(folder.glob("*.jsonl")) for case in read_cases(path)]
    if not cases:
        raise ValueError(f"there is no test set in {folder}, and without it nobody knows whether the model is better")
    return cases


def read_arrays(path: Path) -> Arrays:
    """Return what a model file holds, which `Classifier.load` has checked."""
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def teach(
    arrays: Arrays, cases: Sequence[Case], replay: Sequence[Example], book: LexiconBook, plan: Plan = REFINING
) -> Arrays:
    """Return the model that comes of teaching it the cases, each of which has an action."""
    lessons = [
        # Both scripts of Chinese are one language to the lexicons.
        Example((c.language or "").partition("-")[0], c.text, c.history, c.action.value, c.order_id, _thread(c))
        for c in cases
        if c.action
    ]
    return refine(arrays, lessons, replay, book, plan)


def file_of(arrays: Arrays) -> bytes:
    """Return a model as its file's bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def compare(old: Classifier, new: Classifier, cases: Sequence[Case]) -> Compared:
    """Ask both models, alone, what the cases mean."""
    return Compared(*(score(cases, [_predicted(model, case) for case in cases]) for model in (old, new)))


def _predicted(model: Classifier, case: Case) -> Prediction:
    likely = model.probabilities(case.text, case.history, case.language)
    best = int(likely.argmax())
    return Prediction(case.id, KINDS[best], None, float(likely[best]), "classifier", 0.0)


def why_not(held: Compared, tests: Compared) -> list[str]:
    """Return what speaks against the new model; nothing if it may be used."""
    against = []
    if held.accuracy_gained < -_ROUNDING:
        against.append("it understands fewer of the shop's own messages that were held back")
    if held.wrong_writes_gained > _ROUNDING:
        against.append("it takes more of them for a cancellation or a return that they are not")
    if tests.accuracy_gained < -ACCURACY_LOST - _ROUNDING:
        against.append(f"it understands the project's test set worse by more than {100 * ACCURACY_LOST:.1f} points")
    if tests.wrong_writes_gained > WRONG_WRITES_GAINED + _ROUNDING:
        more = f"{100 * WRONG_WRITES_GAINED:.1f} points"
        against.append(f"it takes more of the test set, by over {more}, for a cancellation or a return")
    return against
