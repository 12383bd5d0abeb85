"""What our own writer writes is read by others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader

from bot.inference.gguf_check import check
from bot.inference.gguf_write import Tensor, Value, write

METADATA: dict[str, Value] = {
    "general.architecture": "qwen2",
    "qwen2.block_count": 7,
    "some.fraction": 0.5,
    "some.switch": True,
    "some.numbers": [3, -1, 4],
    "tokenizer.ggml.tokens": ["Ġ", "鉴", ""],
}
MATRIX, VECTOR = Tensor("token_embd.weight", (5, 3), 0), Tensor("output_norm.weight", (3,), 1)
DATA = {MATRIX.name: np.arange(15, dtype="<f4"), VECTOR.name: np.arange(3, dtype="<f2")}


def pieces(tensor: Tensor) -> Iterator[bytes]:
    """Yield a tensor's data in pieces of seven bytes."""
    data = DATA[tensor.name].tobytes()
    yield from (data[at : at + 7] for at in range(0, len(data), 7))


def test_every_kind_of_value_and_the_data_come_back(tmp_path: Path) -> None:
    """The reader of llama.cpp's makers finds metadata, shapes and numbers as they were given, and ours as well."""
    path = tmp_path / "file.gguf"
    with path.open("wb") as file:
        write(file, METADATA, [MATRIX, VECTOR], pieces)
    reader = GGUFReader(path)
    assert {key: reader.fields[key].contents() for key in METADATA} == METADATA
    read = {tensor.name: tensor for tensor in reader.tensors}
    assert read[MATRIX.name].data.tolist() == DATA[MATRIX.name].reshape(3, 5).tolist()
    assert read[VECTOR.name].data.tolist() == DATA[VECTOR.name].tolist()
    header = check(path)
    assert header.tensors == {MATRIX.name: (5, 3), VECTOR.name: (3,)}
    for name, start in header.starts.items():
        assert path.read_bytes()[start:].startswith(DATA[name].tobytes())


@pytest.mark.parametrize("given", [b"", b"\0" * 61])
def test_data_of_another_length_is_an_error(tmp_path: Path, given: bytes) -> None:
    """Too little or too much for a tensor ends the writing, with its name."""
    with (tmp_path / "file.gguf").open("wb") as file, pytest.raises(ValueError, match=r"token_embd.*60"):
        write(file, METADATA, [MATRIX], lambda _: [given])
