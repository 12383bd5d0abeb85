from __future__ import annotations

from pathlib import Path

import pytest

from bot.inference import gguf_check, standin
from tests.support.gguf_bytes import gguf


def test_it_is_small_sound_and_says_what_it_is(tmp_path: Path) -> None:
    """The file passes the structural check, is marked in two ways and stays under a megabyte."""
    path = standin.make(tmp_path / "deep" / "model.gguf")
    header = gguf_check.check(path)
    assert header.is_stand_in
    assert header.metadata["general.name"] == "Deskhand stand-in (random weights)"
    assert header.architecture == "qwen2"
    assert path.stat().st_size < 1_000_000


def test_it_is_the_same_everywhere(tmp_path: Path) -> None:
    """Two set-ups make the same bytes, so that what is seen on one machine is seen on another."""
    first, second = (standin.make(tmp_path / name) for name in ("a.gguf", "b.gguf"))
    assert first.read_bytes() == second.read_bytes()


def test_it_is_made_once(tmp_path: Path) -> None:
    """A second call leaves the file as it is, and no temporary file stays behind."""
    path = standin.make(tmp_path / "model.gguf")
    before = path.stat()
    assert standin.make(path) == path
    assert path.stat().st_ino == before.st_ino
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.gguf"]


def test_a_damaged_one_is_made_anew(tmp_path: Path) -> None:
    """What a broken disk or a person did to it is repaired."""
    path = standin.make(tmp_path / "model.gguf")
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    standin.make(path)
    assert path.read_bytes() == whole


def test_a_real_model_is_never_overwritten(tmp_path: Path) -> None:
    """A model that somebody put there stays."""
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf())
    with pytest.raises(FileExistsError, match="another model"):
        standin.make(path)
    assert path.read_bytes() == gguf()


def test_its_alphabet_holds_every_byte_once() -> None:
    """Any text can be spelled: 256 different letters, printable ASCII standing for itself."""
    alphabet = standin.byte_alphabet()
    assert len(set(alphabet)) == 256
    assert alphabet[ord("A")] == "A"
