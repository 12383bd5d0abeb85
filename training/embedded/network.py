"""The network, forwards and backwards: a decoder as llama.cpp computes the architecture `qwen2`.

    tokens ─▶ embedding ─▶ layers × (norm ─▶ attention ─▶ +) (norm ─▶ gated feed-forward ─▶ +) ─▶ norm ─▶ embedding'

Weights bear their GGUF names and lie as there, one row for each output. All heads share one key and one value
(multi-query attention), positions are rotated by halves (NEOX), and the last matrix is the embedding itself.
Shapes in comments: B texts of T tokens, D wide, H heads of width W.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Weights = dict[str, Floats]

EMBEDDING, LAST_NORM = "token_embd.weight", "output_norm.weight"
ROPE_BASE, EPSILON = 10_000.0, 1e-6
_HIDDEN = np.float32(-1e9)


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a network is."""

    tokens: int
    width: int = 192
    feed_forward: int = 512
    layers: int = 3
    heads: int = 3

    @property
    def head(self) -> int:
        """The width of one head."""
        return self.width // self.heads


def fresh(shape: Shape, generator: np.random.Generator) -> Weights:
    """Return the weights before any learning."""

    def matrix(rows: int, columns: int, scale: float = 1.0) -> Floats:
        spread = scale / np.sqrt(columns)
        return (generator.standard_normal((rows, columns)) * spread).astype(np.float32)

    width, quiet = shape.width, 1 / np.sqrt(2 * shape.layers)
    weights: Weights = {
        EMBEDDING: matrix(shape.tokens, width, 0.5),
        LAST_NORM: np.ones(width, np.float32),
    }
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        for name in ("attn_norm", "ffn_norm"):
            weights[f"{block}{name}.weight"] = np.ones(width, np.float32)
        for letter, rows in (("q", width), ("k", shape.head), ("v", shape.head)):
            weights[f"{block}attn_{letter}.weight"] = matrix(rows, width)
            weights[f"{block}attn_{letter}.bias"] = np.zeros(rows, np.float32)
        weights[f"{block}attn_output.weight"] = matrix(width, width, quiet)
        weights[f"{block}ffn_gate.weight"] = matrix(shape.feed_forward, width)
        weights[f"{block}ffn_up.weight"] = matrix(shape.feed_forward, width)
        weights[f"{block}ffn_down.weight"] = matrix(width, shape.feed_forward, quiet)
    return weights


class Network:
    """Computes with weights that somebody else keeps and changes."""

    def __init__(self, shape: Shape, weights: Mapping[str, Floats]) -> None:
        self.shape, self._weights = shape, weights
        half = shape.head // 2
        self._speeds = ROPE_BASE ** (-np.arange(half, dtype=np.float64) / half)

    def forward(self, tokens: Ints, dropout: float = 0.0, chance: np.random.Generator | None = None) -> Pass:
        """Read texts of equal length, (B, T), and return what is needed to go back."""
        length = tokens.shape[1]
        angles = np.outer(np.arange(length), self._speeds)
        rope = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        unseen = np.triu(np.full((length, length), _HIDDEN), 1)
        state = self._weights[EMBEDDING][tokens]
        run = Pass(tokens, rope, np.tile(unseen, (self.shape.heads, 1)))
        for layer in range(self.shape.layers):
            for half in (self._attend, self._feed):
                change, memory = half(f"blk.{layer}.", state, run)
                kept = None
                if dropout and chance is not None:
                    kept = (chance.random(change.shape, np.float32) >= dropout) / np.float32(1 - dropout)
                    change *= kept
                state = state + change
                run.memories.append((memory, kept))
        run.out, run.last = _norm(state, self._weights[LAST_NORM])
        return run

    def scores(self, states: Floats) -> Floats:
        """Return the logits over all tokens of some of a pass's outputs: (N, D) to (N, tokens)."""
        found: Floats = states @ self._weights[EMBEDDING].T
        return found

    def backward(self, run: Pass, error: Floats, gradients: Weights) -> None:
        """Add to `gradients` what an error of a pass's outputs, (B, T, D), says about each weight."""
        error, gain = _norm_back(error, run.last, self._weights[LAST_NORM])
        gradients[LAST_NORM] += gain
        for layer in reversed(range(self.shape.layers)):
            for half in (self._feed_back, self._attend_back):
                memory, kept = run.memories.pop()
                change = error if kept is None else error * kept
                error = error + half(f"blk.{layer}.", change, memory, run, gradients)
        flat = error.reshape(-1, self.shape.width)
        order = np.argsort(run.tokens, axis=None, kind="stable")
        rows, starts = np.unique(run.tokens.ravel()[order], return_index=True)
        gradients[EMBEDDING][rows] += np.add.reduceat(flat[order], starts, axis=0)

    # --- attention ---

    def _attend(self, block: str, state: Floats, run: Pass) -> tuple[Floats, Any]:
        weights, shape = self._weights, self.shape
        seen, norm = _norm(state, weights[f"{block}attn_norm.weight"])
        query, key, value = (
            seen @ weights[f"{block}attn_{letter}.weight"].T + weights[f"{block}attn_{letter}.bias"] for letter in "qkv"
        )
        query = _turned(self._by_head(query), run.rope)  # (B, H, T, W)
        key = _turned(key, run.rope)  # (B, T, W)
        asked = query.reshape(len(query), -1, shape.head)  # (B, H·T, W): one key serves all heads
        weight = asked @ key.swapaxes(1, 2)
        weight *= np.float32(shape.head**-0.5)
        weight += run.unseen
        weight -= weight.max(axis=-1, keepdims=True)
        np.exp(weight, out=weight)
        weight /= weight.sum(axis=-1, keepdims=True)
        told = self._by_token(weight @ value)
        change = told @ weights[f"{block}attn_output.weight"].T
        return change, (norm, seen, asked, key, value, weight, told)

    def _attend_back(self, block: str, error: Floats, memory: Any, run: Pass, gradients: Weights) -> Floats:
        weights, shape = self._weights, self.shape
        norm, seen, asked, key, value, weight, told = memory
        gradients[f"{block}attn_output.weight"] += _outer(error, told)
        back = self._by_head(error @ weights[f"{block}attn_output.weight"])
        back = back.reshape(len(back), -1, shape.head)
        to_value = weight.swapaxes(1, 2) @ back
        to_weight = back @ value.swapaxes(1, 2)
        to_weight -= (to_weight * weight).sum(axis=-1, keepdims=True)
        to_weight *= weight
        to_weight *= np.float32(shape.head**-0.5)
        to_key = _turned(to_weight.swapaxes(1, 2) @ asked, run.rope, back=True)
        to_query = (to_weight @ key).reshape(len(key), shape.heads, -1, shape.head)
        to_query = self._by_token(_turned(to_query, run.rope, back=True))
        to_seen = np.zeros_like(seen)
        for letter, part in (("q", to_query), ("k", to_key), ("v", to_value)):
            gradients[f"{block}attn_{letter}.weight"] += _outer(part, seen)
            gradients[f"{block}attn_{letter}.bias"] += part.sum(axis=(0, 1))
            to_seen += part @ weights[f"{block}attn_{letter}.weight"]
        to_state, gain = _norm_back(to_seen, norm, weights[f"{block}attn_norm.weight"])
        gradients[f"{block}attn_norm.weight"] += gain
        return to_state

    def _by_head(self, states: Floats) -> Floats:
        """(B, T, D) to (B, H, T, W)."""
        batch, length, _ = states.shape
        return np.ascontiguousarray(states.reshape(batch, length, self.shape.heads, -1).swapaxes(1, 2))

    def _by_token(self, states: Floats) -> Floats:
        """(B, H, T, W), or (B, H·T, W), to (B, T, D)."""
        by_head = states.reshape(len(states), self.shape.heads, -1, self.shape.head)
        return np.ascontiguousarray(by_head.swapaxes(1, 2)).reshape(len(states), -1, self.shape.width)

    # --- feed-forward ---

    def _feed(self, block: str, state: Floats, _run: Pass) -> tuple[Floats, Any]:
        weights = self._weights
        seen, norm = _norm(state, weights[f"{block}ffn_norm.weight"])
        gate, up = (seen @ weights[f"{block}ffn_{name}.weight"].T for name in ("gate", "up"))
        # In place, since these are the widest arrays: memory, not arithmetic, is what they cost.
        opened = np.negative(gate)
        np.exp(opened, out=opened)
        opened += 1
        np.reciprocal(opened, out=opened)
        gate *= opened
        slope = 1 - opened
        slope *= gate
        slope += opened
        inner = gate * up
        return inner @ weights[f"{block}ffn_down.weight"].T, (norm, seen, gate, up, slope, inner)

    def _feed_back(self, block: str, error: Floats, memory: Any, _run: Pass, gradients: Weights) -> Floats:
        weights = self._weights
        norm, seen, gate, up, slope, inner = memory
        gradients[f"{block}ffn_down.weight"] += _outer(error, inner)
        to_gate = error @ weights[f"{block}ffn_down.weight"]
        to_up = np.multiply(to_gate, gate, out=inner)
        to_gate *= up
        to_gate *= slope
        gradients[f"{block}ffn_gate.weight"] += _outer(to_gate, seen)
        gradients[f"{block}ffn_up.weight"] += _outer(to_up, seen)
        to_seen = to_gate @ weights[f"{block}ffn_gate.weight"] + to_up @ weights[f"{block}ffn_up.weight"]
        to_state, gain = _norm_back(to_seen, norm, weights[f"{block}ffn_norm.weight"])
        gradients[f"{block}ffn_norm.weight"] += gain
        return to_state


class Pass:
    """What one way through the network leaves behind: its outputs, and what the way back needs."""

    def __init__(self, tokens: Ints, rope: tuple[Floats, Floats], unseen: Floats) -> None:
        self.tokens, self.rope, self.unseen = tokens, rope, unseen
        self.memories: list[tuple[Any, Floats | None]] = []
        self.out: Floats
        self.last: tuple[Floats, Floats]


def _norm(state: Floats, weight: Floats) -> tuple[Floats, tuple[Floats, Floats]]:
    size = 1 / np.sqrt(np.einsum("...d,...d->...", state, state)[..., None] / state.shape[-1] + np.float32(EPSILON))
    plain = state * size
    return plain * weight, (plain, size)


def _norm_back(error: Floats, memory: tuple[Floats, Floats], weight: Floats) -> tuple[Floats, Floats]:
    plain, size = memory
    gain = np.einsum("btd,btd->d", error, plain)
    error = error * weight
    along = np.einsum("...d,...d->...", error, plain)[..., None] / error.shape[-1]
    return size * (error - plain * along), gain


def _turned(states: Floats, rope: tuple[Floats, Floats], *, back: bool = False) -> Floats:
    """Rotate the two halves of each state by its position's angles."""
    cosine, sine = rope
    first, second = np.split(states, 2, axis=-1)
    sine = -sine if back else sine
    return np.concatenate([first * cosine - second * sine, first * sine + second * cosine], axis=-1)


def _outer(error: Floats, seen: Floats) -> Floats:
    """Return the sum over all tokens of what each output owes to each input."""
    found: Floats = error.reshape(-1, error.shape[-1]).T @ seen.reshape(-1, seen.shape[-1])
    return found
