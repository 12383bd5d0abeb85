from __future__ import annotations

import contextlib
import random
import struct
from pathlib import Path

import pytest

from bot.inference.gguf_check import BadGguf, check
from tests.support import stand_in
from tests.support.gguf_bytes import EMBEDDING, F32, SOUND, gguf, text

NAMES_TOO_MANY = struct.pack("<IIQ", 9, 8, 1 << 40)
LONG_STRING = struct.pack("<IQ", 8, 1 << 60)


def refusal(tmp_path: Path, data: bytes) -> str:
    """Return why the bytes are refused."""
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    with pytest.raises(BadGguf) as caught:
        check(path)
    return str(caught.value)


def test_sound_file_tells_its_metadata(tmp_path: Path) -> None:
    """A sound file is accepted, and its scalars, arrays and shapes are read."""
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf({**SOUND, "deskhand.embedded": 1, "general.name": "小模型"}))
    header = check(path)
    assert header.architecture == "qwen2"
    assert header.metadata["deskhand.embedded"] == 1
    assert header.metadata["general.name"] == "小模型"
    assert header.arrays["tokenizer.ggml.tokens"][1] == 3
    assert header.tensors == {"token_embd.weight": (8, 3)}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "too short"),
        (b"<!doctype html><html><body>404: no such file</body></html>", "not a GGUF"),
        (gguf(magic=b"GGML"), "not a GGUF"),
        (gguf(version=1), "version 1"),
        (gguf(version=0x03000000), "big-endian"),
        (gguf(counts=(1 << 60, 5)), "tensors"),
        (gguf(counts=(1, 1 << 60)), "metadata entries"),
        (gguf(counts=(0, 5)), "0 tensors"),
        (gguf(counts=(9, 5)), ""),
        (gguf({**SOUND, "x": NAMES_TOO_MANY}), "truncated"),
        (gguf({**SOUND, "x": LONG_STRING}), "bytes long"),
        (gguf({**SOUND, "x": struct.pack("<I", 77)}), "unknown type 77"),
        (gguf({**SOUND, "x": struct.pack("<IIQ", 9, 9, 1)}), "array of arrays"),
        (gguf({**SOUND, "x": struct.pack("<IIQ", 9, 12, 1 << 62)}), "truncated"),
        (gguf({**SOUND, "x": struct.pack("<IIQQ", 9, 8, 1, 1 << 63)}), "string of"),
        (gguf({**SOUND, "general.alignment": 0}), "alignment 0"),
        (gguf({**SOUND, "general.alignment": 48}), "alignment 48"),
        (gguf({**SOUND, "general.alignment": "32"}), "alignment '32'"),
        (gguf({key: SOUND[key] for key in SOUND if key != "general.architecture"}), "architecture"),
        (gguf({**SOUND, "qwen2.block_count": 0}), "block_count of 0"),
        (gguf({**SOUND, "qwen2.embedding_length": -8}), "embedding_length of -8"),
        (gguf({**SOUND, "qwen2.block_count": "many"}), "block_count"),
        (gguf({key: SOUND[key] for key in SOUND if key != "tokenizer.ggml.tokens"}), "no vocabulary"),
        (gguf({**SOUND, "tokenizer.ggml.scores": [0.5]}), "1 entries for 3 tokens"),
        (gguf({**SOUND, "tokenizer.ggml.token_type": [1.0] * 9}), "9 entries for 3 tokens"),
        (gguf({**SOUND, "tokenizer.ggml.bos_token_id": 3}), "bos_token_id of 3"),
        (gguf(tensors=[EMBEDDING, EMBEDDING]), "twice"),
        (gguf(tensors=[("x" * 64, (8,), F32, 0)]), "64 bytes long"),
        (gguf(tensors=[("x", (), F32, 0)]), "0 dimensions"),
        (gguf(tensors=[("x", (1,) * 5, F32, 0)]), "5 dimensions"),
        (gguf(tensors=[("x", (0, 8), F32, 0)]), "impossible shape"),
        (gguf(tensors=[("x", (1 << 40, 1 << 40), F32, 0)]), "impossible shape"),
        (gguf(tensors=[("x", (8,), 4000, 0)]), "unknown type 4000"),
        (gguf(tensors=[("x", (33,), 8, 0)]), "whole number of blocks"),
        (gguf(tensors=[("x", (8,), F32, 7)]), "not a multiple"),
        (gguf(tensors=[("x", (8,), F32, 1 << 62)]), "ends behind the end"),
        (gguf(tensors=[("token_embd.weight", (8, 2), F32, 0)]), "fewer rows"),
        (gguf(data=95), "truncated"),
    ],
)
def test_unsound_file_is_refused_with_the_reason(tmp_path: Path, data: bytes, why: str) -> None:
    """Each way of being wrong is refused, in words that name it."""
    assert why in refusal(tmp_path, data)


def test_a_key_may_not_stand_twice(tmp_path: Path) -> None:
    """Two values of one key are refused: this check and llama.cpp could believe different ones."""
    twice = gguf().replace(struct.pack("<Q", 5), struct.pack("<Q", 6), 1)
    start = twice.index(text("general.architecture"))
    entry = text("general.architecture") + struct.pack("<I", 8) + text("qwen2")
    assert "twice" in refusal(tmp_path, twice[:start] + entry + twice[start:])


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    """A download cut off anywhere, in the header or one byte before the end, is never taken for a model."""
    whole = gguf()
    for length in range(len(whole)):
        assert refusal(tmp_path, whole[:length])


def test_truncated_model_is_refused(tmp_path: Path) -> None:
    """A real file that lacks its last byte is refused."""
    whole = stand_in.make(tmp_path / "whole.gguf").read_bytes()
    assert "truncated" in refusal(tmp_path, whole[:-1])


def test_missing_file_and_folder_are_told_apart(tmp_path: Path) -> None:
    """The reason says whether there is nothing or a folder."""
    with pytest.raises(BadGguf, match="no such file"):
        check(tmp_path / "none.gguf")
    with pytest.raises(BadGguf, match="folder"):
        check(tmp_path)


def test_flipped_bits_end_in_a_refusal_or_a_header(tmp_path: Path) -> None:
    """No damage to the header makes the check itself fail, hang or grow."""
    whole, path, dice = gguf(), tmp_path / "model.gguf", random.Random(7)
    for _ in range(2000):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 3)):
            data[dice.randrange(len(data) - 96)] ^= 1 << dice.randrange(8)
        path.write_bytes(data)
        with contextlib.suppress(BadGguf):
            assert check(path).architecture
