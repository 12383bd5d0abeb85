"""Runs a command of Deskhand's as its user would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.process import clean_environ


def deskhand(folder: Path, *arguments: str | Path) -> tuple[int, str, str]:
    """Return its status, its output and its errors; whatever happens, it must not end in a stack trace."""
    ended = subprocess.run(
        [sys.executable, "-m", "bot", *map(str, arguments)],
        cwd=folder,
        env={**clean_environ(), "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert "Traceback" not in ended.stdout + ended.stderr, ended.stderr
    return ended.returncode, ended.stdout, ended.stderr
