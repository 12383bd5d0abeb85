"""From phrases to rows of tokens: what the model reads, where it answers, and what is right there."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bot.domain.order_numbers import OrderNumbers
from bot.domain.ports import ChatMessage
from bot.inference.embedded import asked
from bot.learning.examples import Example, slipped
from bot.learning.fit import LABEL
from training.embedded.network import Ints
from training.embedded.tokens import Vocabulary

LONGEST = 160


@dataclass(frozen=True, slots=True)
class Lesson:
    """A conversation up to its answer, and which of ANSWERS is right."""

    prompt: tuple[int, ...]
    label: int


def conversation(example: Example, numbers: OrderNumbers) -> list[ChatMessage]:
    """Return an example as the model is asked about it."""
    return asked(example.text, example.history, numbers)


def lesson(example: Example, vocabulary: Vocabulary, numbers: OrderNumbers) -> Lesson:
    """Return an example as tokens; of a very long one the end."""
    prompt = vocabulary.prompt(conversation(example, numbers))
    return Lesson(tuple(prompt[-LONGEST:]), LABEL[example.action])


def lessons(
    examples: Sequence[Example], vocabulary: Vocabulary, numbers: OrderNumbers, chance: random.Random | None = None
) -> list[Lesson]:
    """Return all examples as lessons; with `chance`, half of them as somebody else might type them."""
    typed = (
        replace(one, text=slipped(one.text, chance)) if chance is not None and chance.random() < 0.5 else one
        for one in examples
    )
    return [lesson(one, vocabulary, numbers) for one in typed]


def thinned(known: Sequence[Lesson], share: float, vocabulary: Vocabulary, chance: random.Random) -> list[Lesson]:
    """Return the lessons with a share of their tokens left out, so that none leans on a single one."""
    kept = vocabulary.controls
    return [
        replace(one, prompt=tuple(token for token in one.prompt if token in kept or chance.random() >= share))
        for one in known
    ]


@dataclass(frozen=True, slots=True)
class Batch:
    """Lessons of about one length: tokens (B, T), padded at the end, and for each where it answers, and what is right.

    The answer is written behind the prompt: `ends` is the place of the last token before the first on which answers
    differ; what stands behind is there so that the model learns to finish it.
    """

    tokens: Ints
    ends: Ints
    labels: Ints


def batches(known: Sequence[Lesson], vocabulary: Vocabulary, tokens: int, chance: random.Random) -> Iterator[Batch]:
    """Yield all lessons, in batches of about `tokens` tokens, in a random order."""
    # A little noise, so that it is not always the same ones that share a batch.
    order = sorted(range(len(known)), key=lambda at: len(known[at].prompt) + chance.random() * 4)
    groups: list[list[int]] = [[]]
    for at in order:
        longest = len(known[at].prompt) + vocabulary.answer_tokens
        if groups[-1] and (len(groups[-1]) + 1) * longest > tokens:
            groups.append([])
        groups[-1].append(at)
    chance.shuffle(groups)
    for group in groups:
        yield batch([known[at] for at in group], vocabulary)


def batch(group: Sequence[Lesson], vocabulary: Vocabulary) -> Batch:
    """Return lessons as one batch."""
    rows = [[*one.prompt, *vocabulary.answers[one.label]] for one in group]
    width = max(map(len, rows))
    tokens = np.full((len(rows), width), vocabulary.end, np.int64)
    for at, row in enumerate(rows):
        tokens[at, : len(row)] = row
    ends = np.array([len(one.prompt) + vocabulary.forced - 1 for one in group], np.int64)
    return Batch(tokens, ends, np.array([one.label for one in group], np.int64))
