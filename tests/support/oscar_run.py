"""Runs `oscar_shop.py`, in a process whose path leads to django-oscar."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / ".venv" / "oscar"
MISSING = "needs django-oscar in .venv/oscar: make set-up-dev"
MAPPING = ROOT / "docs" / "orders-sql-oscar.toml"


def run_oscar(what: str, database: str, *numbers: str) -> Any:
    """Let the shop's own code do something with a database, and return what it says."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", Path(__file__).with_name("oscar_shop.py"), what, database, *numbers],
        env={**os.environ, "PYTHONPATH": str(PACKAGES)},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout) if done.stdout.strip() else None
