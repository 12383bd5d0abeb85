"""Files of random weights in the exact shape of a known model, with its tokenizer: they say nothing, but as fast.

Neither speed nor memory depends on the weights' values, so what is measured with such a file holds for the real one,
without fetching it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO

from bot.inference import gguf_write
from bot.inference.catalogue import require_room
from bot.inference.gguf_check import BLOCKS, GgufHeader, tensor_bytes
from bot.inference.gguf_write import Tensor, Value
from bot.inference.qwen_vocabulary import merges, tokenizer
from bot.inference.requantise import F16, F32, QUANTS, Library, RequantiseError, checked, convert, draft_of

SEED = 20261125
MARK = "deskhand.shape"
"""The metadata key of such a file; its value says which shape, and by which version of this code."""

VERSION = 1
# llama.cpp quantises so many rows of each matrix, which takes a second, and chooses the types as for the whole one: it
# looks at names and at the rows' length. The rest is made of the same blocks in another order.
_ROWS = 32
_EMBEDDING_ROWS = 512
_PIECE = 1 << 16  # Blocks that are drawn at once: a few MB of memory.
FULL = "F16"
"""What a file is called whose matrices are not quantised."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a model of llama.cpp's architecture `qwen2`, its embedding serving as output as well.

    Args:
        merges: of its tokenizer; a vocabulary is 256 bytes, these, and three controls.
        rows: of the embedding, the unused ones behind the vocabulary included.
    """

    name: str
    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    context: int = 32_768
    merges: int = 151_387
    rows: int = 151_936

    @property
    def mark(self) -> str:
        """What a file of it says under MARK."""
        return f"{self.name}/{VERSION}"

    def metadata(self) -> dict[str, Value]:
        """Return what stands before the tokenizer."""
        return {
            "general.architecture": "qwen2",
            "general.name": f"{self.name}, random weights",
            MARK: self.mark,
            "qwen2.block_count": self.layers,
            "qwen2.context_length": self.context,
            "qwen2.embedding_length": self.width,
            "qwen2.feed_forward_length": self.feed_forward,
            "qwen2.attention.head_count": self.heads,
            "qwen2.attention.head_count_kv": self.kv_heads,
            "qwen2.rope.freq_base": 1e6,
            "qwen2.attention.layer_norm_rms_epsilon": 1e-6,
            "general.quantization_version": 2,
        }

    def tensors(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield the tensors' names and shapes, in the order of the file; a row's length comes first."""
        yield "token_embd.weight", (self.width, self.rows)
        for layer in range(self.layers):
            for name, shape in self._block().items():
                yield f"blk.{layer}.{name}", shape
        yield "output_norm.weight", (self.width,)

    def _block(self) -> Mapping[str, tuple[int, ...]]:
        width, keys = self.width, self.width // self.heads * self.kv_heads
        return {
            "attn_norm.weight": (width,),
            "attn_q.weight": (width, width),
            "attn_q.bias": (width,),
            "attn_k.weight": (width, keys),
            "attn_k.bias": (keys,),
            "attn_v.weight": (width, keys),
            "attn_v.bias": (keys,),
            "attn_output.weight": (width, width),
            "ffn_norm.weight": (width,),
            "ffn_gate.weight": (width, self.feed_forward),
            "ffn_up.weight": (width, self.feed_forward),
            "ffn_down.weight": (self.feed_forward, width),
        }


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("qwen2.5-0.5b", layers=24, width=896, feed_forward=4864, heads=14, kv_heads=2),
        Shape("qwen2.5-1.5b", layers=28, width=1536, feed_forward=8960, heads=12, kv_heads=2),
        Shape("tiny", layers=2, width=64, feed_forward=128, heads=2, kv_heads=1, merges=2_000, rows=2_304),
    )
}


class ShapeError(RequantiseError):
    """There is no such shape, or no such file of it can be made; the message says what helps."""


def shape(name: str) -> Shape:
    """Return the shape of this name.

    Raises:
        ShapeError: there is none; the message lists those that are.
    """
    try:
        return SHAPES[name.strip().lower()]
    except KeyError:
        raise ShapeError(f"No shape is called {name!r}. Known are: {', '.join(SHAPES)}.") from None


def default_folder() -> Path:
    """Return where such files are kept when no other place is named."""
    return Path.home() / ".cache" / "deskhand" / "shapes"


def file_of(wanted: Shape, quant: str, folder: Path) -> Path:
    """Return where `make` puts a file."""
    return folder / f"{wanted.name}-{quant}.gguf"


def make(library: Library, wanted: Shape, quant: str, folder: Path, threads: int) -> Path:
    """Return the file of a shape in `folder`, made unless it is there.

    Args:
        quant: one of QUANTS, or "F16".

    Raises:
        ShapeError: no such quantisation, or something else bears the file's name.
        RequantiseError: llama.cpp cannot do it.
        PullError: there is no room.
    """
    if quant not in (*QUANTS, FULL):
        raise ShapeError(f"No quantisation is called {quant!r}. Known are: {', '.join((*QUANTS, FULL))}.")
    folder.mkdir(parents=True, exist_ok=True)
    target = file_of(wanted, quant, folder)
    if target.exists():
        _hold_against(target, wanted)
        return target
    with tempfile.TemporaryDirectory(prefix=".shape-", dir=folder) as scratch:
        thin = Path(scratch) / "thin.gguf"
        _write_thin(wanted, thin)
        if quant != FULL:
            full, thin = thin, thin.with_name("quantised.gguf")
            convert(library, full, thin, quant, threads)
        _write(wanted, thin, target)
    return target


def _hold_against(file: Path, wanted: Shape) -> None:
    """Raise ShapeError unless the file is one that `make` would make."""
    if checked(file).metadata.get(MARK) != wanted.mark:
        raise ShapeError(
            f"{file} is not a file of the shape {wanted.name!r} that this version made. "
            "Remove it, or name another folder."
        )


def _write_thin(wanted: Shape, target: Path) -> None:
    """Write a file with a few rows of each matrix, in 16 bits, and no tokenizer to speak of."""
    import numpy as np  # It comes with llama_cpp, and a bot of rules alone never needs it.

    random = np.random.default_rng(SEED)

    def data(tensor: Tensor) -> Iterator[bytes]:
        if tensor.name.endswith("norm.weight"):
            yield np.ones(tensor.shape, np.float32).tobytes()
            return
        # Blocks twice as strong as the embedding, or it would only ever repeat the token before.
        strength = 1 if tensor.name.startswith("token_embd") else 2
        drawn = random.standard_normal(prod(tensor.shape), np.float32) * (strength / tensor.shape[0] ** 0.5)
        yield drawn.astype(np.float16 if tensor.type == F16 else np.float32).tobytes()

    tensors = []
    for name, (width, *rows) in wanted.tensors():
        # The file would not pass for sound with fewer rows in the embedding than there are bytes.
        few = [min(rows[0], _ROWS if name.startswith("blk.") else _EMBEDDING_ROWS)] if rows else []
        tensors.append(Tensor(name, (width, *few), F16 if rows else F32))
    with target.open("wb") as file:
        gguf_write.write(file, wanted.metadata() | tokenizer([], _EMBEDDING_ROWS), tensors, data)


def _write(wanted: Shape, thin: Path, target: Path) -> None:
    """Write the whole file: each matrix is made of the blocks of its few rows in `thin`, drawn at random."""
    header = checked(thin)
    tensors = [Tensor(name, shape, header.types[name]) for name, shape in wanted.tensors()]
    require_room(target.parent, sum(tensor.size for tensor in tensors))
    metadata = wanted.metadata() | tokenizer(merges(wanted.merges), wanted.rows)
    metadata["general.file_type"] = header.metadata.get("general.file_type", 1)
    with thin.open("rb") as source, draft_of(target) as draft, draft.open("wb") as file:
        gguf_write.write(file, metadata, tensors, _Shuffle(source, header).data)


class _Shuffle:
    """Draws a tensor's data from the blocks that a thin file has of it."""

    def __init__(self, thin: BinaryIO, header: GgufHeader) -> None:
        import numpy as np

        self._thin, self._header = thin, header
        self._np = np
        self._random = np.random.default_rng(SEED)

    def data(self, tensor: Tensor) -> Iterator[bytes]:
        """Yield the data of a whole tensor."""
        shape = self._header.tensors[tensor.name]
        self._thin.seek(self._header.starts[tensor.name])
        known = self._thin.read(tensor_bytes(tensor.name, tensor.type, shape))
        if shape == tensor.shape:
            yield known
            return
        blocks = self._np.frombuffer(known, self._np.uint8).reshape(-1, _unit(tensor.type))
        count = tensor.size // blocks.shape[1]
        for start in range(0, count, _PIECE):
            yield blocks[self._random.integers(len(blocks), size=min(_PIECE, count - start))].tobytes()


def _unit(kind: int) -> int:
    """Return the bytes that are drawn at once: a block, or 32 weights where a block has fewer."""
    weights, size = BLOCKS[kind]
    return max(1, 32 // weights) * size
