"""What there is to learn from a batch: the answer above all, and a little of how people write."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.embedded.lessons import Batch
from training.embedded.network import EMBEDDING, Floats, Ints, Network, Weights
from training.embedded.plan import Plan

_REST_SHARE = 0.3


class Loss:
    """Finds how a network's weights should change.

    Args:
        deciding: the tokens by which the answers differ.
    """

    def __init__(self, plan: Plan, network: Network, deciding: Sequence[int]) -> None:
        self._plan, self._network, self._deciding = plan, network, np.array(deciding)

    def slopes(self, lot: Batch, whole: int, chance: np.random.Generator, weights: Weights, into: Weights) -> float:
        """Add to `into` what a part of a batch of `whole` rows says about each weight; return its answers' loss."""
        run = self._network.forward(lot.tokens, self._plan.dropout, chance)
        rows, places, shares = self._looked_at(lot, whole, chance)
        states, targets = run.out[rows, places], lot.tokens[rows, places + 1]
        error, loss = self._error(self._network.scores(states), len(lot.labels), targets, shares)
        into[EMBEDDING] += error.T @ states
        back = np.zeros_like(run.out)
        np.add.at(back, (rows, places), error @ weights[EMBEDDING])
        self._network.backward(run, back, into)
        return loss * len(lot.labels) / whole

    def _looked_at(self, lot: Batch, whole: int, chance: np.random.Generator) -> tuple[Ints, Ints, Floats]:
        """Return which outputs count (rows, places), and how much.

        First the places where the answers differ, one for each row; then some of the rest of the answers, and of the
        prompts.
        """
        count, length = lot.tokens.shape
        place, drawn = np.arange(length), chance.random((count, length))
        behind = (place > lot.ends[:, None]) & (place < length - 1) & (drawn < _REST_SHARE)
        before = (place < lot.ends[:, None]) & (drawn < self._plan.read_share)
        more_rows, more_places = np.nonzero(before | behind)
        rows, places = np.concatenate([np.arange(count), more_rows]), np.concatenate([lot.ends, more_places])
        read = self._plan.reading * count / max(1, len(more_rows))
        shares = np.concatenate([np.full(count, 1 / whole), np.full(len(more_rows), read / whole)])
        return rows, places, shares.astype(np.float32)

    def _error(self, scores: Floats, answers: int, targets: Ints, shares: Floats) -> tuple[Floats, float]:
        """Return how the loss grows with each score, and the mean loss of the answers, which come first."""
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        first = np.arange(answers)
        loss = -float(np.log(scores[first, targets[:answers]] + 1e-9).mean())
        scores[:answers, self._deciding] -= np.float32(self._plan.smoothing / len(self._deciding))
        scores[first, targets[:answers]] -= np.float32(1 - self._plan.smoothing)
        scores[np.arange(answers, len(targets)), targets[answers:]] -= 1
        scores *= shares[:, None]
        return scores, loss
