"""`deskhand train`: teaches the classifier a shop's own corrected messages, or brings the former model back."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bot.compose import lexicon_book
from bot.config import Settings
from bot.conversation.understanding import Understanding
from bot.domain.language import LexiconBook
from bot.domain.order_numbers import OrderNumbers
from bot.evaluate import Asking
from bot.inference.classifier import SHIPPED, BadModel, Classifier, in_use
from bot.learning import shop, shop_files
from bot.learning.cases import Case, read_cases
from bot.learning.data import phrases_folder, test_folder
from bot.web.metrics import PrometheusMonitor

NEXT_START = "A running bot takes it at its next start."


def train(settings: Settings, path: Path, phrases: Path | None = None, tests: Path | None = None) -> int:
    """Learn from a file of cases; swap the models if the new one is no worse. Return 1 if it is.

    Raises:
        ValueError: a line of the file cannot be learnt from, or something that this needs is missing.
    """
    began, folder, book = time.perf_counter(), shop_files.models_folder(settings.database.url), lexicon_book()
    known, held = shop.split_cases(read_cases(path, labelled=True))
    replay, project = shop.replayed(phrases or phrases_folder()), shop.project_tests(tests or test_folder())
    known, held, project = (_as_asked(settings, book, part) for part in (known, held, project))
    file, digest = in_use(folder)
    old = _load(file, digest, book)
    print(f"Learning from {len(known)} messages, with {len(replay)} of the project's phrases ...", flush=True)
    arrays = shop.teach(shop.read_arrays(file), known, replay, book)
    new = Classifier(arrays, book)
    on_held, on_tests = shop.compare(old, new, held), shop.compare(old, new, project)
    _show(on_held, on_tests, time.perf_counter() - began)
    if against := shop.why_not(on_held, on_tests):
        print("The new model is not used, and nothing was changed:", file=sys.stderr)
        for reason in against:
            print(f"  - {reason}", file=sys.stderr)
        return 1
    print(f"The new model: {shop_files.swap(folder, shop.file_of(arrays))}. {NEXT_START}")
    print("Bring the former one back with: deskhand train --revert")
    return 0


def revert(settings: Settings) -> int:
    """Bring the former model back; return 1 if there is none."""
    back = shop_files.revert(shop_files.models_folder(settings.database.url))
    if back is None:
        print("deskhand: the model that comes with Deskhand is in use; there is none before it", file=sys.stderr)
        return 1
    print(f"The {'model that comes with Deskhand' if back == SHIPPED else 'former model'} is back. {NEXT_START}")
    return 0


def _as_asked(settings: Settings, book: LexiconBook, cases: Sequence[Case]) -> list[Case]:
    """Return the cases as a turn would ask them, without those that have no text then."""
    asking = Asking(settings, book, OrderNumbers(), Understanding([], PrometheusMonitor()))
    asked = [(case, asking.query(case)) for case in cases]
    return [replace(c, text=q.text, language=q.language, history=tuple(q.history)) for c, q in asked if q.text]


def _load(file: Path, digest: str, book: LexiconBook) -> Classifier:
    try:
        return Classifier.load(file, digest, book)
    except BadModel as error:
        if file == SHIPPED:
            raise
        raise ValueError(f"{error}; bring the one before it back with: deskhand train --revert") from error


def _show(held: shop.Compared, tests: shop.Compared, seconds: float) -> None:
    print(f"Learnt and compared in {seconds:.1f} s.\n\n{'':28}{'cases':>6}{'right':>20}{'wrong writes':>20}")
    for name, found in (("the shop's, held back", held), ("the project's test set", tests)):
        right = _change(found.old.accuracy, found.new.accuracy)
        wrong = _change(found.old.wrong_write_rate, found.new.wrong_write_rate)
        print(f"{name:28}{found.new.labelled:>6,}{right:>20}{wrong:>20}")
    print()


def _change(old: float | None, new: float | None) -> str:
    return f"{100 * (old or 0.0):.1f} % → {100 * (new or 0.0):.1f} %"
