"""The lock files hold all that pyproject.toml asks for, and nothing about where it comes from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
LOCKS = sorted(path.name for path in REQUIREMENTS.glob("*.txt"))
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)([^\\\n]*)\\\n((?:    --hash=sha256:[0-9a-f]{64}.*\n)+)", re.MULTILINE)  # fmt: skip  # noqa: E501


def pins(lock: str) -> dict[str, set[str]]:
    """Return the pinned versions by name; a package may have one for each kind of machine."""
    found: dict[str, set[str]] = {}
    for name, version, _marker, _hashes in PINNED.findall((REQUIREMENTS / lock).read_text()):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def project() -> dict[str, Any]:
    """Return pyproject.toml's [project]."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_is_pinned_and_hashed(lock: str) -> None:
    """Nothing is installed but what was looked at when the lock was made."""
    lines = (REQUIREMENTS / lock).read_text().splitlines()
    entries = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert len(entries) == sum(map(len, pins(lock).values()))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place(lock: str) -> None:
    """Where packages come from is the machine's business, so a lock holds no address and no option but hashes."""
    text = (REQUIREMENTS / lock).read_text()
    assert "://" not in text
    assert set(re.findall(r"--[a-z-]+", text)) == {"--hash"}


@pytest.mark.parametrize(("lock", "extras"), [("run.txt", ()), ("dev.txt", ("dev",))])
def test_a_lock_holds_what_the_project_asks_for(lock: str, extras: tuple[str, ...]) -> None:
    """A dependency that is added to pyproject.toml without `make lock` would be missing on every new machine."""
    locked, wanted = pins(lock), project()
    asked = [*wanted["dependencies"], *(line for extra in extras for line in wanted["optional-dependencies"][extra])]
    for requirement in map(Requirement, asked):
        versions = locked.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement.name} is not in {lock}: make lock"
        assert all(map(requirement.specifier.contains, versions)), f"{requirement} is {versions} in {lock}: make lock"


def test_tests_run_with_what_the_bot_runs_with() -> None:
    """The tests' lock has the same versions as the bot's."""
    run, dev = pins("run.txt"), pins("dev.txt")
    assert {name: dev.get(name) for name in run} == run
