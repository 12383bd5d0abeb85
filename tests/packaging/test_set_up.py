"""`requirements/set_up.py`, which `make demo` and `make test` call."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script() -> ModuleType:
    """The script as a module."""
    spec = spec_from_file_location("set_up", ROOT / "requirements" / "set_up.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_failed_set_up_says_why_and_is_not_taken_for_done(tmp_path: Path) -> None:
    """Without a package index the script names it, shows where to read on, and leaves no stamp behind."""
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    nowhere = {**os.environ, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    nowhere.pop("PIP_FIND_LINKS", None)
    command = [sys.executable, tmp_path / "requirements" / "set_up.py", "run"]
    failed = subprocess.run(command, env=nowhere, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "The package index has nothing" in failed.stderr
    assert f"{tmp_path}/.venv/set-up.log" in failed.stderr
    assert list((tmp_path / ".venv").glob(".*-ready")) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("  [12/83] /usr/bin/c++ -DGGML_BUILD -c ops.cpp", "llama.cpp: 12 of 83 files compiled (14 %)"),
        ("Collecting numpy==2.4.6 (from -r run.txt (line 936))", "collecting numpy"),
        ("  Downloading numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl (16.6 MB)",
         "downloading numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl (16.6 MB)"),
        ("Installing collected packages: tzdata, sniffio", "installing"),
        ("  -- Looking for pthread.h - found", ""),
    ],
)  # fmt: skip
def test_progress_is_told_in_few_words(script: ModuleType, line: str, said: str) -> None:
    """Of pip's many lines those count that tell someone who waits how far it is."""
    assert script.told(line) == said


def test_a_lock_that_changed_is_installed_again(script: ModuleType, tmp_path: Path) -> None:
    """What a stage was made from decides whether it is done; settings of the linter are not among it."""
    for name in ("build.txt", "run.txt", "dev.txt", "oscar.txt", "llama.cmake"):
        (tmp_path / name).write_text(name)
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\nname = "deskhand"\n[tool.ruff]\n')
    script.HERE = script.ROOT = tmp_path
    before = {what: script.digest(what) for what in ("run", "dev")}
    project.write_text('[project]\nname = "deskhand"\n[tool.ruff]\nline-length = 120\n')
    assert {what: script.digest(what) for what in ("run", "dev")} == before
    (tmp_path / "dev.txt").write_text("another pytest")
    assert script.digest("run") == before["run"]
    assert script.digest("dev") != before["dev"]
    (tmp_path / "run.txt").write_text("another aiohttp")
    assert script.digest("run") != before["run"]
