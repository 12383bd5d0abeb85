"""Writes GGUF files byte by byte, sound ones and such as no library would write."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

F32 = 0


def text(value: str | bytes) -> bytes:
    """A GGUF string."""
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<Q", len(data)) + data


def value(item: Any) -> bytes:
    """A typed metadata value; bytes are taken as they are."""
    if isinstance(item, bytes):
        return item
    if isinstance(item, bool):
        return struct.pack("<I?", 7, item)
    if isinstance(item, int):
        return struct.pack("<Ii" if item < 0 else "<II", 5 if item < 0 else 4, item)
    if isinstance(item, float):
        return struct.pack("<If", 6, item)
    if isinstance(item, str):
        return struct.pack("<I", 8) + text(item)
    if item and isinstance(item[0], str):
        return struct.pack("<IIQ", 9, 8, len(item)) + b"".join(text(entry) for entry in item)
    return struct.pack("<IIQ", 9, 6, len(item)) + struct.pack(f"<{len(item)}f", *item)


SOUND: Mapping[str, Any] = {
    "general.architecture": "qwen2",
    "qwen2.block_count": 1,
    "qwen2.embedding_length": 8,
    "tokenizer.ggml.tokens": ["a", "b", "c"],
    "tokenizer.ggml.eos_token_id": 2,
}
EMBEDDING = ("token_embd.weight", (8, 3), F32, 0)


def gguf(
    metadata: Mapping[str, Any] = SOUND,
    tensors: Sequence[tuple[str, tuple[int, ...], int, int]] = (EMBEDDING,),
    *,
    magic: bytes = b"GGUF",
    version: int = 3,
    counts: tuple[int, int] | None = None,
    data: int = 96,
    alignment: int = 32,
) -> bytes:
    """Return a file; `tensors` are (name, shape, type, offset), `data` the bytes of tensor data that follow."""
    head = magic + struct.pack("<IQQ", version, *(counts or (len(tensors), len(metadata))))
    for key, item in metadata.items():
        head += text(key) + value(item)
    for name, shape, kind, offset in tensors:
        head += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)
    return head + b"\0" * (-len(head) % alignment) + b"\0" * data
