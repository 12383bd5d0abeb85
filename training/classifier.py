"""Makes the shipped classifier from the phrases: `python -m training.classifier`.

With `--trial` a tenth of the phrases is held back and measured, and nothing is written.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import sys
import time
from collections.abc import Sequence

import numpy as np

from bot.domain.language import LexiconBook
from bot.inference.classifier import KINDS, SHIPPED, Classifier
from bot.learning.data import phrases_folder
from bot.learning.examples import Example, example, split
from bot.learning.fit import LABEL, Plan, fit
from bot.learning.phrases import read_phrases
from bot.learning.shop import file_of
from bot.locale.lexicons import load_lexicons

SEED = 20261125


def examples() -> list[Example]:
    """Return every phrase of every file as an example."""
    chance = random.Random(SEED)
    files = sorted(phrases_folder().glob("*.toml"))
    return [example(phrase, chance) for path in files for phrase in read_phrases(path)]


def report(model: Classifier, held: Sequence[Example]) -> dict[str, float]:
    """Return accuracy, and wrong writes and write recall at several least probabilities."""
    likely = np.stack([model.probabilities(one.text, one.history, one.language) for one in held])
    labels = np.array([LABEL[one.action] for one in held])
    best, sure = likely.argmax(1), likely.max(1)
    writes = np.array([kind.is_write for kind in KINDS])
    found = {"accuracy": float((best == labels).mean())}
    for least in (0.0, 0.5, 0.6, 0.7, 0.8, 0.9):
        taken = writes[best] & (sure >= least)
        found[f"wrong writes at {least}"] = float((taken & (best != labels)).mean())
        found[f"write recall at {least}"] = float((taken & (best == labels)).sum() / writes[labels].sum())
    return {name: round(value, 4) for name, value in found.items()}


def record_hash(name: str, digest: str) -> None:
    """Write a shipped file's hash into the code that will ask for it."""
    hashes = SHIPPED.with_name("hashes.py")
    lines = [line for line in hashes.read_text().splitlines() if not line.startswith(name)]
    hashes.write_text("\n".join([*lines, f'{name} = "{digest}"']) + "\n")


def main(arguments: Sequence[str]) -> None:
    """Train, and write or measure."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    book, everything = LexiconBook(load_lexicons()), examples()
    known, held = split(everything, 0.1, random.Random(SEED)) if "--trial" in arguments else (everything, [])
    began = time.perf_counter()
    arrays = fit(known, book, Plan())
    print(f"{len(known)} examples, {time.perf_counter() - began:.0f} s")
    if held:
        model = Classifier(arrays, book)
        for name, part in (
            ("alone", [one for one in held if not one.history]),
            ("in threads", [one for one in held if one.history]),
        ):
            print(name, len(part), json.dumps(report(model, part), indent=1))
        return
    data = file_of(arrays)
    SHIPPED.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    record_hash("CLASSIFIER_SHA256", digest)
    print(f"{SHIPPED.name}: {len(data) / 1e6:.2f} MB, SHA-256 {digest}")


if __name__ == "__main__":
    main(sys.argv[1:])
