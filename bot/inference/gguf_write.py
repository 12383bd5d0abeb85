"""Write a GGUF file, tensor after tensor, so that the largest need not fit into memory.

`gguf_check` draws the layout, and reads it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from bot.inference.gguf_check import FORMATS, ValueType, tensor_bytes

Value = str | bool | int | float | Sequence[str] | Sequence[int]
"""A whole number is written as UINT32, a sequence of them as INT32; a fraction as FLOAT32."""

ALIGNMENT = 32


@dataclass(frozen=True, slots=True)
class Tensor:
    """What is said of a tensor before its data: a row's length comes first in `shape`, `type` is GGUF's number."""

    name: str
    shape: tuple[int, ...]
    type: int

    @property
    def size(self) -> int:
        """Return the bytes of its data."""
        return tensor_bytes(self.name, self.type, self.shape)


Data = Callable[[Tensor], Iterable[bytes]]
"""Yields a tensor's data, in pieces of any length."""


def write(file: BinaryIO, metadata: Mapping[str, Value], tensors: Sequence[Tensor], data: Data) -> None:
    """Write a whole file to `file`, which stands at its beginning.

    Raises:
        ValueError: `data` gives another number of bytes than a tensor has.
    """
    file.write(header(metadata, tensors))
    for tensor in tensors:
        written = 0
        for piece in data(tensor):
            file.write(piece)
            written += len(piece)
        if written != tensor.size:
            raise ValueError(f"{written} bytes were given for the tensor {tensor.name!r} of {tensor.size}")
        file.write(bytes(-written % ALIGNMENT))


def header(metadata: Mapping[str, Value], tensors: Sequence[Tensor]) -> bytes:
    """Return what stands before the tensors' data, with its padding."""
    parts = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(metadata))]
    parts += [_string(key) + _value(value) for key, value in metadata.items()]
    at = 0
    for tensor in tensors:
        shape = struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *tensor.shape)
        parts += [_string(tensor.name), shape, struct.pack("<IQ", tensor.type, at)]
        at += tensor.size + -tensor.size % ALIGNMENT
    whole = b"".join(parts)
    return whole + bytes(-len(whole) % ALIGNMENT)


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: Value) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", ValueType.STRING) + _string(value)
    if isinstance(value, Sequence):
        return struct.pack("<I", ValueType.ARRAY) + _array(value)
    kind = _kind(value)
    return struct.pack("<I", kind) + struct.pack(FORMATS[kind], value)


def _kind(value: float) -> ValueType:
    # A bool is an int as well, so it is asked for first.
    if isinstance(value, bool):
        return ValueType.BOOL
    return ValueType.UINT32 if isinstance(value, int) else ValueType.FLOAT32


def _array(items: Sequence[str] | Sequence[int]) -> bytes:
    if items and isinstance(items[0], str):
        strings = b"".join(_string(str(item)) for item in items)
        return struct.pack("<IQ", ValueType.STRING, len(items)) + strings
    return struct.pack(f"<IQ{len(items)}i", ValueType.INT32, len(items), *items)
