"""Trains the embedded classifier, in NumPy alone, so that a shop's own machine can do it too.

First the table, on texts alone; then its temperature, on texts it did not see; then the small network, on the later
turns of threads, none of which the table saw.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.domain.language import LexiconBook
from bot.domain.order_numbers import OrderNumbers
from bot.inference.classifier import CONTEXT_SIZE, KINDS, Classifier
from bot.inference.features import ROWS, meant_rows, readable, written_rows
from bot.learning.examples import Example, slipped, split

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Arrays = dict[str, NDArray[Any]]
"""What `Classifier` takes, by name."""

CLASSES = len(KINDS)
LABEL = {kind.value: place for place, kind in enumerate(KINDS)}
NETWORK = ("w1", "b1", "w2", "b2")


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how carefully to learn; the defaults are those of the shipped model."""

    epochs: int = 6
    batch: int = 256
    rate: float = 0.04
    dropped: float = 0.25
    smoothing: float = 0.05
    slips: int = 1
    held_back: float = 0.1
    hidden: int = 32
    seed: int = 7


REFINING = Plan(epochs=6, rate=0.02)
"""How a shop's own messages are learnt: briefly and gently, since each step takes something from what is known."""

REPEATED = 4
"""How often a shop's message is read in an epoch at most: there are few of them beside the replay."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The rows of a text: of its letters and words, and of its meanings."""

    written: Ints
    meant: Ints


def pieces(text: str, language: str | None, book: LexiconBook, numbers: OrderNumbers) -> Pieces:
    """Return a text's rows, as the classifier itself finds them."""
    seen = readable(text, numbers.find(text))
    return Pieces(written_rows(seen), meant_rows(seen, book.likely(text, language), book))


def fit(examples: Sequence[Example], book: LexiconBook, plan: Plan = Plan()) -> Arrays:
    """Learn from examples; return the arrays that `Classifier` takes. The same seed gives the same arrays."""
    chance = random.Random(plan.seed)  # noqa: S311 (no secret)
    alone = [one for one in examples if not one.history]
    known, held = split(alone, plan.held_back, chance)
    trial = _quantised(*_table(known, book, plan, chance))
    temperature = _temperature(_scores(trial, held, book), _labels(held))
    arrays = _quantised(*_table(alone, book, plan, chance)) | {"temperature": np.array(temperature, np.float32)}
    return arrays | _network(arrays, [one for one in examples if one.history], book, plan, chance)


def refine(
    arrays: Arrays, examples: Sequence[Example], replay: Sequence[Example], book: LexiconBook, plan: Plan = REFINING
) -> Arrays:
    """Go on from a model with a shop's examples, and with a replay of older ones, so that nothing is forgotten.

    The temperature stays, and so does the small network where no example is a later turn of a thread.
    """
    chance = random.Random(plan.seed)  # noqa: S311 (no secret)
    times = min(REPEATED, max(1, len(replay) // max(1, len(examples))))
    lessons, refined = [*examples] * times + [*replay], dict(arrays)
    if not all(one.history for one in examples):
        start = (arrays["table"] * arrays["scale"]).astype(np.float32), arrays["bias"].astype(np.float32)
        table, bias = _table([one for one in lessons if not one.history], book, plan, chance, start)
        refined |= _quantised(table, bias) | {"temperature": arrays["temperature"]}
    if any(one.history for one in examples):
        model, later = Classifier(refined, book), [one for one in lessons if one.history]
        contexts = [model.context(one.text, one.history, one.language) for one in later]
        net = _trained(contexts, _labels(later), plan, 2 * plan.epochs, [arrays[name].copy() for name in NETWORK])
        refined |= dict(zip(NETWORK, net, strict=True))
    return refined


def _labels(examples: Sequence[Example]) -> Ints:
    return np.array([LABEL[one.action] for one in examples], np.int32)


# --- the table ---


def _table(
    examples: Sequence[Example],
    book: LexiconBook,
    plan: Plan,
    chance: random.Random,
    start: tuple[Floats, Floats] | None = None,
) -> tuple[Floats, Floats]:
    numbers = OrderNumbers()
    texts = [(one.text, one.language if chance.random() < 0.7 else None, one.action) for one in examples]
    for _ in range(plan.slips):
        texts += [(slipped(one.text, chance), one.language, one.action) for one in examples if chance.random() < 0.5]
    seen = [pieces(text, language, book, numbers) for text, language, _ in texts]
    labels = np.array([LABEL[action] for _, _, action in texts], np.int32)
    table, bias = start or (np.zeros((ROWS, CLASSES), np.float32), np.zeros(CLASSES, np.float32))
    adam, generator = _Adam([table, bias]), np.random.default_rng(plan.seed)
    for epoch in range(plan.epochs):
        rate = plan.rate * (1 - epoch / plan.epochs)
        order = generator.permutation(len(seen))
        for first in range(0, len(order), plan.batch):
            chosen = order[first : first + plan.batch]
            _step(adam, table, bias, [seen[i] for i in chosen], labels[chosen], rate, plan, generator)
        log.info("fit.epoch", extra={"epoch": epoch + 1, "of": plan.epochs})
    return table, bias


def _step(
    adam: _Adam,
    table: Floats,
    bias: Floats,
    batch: Sequence[Pieces],
    labels: Ints,
    rate: float,
    plan: Plan,
    generator: np.random.Generator,
) -> None:
    parts = [_flat([one.written for one in batch]), _flat([one.meant for one in batch])]
    if plan.dropped:
        parts = [_thinned(rows, owners, plan.dropped, generator) for rows, owners in parts]
    weights = [_weights(owners, len(batch)) for _, owners in parts]
    scores = np.tile(bias, (len(batch), 1))
    for (rows, owners), weight in zip(parts, weights, strict=True):
        for column in range(CLASSES):
            scores[:, column] += np.bincount(owners, table[rows, column] * weight, len(batch))
    error = _softmax(scores)
    error -= plan.smoothing / CLASSES
    error[np.arange(len(batch)), labels] -= 1 - plan.smoothing
    error /= len(batch)
    gradient = np.zeros_like(table)
    for (rows, owners), weight in zip(parts, weights, strict=True):
        for column in range(CLASSES):
            gradient[:, column] += np.bincount(rows, error[owners, column] * weight, ROWS)
    adam.step([gradient, error.sum(0)], rate)


def _flat(rows: Sequence[Ints]) -> tuple[Ints, Ints]:
    return np.concatenate(rows), np.repeat(np.arange(len(rows), dtype=np.int32), [len(one) for one in rows])


def _thinned(rows: Ints, owners: Ints, share: float, generator: np.random.Generator) -> tuple[Ints, Ints]:
    kept = generator.random(len(rows)) >= share
    return rows[kept], owners[kept]


def _weights(owners: Ints, size: int) -> Floats:
    counts = np.maximum(np.bincount(owners, minlength=size), 1)
    weights: Floats = (1 / np.sqrt(counts))[owners].astype(np.float32)
    return weights


def _quantised(table: Floats, bias: Floats) -> Arrays:
    scale = np.maximum(np.abs(table).max(axis=0), 1e-6) / 127
    rounded = np.rint(table / scale).astype(np.int8)
    return {"table": rounded, "scale": scale.astype(np.float32), "bias": bias, "temperature": np.ones((), np.float32)}


def _scores(arrays: Arrays, examples: Sequence[Example], book: LexiconBook) -> Floats:
    model = Classifier(arrays | _blank_network(), book)
    return np.stack([model.scores(one.text, one.language) for one in examples])


def _blank_network() -> Arrays:
    return {
        "w1": np.zeros((CONTEXT_SIZE, 1), np.float32),
        "b1": np.zeros(1, np.float32),
        "w2": np.zeros((1, CLASSES), np.float32),
        "b2": np.zeros(CLASSES, np.float32),
        "context_temperature": np.ones((), np.float32),
    }


def _temperature(scores: Floats, labels: Ints) -> float:
    """Return what the scores are to be divided by, so that a probability is how often it is right."""
    losses = {
        float(heat): -np.log(_softmax(scores / heat)[np.arange(len(labels)), labels] + 1e-9).mean()
        for heat in np.geomspace(0.25, 4, 65)
    }
    return min(losses, key=lambda heat: losses[heat])


# --- the small network, for threads ---


def _network(
    arrays: Arrays,
    examples: Sequence[Example],
    book: LexiconBook,
    plan: Plan,
    chance: random.Random,
) -> Arrays:
    if not examples:
        return _blank_network()
    model = Classifier(arrays | _blank_network(), book)
    known, held = split(examples, 0.15, chance)
    seen = {id(one): model.context(one.text, one.history, one.language) for one in examples}
    trial = _trained([seen[id(one)] for one in known], _labels(known), plan)
    held_seen = np.stack([seen[id(one)] for one in held]) if held else np.zeros((0, CONTEXT_SIZE), np.float32)
    heat = _temperature(_through(trial, held_seen), _labels(held)) if held else 1.0
    final = _trained([seen[id(one)] for one in examples], _labels(examples), plan)
    named: Arrays = dict(zip(NETWORK, final, strict=True))
    return named | {"context_temperature": np.array(heat, np.float32)}


def _through(net: Sequence[Floats], seen: Floats) -> Floats:
    w1, b1, w2, b2 = net
    scores: Floats = np.maximum(seen @ w1 + b1, 0) @ w2 + b2
    return scores


def _trained(
    contexts: Sequence[Floats], labels: Ints, plan: Plan, epochs: int = 60, start: list[Floats] | None = None
) -> list[Floats]:
    generator, seen = np.random.default_rng(plan.seed), np.stack(contexts)
    shapes = ((CONTEXT_SIZE, plan.hidden), (plan.hidden,), (plan.hidden, CLASSES), (CLASSES,))
    fresh = [(generator.standard_normal(s) * (0.15 if len(s) > 1 else 0)).astype(np.float32) for s in shapes]
    net = start or fresh
    adam = _Adam(net)
    for epoch in range(epochs):
        order = generator.permutation(len(seen))
        for first in range(0, len(order), 64):
            chosen = order[first : first + 64]
            x = seen[chosen]
            hidden = np.maximum(x @ net[0] + net[1], 0)
            kept = (generator.random(hidden.shape) >= 0.2) / 0.8
            dropped = (hidden * kept).astype(np.float32)
            error = _softmax(dropped @ net[2] + net[3]) - plan.smoothing / CLASSES
            error[np.arange(len(chosen)), labels[chosen]] -= 1 - plan.smoothing
            error /= len(chosen)
            back = (error @ net[2].T) * kept * (hidden > 0)
            gradients = [x.T @ back + 1e-4 * net[0], back.sum(0), dropped.T @ error + 1e-4 * net[2], error.sum(0)]
            adam.step(gradients, 0.003 * (1 - epoch / epochs))
    return net


# --- arithmetic ---


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    likely: Floats = raised / raised.sum(axis=1, keepdims=True)
    return likely


class _Adam:
    """Adam (Kingma and Ba, 2015) on arrays that it changes in place."""

    def __init__(self, arrays: Sequence[Floats]) -> None:
        self._arrays = arrays
        self._means = [np.zeros_like(array) for array in arrays]
        self._squares = [np.zeros_like(array) for array in arrays]
        self._steps = 0

    def step(self, gradients: Sequence[Floats], rate: float) -> None:
        """Move each array against its gradient."""
        self._steps += 1
        for place, gradient in enumerate(gradients):
            self._move(place, gradient, rate)

    def _move(self, place: int, gradient: Floats, rate: float) -> None:
        mean, square = self._means[place], self._squares[place]
        mean += 0.1 * (gradient - mean)
        square += 0.001 * (gradient * gradient - square)
        fast, slow = 1 - 0.9**self._steps, 1 - 0.999**self._steps
        self._arrays[place][...] -= (rate / fast) * mean / (np.sqrt(square / slow) + 1e-8)
