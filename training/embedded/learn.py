"""Teaches the network, epoch by epoch; what was learnt is laid down after each."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bot.domain.order_numbers import OrderNumbers
from bot.learning.examples import Example, split
from training.embedded.crew import PARTS, Crew
from training.embedded.lessons import Batch, Lesson, batch, batches, lessons, thinned
from training.embedded.network import Floats, Network, Weights
from training.embedded.plan import Plan
from training.embedded.tokens import Vocabulary

log = logging.getLogger(__name__)


class Lost(RuntimeError):
    """The loss is no number any more: the rate is too high."""


class Teacher:
    """Holds what training changes, so that it can be laid down after each epoch and taken up again."""

    def __init__(self, plan: Plan, vocabulary: Vocabulary, crew: Crew) -> None:
        self.plan, self.vocabulary, self.crew = plan, vocabulary, crew
        self.means = {name: np.zeros_like(array) for name, array in crew.weights.items()}
        self.squares = {name: np.zeros_like(array) for name, array in crew.weights.items()}
        self.epoch = self.steps = 0

    @property
    def network(self) -> Network:
        """The network as it is now."""
        return self.crew.network

    @property
    def weights(self) -> Weights:
        """The weights as they are now."""
        return self.crew.weights

    def epoch_of(self, known: Sequence[Lesson]) -> float:
        """Go once through the lessons; return the mean loss of the answers."""
        chance = random.Random(f"{self.plan.seed} {self.epoch}")
        lots = list(batches(known, self.vocabulary, self.plan.tokens, chance))
        losses = [self.step(lot, self.plan.epochs * len(lots)) for lot in lots]
        self.epoch += 1
        return float(np.mean(losses))

    def step(self, lot: Batch, total_steps: int) -> float:
        """Learn from one batch; return its answers' loss. Raises Lost."""
        gradients, loss = self.crew.slopes(lot, (self.plan.seed, self.steps))
        self._move(gradients, self._rate(total_steps))
        if not np.isfinite(loss):
            raise Lost("the loss is no number any more; a lower rate helps")
        return loss

    def _rate(self, total_steps: int) -> float:
        warm = min(1.0, (self.steps + 1) / self.plan.warm_up)
        done = min(1.0, self.steps / max(1, total_steps))
        return self.plan.rate * warm * (0.02 + 0.98 * (1 + np.cos(np.pi * done)) / 2)

    def _move(self, gradients: Weights, rate: float) -> None:
        """Adam with decoupled decay (Loshchilov and Hutter, 2019), the gradients' length held to 1."""
        self.steps += 1
        length = np.sqrt(sum(float(np.vdot(one, one)) for one in gradients.values()))
        shorter = np.float32(min(1.0, 1 / (length + 1e-6)))
        fast, slow = 1 - 0.9**self.steps, 1 - 0.99**self.steps
        for name, gradient in gradients.items():
            np.multiply(gradient, shorter, out=gradient)
            mean, square, weight = self.means[name], self.squares[name], self.weights[name]
            mean += np.float32(0.1) * (gradient - mean)
            np.multiply(gradient, gradient, out=gradient)
            square += np.float32(0.01) * (gradient - square)
            if weight.ndim > 1:
                weight *= np.float32(1 - rate * self.plan.decay)
            weight -= np.float32(rate / fast) * mean / (np.sqrt(square / np.float32(slow)) + np.float32(1e-8))

    # --- laid down and taken up ---

    def save(self, path: Path, subject: str) -> None:
        """Lay everything down in a file, whole or not at all."""
        arrays = {f"{kind} {name}": array for kind, part in self._parts() for name, array in part.items()}
        state = {"subject": subject, "epoch": self.epoch, "steps": self.steps}
        draft = path.with_suffix(".part")
        with draft.open("wb") as file:
            np.savez(file, **arrays, state=np.frombuffer(json.dumps(state).encode(), np.uint8))  # type: ignore[arg-type]
        draft.replace(path)

    def load(self, path: Path, subject: str) -> bool:
        """Take up what was laid down about the same subject; False where there is nothing of the kind."""
        if not path.exists():
            return False
        with np.load(path) as arrays:
            state = json.loads(arrays["state"].tobytes())
            if state["subject"] != subject:
                return False
            for kind, part in self._parts():
                for name, array in part.items():
                    array[...] = arrays[f"{kind} {name}"]
        self.epoch, self.steps = state["epoch"], state["steps"]
        return True

    def _parts(self) -> tuple[tuple[str, Weights], ...]:
        return ("weight", self.weights), ("mean", self.means), ("square", self.squares)


def subject_of(plan: Plan, examples: Sequence[Example]) -> str:
    """Return a name for what is learnt, that changes with the plan and with every phrase."""
    told = json.dumps([asdict(plan), [(one.text, one.action) for one in examples]], ensure_ascii=False)
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()


def learn(
    examples: Sequence[Example], vocabulary: Vocabulary, plan: Plan, checkpoint: Path | None = None, hands: int = PARTS
) -> tuple[Teacher, float]:
    """Train a network; return it, and the temperature found on examples that it did not see.

    Args:
        checkpoint: where to lay down the state after each epoch; training goes on from there if it was broken off.
        hands: processes; the outcome does not hang on it.
    """
    numbers, subject = OrderNumbers(), subject_of(plan, examples)
    known, held = split(examples, plan.held_back, random.Random(plan.seed))
    seen_held = lessons(held, vocabulary, numbers)
    with Crew(plan, plan.shape(vocabulary.size), vocabulary.deciding, hands) as crew:
        teacher = Teacher(plan, vocabulary, crew)
        if checkpoint is not None and teacher.load(checkpoint, subject):
            log.info("going on after epoch %d of %d", teacher.epoch, plan.epochs)
        while teacher.epoch < plan.epochs:
            began, chance = time.perf_counter(), random.Random(f"{plan.seed} slips {teacher.epoch}")
            read = thinned(lessons(known, vocabulary, numbers, chance), plan.dropped, vocabulary, chance)
            loss = teacher.epoch_of(read)
            told = teacher.epoch, plan.epochs, loss, accuracy(teacher, seen_held), (time.perf_counter() - began) / 60
            log.info("epoch %d of %d: loss %.3f, held back %.3f right, %.1f min", *told)
            if checkpoint is not None:
                teacher.save(checkpoint, subject)
    return teacher, temperature(teacher, seen_held)


def logits(teacher: Teacher, asked: Sequence[Lesson]) -> Floats:
    """Return the logits of the five answers: float32 (lessons, 5), in the lessons' order."""
    found = np.zeros((len(asked), len(teacher.vocabulary.deciding)), np.float32)
    order = sorted(range(len(asked)), key=lambda at: len(asked[at].prompt))
    for first in range(0, len(order), 64):
        places = order[first : first + 64]
        lot = batch([asked[at] for at in places], teacher.vocabulary)
        states = teacher.network.forward(lot.tokens).out[np.arange(len(places)), lot.ends]
        found[places] = teacher.network.scores(states)[:, teacher.vocabulary.deciding]
    return found


def accuracy(teacher: Teacher, asked: Sequence[Lesson]) -> float:
    """Return how many of the lessons the network answers rightly."""
    if not asked:
        return 0.0
    return float((logits(teacher, asked).argmax(1) == [one.label for one in asked]).mean())


def temperature(teacher: Teacher, asked: Sequence[Lesson]) -> float:
    """Return what the logits are to be divided by, so that a probability is how often it is right."""
    if not asked:
        return 1.0
    scores, labels = logits(teacher, asked), np.array([one.label for one in asked])
    heats = np.geomspace(0.5, 4, 43)

    def loss(heat: float) -> float:
        cooled = scores / np.float32(heat)
        cooled -= cooled.max(axis=1, keepdims=True)
        return float((np.log(np.exp(cooled).sum(axis=1)) - cooled[np.arange(len(labels)), labels]).mean())

    return float(min(heats, key=loss))
