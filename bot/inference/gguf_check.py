"""Look a GGUF file over before llama.cpp opens it: a model file is untrusted input, and its parser is written in C++.

    magic "GGUF" · version · tensor count · metadata count · metadata · tensor infos · padding · tensor data

Every count, length and offset is held against the size of the file, every per-token table against the vocabulary, so
that a truncated download, a web page saved as a model, or a file made to overrun a buffer ends here with a sentence.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from math import prod
from pathlib import Path

Scalar = str | int | float | bool

MAX_TENSORS = 65_536
MAX_METADATA = 65_536
MAX_STRING = 4 << 20
MAX_TENSOR_NAME = 63  # GGML_MAX_NAME is 64 with its closing NUL.
MAX_ALIGNMENT = 65_536
MAX_LAYERS = 1024
_HEADER = struct.Struct("<4sIQQ")


class BadGguf(ValueError):
    """The file is no sound GGUF; the message says what is wrong with it."""


class ValueType(IntEnum):
    """The types of metadata values, as GGUF numbers them."""

    UINT8 = 0
    INT8 = 1
    UINT16 = 2
    INT16 = 3
    UINT32 = 4
    INT32 = 5
    FLOAT32 = 6
    BOOL = 7
    STRING = 8
    ARRAY = 9
    UINT64 = 10
    INT64 = 11
    FLOAT64 = 12


FORMATS = {
    ValueType.UINT8: "<B",
    ValueType.INT8: "<b",
    ValueType.UINT16: "<H",
    ValueType.INT16: "<h",
    ValueType.UINT32: "<I",
    ValueType.INT32: "<i",
    ValueType.FLOAT32: "<f",
    ValueType.BOOL: "<?",
    ValueType.UINT64: "<Q",
    ValueType.INT64: "<q",
    ValueType.FLOAT64: "<d",
}

# Tensor type -> (weights in a block, bytes of a block). A type that is not here is newer than this table: its size is
# then unknown and only its offset is checked.
BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66),
    17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136),
    24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54),
    35: (256, 66), 39: (32, 17), 40: (64, 36), 41: (128, 18),
}  # fmt: skip
MAX_TENSOR_TYPE = 255


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What the file says of itself: scalar metadata, the (item type, length) of each array, and tensors by name.

    Of a tensor it is the shape, a row's length first, the type as GGUF numbers it, and where in the file it starts.
    """

    version: int
    metadata: Mapping[str, Scalar]
    arrays: Mapping[str, tuple[ValueType, int]]
    tensors: Mapping[str, tuple[int, ...]] = field(repr=False)
    types: Mapping[str, int] = field(repr=False)
    starts: Mapping[str, int] = field(repr=False)

    @property
    def architecture(self) -> str:
        """The name llama.cpp picks the graph by, such as "qwen2"."""
        return str(self.metadata.get("general.architecture", ""))


def check(path: Path) -> GgufHeader:
    """Check the structure of a GGUF file without loading it.

    Raises:
        BadGguf: it is missing, unreadable, truncated, of another kind, or contradicts itself.
    """
    try:
        if not path.is_file():
            raise BadGguf("it is a folder, not a file" if path.exists() else "there is no such file")
        if path.stat().st_size < _HEADER.size:
            raise BadGguf("it is too short to be a GGUF file; the download may have been cut off")
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(data).header()
    except (OSError, ValueError) as error:
        if isinstance(error, BadGguf):
            raise
        raise BadGguf(f"it cannot be read: {error}") from error


class _Reader:
    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._size = len(data)
        self._at = 0

    def header(self) -> GgufHeader:
        version, tensor_count, metadata_count = self._start()
        metadata: dict[str, Scalar] = {}
        arrays: dict[str, tuple[ValueType, int]] = {}
        for _ in range(metadata_count):
            key = self._string("a metadata key")
            if key in metadata or key in arrays:
                raise BadGguf(f"the key {key[:80]!r} stands in it twice")
            kind = self._type()
            if kind is ValueType.ARRAY:
                arrays[key] = self._array()
            else:
                metadata[key] = self._scalar(kind)
        header = GgufHeader(version, metadata, arrays, *self._tensors(tensor_count, _alignment(metadata)))
        _check_model(header)
        return header

    def _start(self) -> tuple[int, int, int]:
        magic, version, tensor_count, metadata_count = _HEADER.unpack(self._take(_HEADER.size))
        if magic != b"GGUF":
            raise BadGguf("it is not a GGUF file (its first four bytes are not 'GGUF')")
        if version not in (2, 3):
            raise BadGguf(f"its GGUF version {version} is not 2 or 3 (a big-endian file, or a newer format)")
        if not 0 < tensor_count <= MAX_TENSORS:
            raise BadGguf(f"it claims {tensor_count} tensors")
        if not 0 < metadata_count <= MAX_METADATA:
            raise BadGguf(f"it claims {metadata_count} metadata entries")
        return version, tensor_count, metadata_count

    def _tensors(self, count: int, alignment: int) -> tuple[dict[str, tuple[int, ...]], dict[str, int], dict[str, int]]:
        shapes: dict[str, tuple[int, ...]] = {}
        types: dict[str, int] = {}
        offsets: dict[str, int] = {}
        for _ in range(count):
            name = self._string("a tensor's name", MAX_TENSOR_NAME)
            if name in shapes:
                raise BadGguf(f"the tensor {name!r} stands in it twice")
            shapes[name] = self._shape(name)
            kind, offset = struct.unpack("<IQ", self._take(12))
            types[name], offsets[name] = kind, offset
            if offset % alignment:
                raise BadGguf(f"the tensor {name!r} begins at {offset}, which is not a multiple of {alignment}")
        data = -(-self._at // alignment) * alignment
        starts = {name: data + offset for name, offset in offsets.items()}
        for name, start in starts.items():
            if start + tensor_bytes(name, types[name], shapes[name]) > self._size:
                raise BadGguf(f"it is truncated: the tensor {name!r} ends behind the end of the file")
        return shapes, types, starts

    def _shape(self, name: str) -> tuple[int, ...]:
        (dimensions,) = struct.unpack("<I", self._take(4))
        if not 0 < dimensions <= 4:
            raise BadGguf(f"the tensor {name!r} has {dimensions} dimensions")
        shape: tuple[int, ...] = struct.unpack(f"<{dimensions}Q", self._take(8 * dimensions))
        if 0 in shape or prod(shape) >= 1 << 62:
            raise BadGguf(f"the tensor {name!r} has an impossible shape")
        return shape

    def _type(self) -> ValueType:
        (number,) = struct.unpack("<I", self._take(4))
        try:
            return ValueType(number)
        except ValueError:
            raise BadGguf(f"it holds a metadata value of the unknown type {number}") from None

    def _scalar(self, kind: ValueType) -> Scalar:
        if kind is ValueType.STRING:
            return self._string("a metadata value")
        form = FORMATS[kind]
        value: Scalar = struct.unpack(form, self._take(struct.calcsize(form)))[0]
        return value

    def _array(self) -> tuple[ValueType, int]:
        kind = self._type()
        (length,) = struct.unpack("<Q", self._take(8))
        if kind is ValueType.ARRAY:
            raise BadGguf("it holds an array of arrays")
        if kind is ValueType.STRING:
            self._skip_strings(length)
        else:
            self._skip(length * struct.calcsize(FORMATS[kind]))
        return kind, length

    def _skip_strings(self, count: int) -> None:
        # 150,000 tokens and as many merges: the loop is kept bare so that it takes a tenth of a second.
        if count > self._size // 8:
            raise BadGguf("it is truncated: an array is longer than the file")
        at, last, unpack = self._at, self._size - 8, struct.Struct("<Q").unpack_from
        for _ in range(count):
            if at > last:
                raise BadGguf("it is truncated in its metadata")
            (length,) = unpack(self._data, at)
            if length > MAX_STRING:
                raise BadGguf(f"it holds a string of {length} bytes")
            at += 8 + length
        self._skip(at - self._at)

    def _string(self, what: str, limit: int = MAX_STRING) -> str:
        (length,) = struct.unpack("<Q", self._take(8))
        if length > limit:
            raise BadGguf(f"{what} is {length} bytes long")
        return self._take(length).decode("utf-8", "replace")

    def _take(self, count: int) -> bytes:
        at = self._at
        self._skip(count)
        return self._data[at : self._at]

    def _skip(self, count: int) -> None:
        if count > self._size - self._at:
            raise BadGguf("it is truncated in its header")
        self._at += count


def _alignment(metadata: Mapping[str, Scalar]) -> int:
    value = metadata.get("general.alignment", 32)
    if not isinstance(value, int) or isinstance(value, bool) or not 8 <= value <= MAX_ALIGNMENT or value & (value - 1):
        raise BadGguf(f"its alignment {value!r} is not a power of two from 8 to {MAX_ALIGNMENT}")
    return value


def tensor_bytes(name: str, kind: int, shape: tuple[int, ...]) -> int:
    """Return the bytes of a tensor's data; 0 where its type is newer than the table of blocks.

    Raises:
        BadGguf: there is no such type, or its blocks do not fit into the rows.
    """
    if kind > MAX_TENSOR_TYPE:
        raise BadGguf(f"the tensor {name!r} has the unknown type {kind}")
    weights, size = BLOCKS.get(kind, (1, 0))
    if shape[0] % weights:
        raise BadGguf(f"the rows of the tensor {name!r} are no whole number of blocks")
    return prod(shape) // weights * size


def _check_model(header: GgufHeader) -> None:
    """Hold against each other what llama.cpp takes on trust: sizes it divides by, tables it indexes by token."""
    if not header.architecture:
        raise BadGguf("it names no architecture (general.architecture), so it is no model")
    for key, most in (("block_count", MAX_LAYERS), ("embedding_length", 1 << 20), ("context_length", 1 << 30)):
        value = header.metadata.get(f"{header.architecture}.{key}", 1)
        if not isinstance(value, int) or not 0 < value <= most:
            raise BadGguf(f"its {key} of {value!r} makes no sense")
    _check_vocabulary(header)


def _check_vocabulary(header: GgufHeader) -> None:
    kind, count = header.arrays.get("tokenizer.ggml.tokens", (ValueType.STRING, 0))
    if kind is not ValueType.STRING or count == 0:
        raise BadGguf("it has no vocabulary (tokenizer.ggml.tokens), so it is no language model")
    for table in ("scores", "token_type"):
        length = header.arrays.get(f"tokenizer.ggml.{table}", (kind, count))[1]
        if length != count:
            raise BadGguf(f"its table of {table} has {length} entries for {count} tokens")
    if header.tensors.get("token_embd.weight", (0, count))[-1] < count:
        raise BadGguf("its embedding has fewer rows than the vocabulary has tokens")
    for key, value in header.metadata.items():
        if key.startswith("tokenizer.ggml.") and key.endswith("_token_id"):
            _check_token_id(key, value, count)


def _check_token_id(key: str, value: Scalar, count: int) -> None:
    # 0xFFFFFFFF is how some writers say 'none'.
    if not isinstance(value, int) or not (0 <= value < count or value in (-1, 0xFFFFFFFF)):
        raise BadGguf(f"its {key} of {value!r} is outside the vocabulary")
