"""How large a network is, how long it learns and how carefully."""

from __future__ import annotations

from dataclasses import dataclass

from training.embedded.network import Shape


@dataclass(frozen=True, slots=True)
class Plan:
    """The defaults are those of the shipped model.

    `reading` is how much the prompts' own tokens count beside the answers, and `read_share` how many of them are read.
    """

    merges: int = 7932
    width: int = 192
    feed_forward: int = 512
    layers: int = 2
    heads: int = 6
    epochs: int = 4
    tokens: int = 1536
    rate: float = 1e-3
    warm_up: int = 200
    decay: float = 0.05
    dropout: float = 0.1
    dropped: float = 0.15
    smoothing: float = 0.05
    reading: float = 0.3
    read_share: float = 0.1
    held_back: float = 0.04
    seed: int = 20261125

    def shape(self, tokens: int) -> Shape:
        """Return the network's shape for a vocabulary of so many tokens."""
        return Shape(tokens, self.width, self.feed_forward, self.layers, self.heads)
