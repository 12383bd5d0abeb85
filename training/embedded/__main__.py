"""Makes the embedded language model from the phrases: `python -m training.embedded [--trial]`.

It takes most of an hour on two cores. State is laid down after each epoch beside the model, so that the same command
goes on where it was broken off. With `--trial` the file is written elsewhere, and nothing that ships is changed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bot.domain.order_numbers import OrderNumbers
from bot.inference.embedded import ANSWERS, SHIPPED
from bot.learning.examples import Example
from training.classifier import SEED, examples, record_hash
from training.embedded import vocabulary as bpe
from training.embedded.check import check
from training.embedded.gguf_file import rounded, write
from training.embedded.learn import learn
from training.embedded.lessons import conversation
from training.embedded.plan import Plan
from training.embedded.tokens import Vocabulary

WORK = Path("build/embedded")
CHECKED_PER_LANGUAGE = 12
# So that the answers' own words are single tokens.
_ANSWERS_READ = 2000

log = logging.getLogger(__name__)


def merges_of(known: Sequence[Example], count: int, kept: Path | None = None) -> list[bpe.Pair]:
    """Return the vocabulary's merges, learnt from the phrases, or as they were laid down for the same ones."""
    numbers = OrderNumbers()
    texts = [conversation(one, numbers)[-1].content for one in known] + [*ANSWERS] * _ANSWERS_READ
    subject = hashlib.sha256("\n".join([str(count), *texts]).encode("utf-8", "replace")).hexdigest()
    if kept is not None and kept.exists():
        laid = json.loads(kept.read_text("utf-8"))
        if laid["subject"] == subject:
            return [(first, second) for first, second in laid["merges"]]
    merges = bpe.learn(texts, count)
    if kept is not None:
        kept.write_text(json.dumps({"subject": subject, "merges": merges}), "utf-8")
    return merges


def some_of_each(known: Sequence[Example], count: int) -> list[Example]:
    """Return a few examples of each language, threads among them."""
    chance, found = random.Random(SEED), dict[str, list[Example]]()
    for one in chance.sample(list(known), len(known)):
        held = found.setdefault(one.language, [])
        if len(held) < count:
            held.append(one)
    return [one for held in found.values() for one in held]


def make(known: Sequence[Example], plan: Plan, target: Path, work: Path | None = None) -> dict[str, int]:
    """Train, write `target` and check it; return how many prompts of each language were compared."""
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
    merges = merges_of(known, plan.merges, work and work / "merges.json")
    vocabulary = Vocabulary(merges)
    try:
        teacher, heat = learn(known, vocabulary, plan, work and work / "state.npz")
        shape = plan.shape(vocabulary.size)
        write(target, shape, teacher.weights, merges, heat)
        asked = some_of_each(known, CHECKED_PER_LANGUAGE)
        return dict(check(target, shape, rounded(teacher.weights), vocabulary, asked))
    finally:
        vocabulary.close()


def main(arguments: Sequence[str]) -> None:
    """Make the model."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("gguf").setLevel(logging.WARNING)
    began, trial = time.perf_counter(), "--trial" in arguments
    WORK.mkdir(parents=True, exist_ok=True)
    target = WORK / "embedded.gguf" if trial else SHIPPED
    compared = make(examples(), Plan(), target, WORK)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    if not trial:
        record_hash("EMBEDDED_SHA256", digest)
    minutes = (time.perf_counter() - began) / 60
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB, SHA-256 {digest}, {minutes:.0f} min")
    print(f"the same, token for token, in {len(compared)} languages: {compared}")


if __name__ == "__main__":
    main(sys.argv[1:])
