"""Claim: the tests go every way through policy, desk and ledger (branch coverage)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from prove.claims import Claim

ROOT = Path(__file__).parents[1]
CLAIM = "branch coverage of policy, desk and ledger by their own tests is 100 %"
MODULES = (
    "bot/domain/policy.py",
    "bot/domain/returns.py",
    "bot/domain/ledger.py",
    "bot/orders/desk.py",
    "bot/store/ledger.py",
    "bot/store/ledger_rows.py",
)
TESTS = (
    *(f"tests/domain/test_{name}.py" for name in ("policy", "returns", "ledger")),
    *(f"tests/orders/test_desk{part}.py" for part in ("", "_nonsense", "_reads", "_writes")),
    *(f"tests/store/test_{name}.py" for name in ("ledger", "threads", "buttons")),
)


def run(_: int, seed: int) -> Claim:
    """Run the tests of these modules under coverage; a trial is a branch or a statement."""
    claim, started = Claim(CLAIM, seed, chance=False), perf_counter()
    with tempfile.TemporaryDirectory() as place:
        data, report = f"--data-file={place}/data", Path(place) / "report.json"
        include = f"--include={','.join(MODULES)}"
        coverage = [sys.executable, "-m", "coverage"]
        tests = [
            *coverage,
            "run",
            "--branch",
            data,
            include,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            *TESTS,
        ]
        done = subprocess.run(tests, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            claim.fail(f"the tests fail: {done.stdout[-400:]}")
            return claim
        subprocess.run([*coverage, "json", data, "-q", "-o", str(report)], cwd=ROOT, check=True)
        _count(json.loads(report.read_text()), claim)
    claim.seconds = perf_counter() - started
    return claim


def _count(report: dict[str, dict[str, dict[str, object]]], claim: Claim) -> None:
    for name in MODULES:
        found = report["files"].get(name)
        if found is None:
            claim.fail(f"{name} was never imported")
            continue
        summary = found["summary"]
        assert isinstance(summary, dict)
        claim.trials += summary["num_statements"] + summary["num_branches"]
        claim.saw(name, summary["num_statements"] + summary["num_branches"])
        if summary["missing_lines"] or summary["missing_branches"]:
            claim.fail(f"{name}: lines {found['missing_lines']}, branches {found['missing_branches']}")
