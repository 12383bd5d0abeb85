"""What is decided before llama.cpp's own programs are built; the build itself takes minutes, and .ci/run does it."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

import pytest

from benchmarks import build_peers


def test_the_source_is_held_against_the_lock_file() -> None:
    """The version that is installed has one hash on record; another version has none, rather than this one's."""
    found = build_peers.locked_hash(version("llama-cpp-python"))
    assert found is not None
    assert bytes.fromhex(found)
    assert build_peers.locked_hash("0.0.1") is None


def test_programs_of_another_version_are_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only all programs, of this very version, count as built."""
    monkeypatch.setattr(build_peers, "BIN", tmp_path)
    assert not build_peers.is_built("1.0")
    for name in build_peers.PROGRAMS:
        (tmp_path / name).touch(0o755)
    assert not build_peers.is_built("1.0")
    (tmp_path / "version").write_text("1.0")
    assert build_peers.is_built("1.0")
    assert not build_peers.is_built("1.1")
    (tmp_path / build_peers.PROGRAMS[0]).unlink()
    assert not build_peers.is_built("1.0")


def test_a_download_that_is_there_is_used_if_it_is_the_right_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that is whole is not fetched again; one that is not is thrown away before pip is asked."""
    monkeypatch.setattr(build_peers, "PEERS", tmp_path)
    archive = tmp_path / "source" / "llama_cpp_python-1.0.tar.gz"
    archive.parent.mkdir()
    archive.write_bytes(b"whole")
    monkeypatch.setattr(build_peers, "locked_hash", lambda wanted: hashlib.sha256(b"whole").hexdigest())
    assert build_peers.fetched("1.0") == archive
    archive.write_bytes(b"half")
    commands = []
    monkeypatch.setattr(build_peers, "run", lambda what, *command: commands.append((archive.exists(), *command)))
    build_peers.fetched("1.0")
    (command,) = commands
    assert command[0] is False
    assert "--no-binary" in command


def test_a_step_that_fails_says_what_to_do(capfd: pytest.CaptureFixture[str]) -> None:
    """What the tool said stands on the terminal, and the error names the step."""
    with pytest.raises(build_peers.BuildError, match=r"to try it ended with status 3; .* goes on from here"):
        build_peers.run("try it", "sh", "-c", "echo no such file; exit 3")
    assert capfd.readouterr().out == "no such file\n"
