"""Two hands for each step: a batch is worked at in two parts, in a process each where there are cores for it.

What comes out is the same with one process and with two: each part has its own chance, and sums are taken in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from types import TracebackType

import numpy as np

from training.embedded.lessons import Batch
from training.embedded.loss import Loss
from training.embedded.network import Network, Shape, Weights, fresh
from training.embedded.plan import Plan

Places = Mapping[str, tuple[int, ...]]
"""The name and shape of each weight, in the order in which they lie in a memory."""

PARTS = 2
_DONE = None


class Crew:
    """Keeps a network's weights where every hand can read them, and finds their slopes. A context manager."""

    def __init__(self, plan: Plan, shape: Shape, deciding: Sequence[int], hands: int = PARTS) -> None:
        start = fresh(shape, np.random.default_rng(plan.seed))
        places = {name: array.shape for name, array in start.items()}
        size = sum(array.nbytes for array in start.values())
        self._memories = [SharedMemory(create=True, size=size) for _ in range(1 + PARTS)]
        self.weights, *self._slopes = (_views(places, memory) for memory in self._memories)
        for name, array in start.items():
            self.weights[name][...] = array
        self.network = Network(shape, self.weights)
        self._loss = Loss(plan, self.network, deciding)
        self._line, self._helper = None, None
        if hands > 1:
            self._line, other = get_context("spawn").Pipe()
            names = [memory.name for memory in self._memories]
            task = (other, plan, shape, tuple(deciding), names, places)
            self._helper = get_context("spawn").Process(target=_help, args=task, daemon=True)
            self._helper.start()

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._line is not None and self._helper is not None:
            self._line.send(_DONE)
            self._helper.join()
        # What was learnt outlives the crew.
        self.weights = {name: array.copy() for name, array in self.weights.items()}
        self.network = Network(self.network.shape, self.weights)
        self._slopes.clear()
        del self._loss
        for memory in self._memories:
            memory.close()
            memory.unlink()

    def slopes(self, lot: Batch, seed: Sequence[int]) -> tuple[Weights, float]:
        """Return what a batch says about each weight, and its answers' loss."""
        whole = len(lot.labels)
        parts = [Batch(lot.tokens[at::PARTS], lot.ends[at::PARTS], lot.labels[at::PARTS]) for at in range(PARTS)]
        if self._line is not None:
            self._line.send((parts[1], whole, seed))
        losses = [_part(self._loss, parts[0], whole, (*seed, 0), self.weights, self._slopes[0])]
        if self._line is not None:
            losses.append(self._line.recv())
        else:
            losses.append(_part(self._loss, parts[1], whole, (*seed, 1), self.weights, self._slopes[1]))
        first, second = self._slopes
        for name, array in first.items():
            np.add(array, second[name], out=array)
        return first, sum(losses)


def _part(loss: Loss, part: Batch, whole: int, seed: Sequence[int], weights: Weights, into: Weights) -> float:
    for array in into.values():
        array.fill(0)
    return loss.slopes(part, whole, np.random.default_rng(seed), weights, into) if len(part.labels) else 0.0


def _views(places: Places, memory: SharedMemory) -> Weights:
    """Return each weight's stretch of a memory, in its own shape."""
    flat, at, views = np.ndarray(memory.size // 4, np.float32, memory.buf), 0, {}
    for name, shape in places.items():
        count = int(np.prod(shape))
        views[name] = flat[at : at + count].reshape(shape)
        at += count
    return views


def _help(
    line: Connection, plan: Plan, shape: Shape, deciding: Sequence[int], names: Sequence[str], places: Places
) -> None:
    """Work at the second part of each batch, until told to stop."""
    memories = [SharedMemory(name=name) for name in names]
    weights, _, into = (_views(places, memory) for memory in memories)
    loss = Loss(plan, Network(shape, weights), deciding)
    while (task := line.recv()) is not _DONE:
        part, whole, seed = task
        line.send(_part(loss, part, whole, (*seed, 1), weights, into))
