"""`python -m prove`: tries the README's claims, and prints a table of trials, failures, bounds and seeds.

python -m prove                        all of it, with the numbers that the project promises (many hours)
python -m prove --quick                the share that the tests take (two minutes)
python -m prove malicious=50000 killed=1000 --seed 7
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from bot.store.engines import sqlite_note
from prove import coverage_of, identical, injected, killed, machine, malicious, mutants, once
from prove.claims import Claim, table


class Trial(NamedTuple):
    """How a claim is tried, and how often: with --quick, and else."""

    run: Callable[[int, int], Claim]
    quick: int
    full: int


TRIALS: Mapping[str, Trial] = {
    # First, because it forks, and so wants a process without threads.
    "killed": Trial(killed.run, 200, 10_000),
    "malicious": Trial(lambda steps, seed: asyncio.run(malicious.run(steps, seed)), 5_000, 1_000_000),
    "identical": Trial(lambda steps, seed: asyncio.run(identical.run(steps, seed)), 1_000, 100_000),
    "once": Trial(lambda trials, seed: asyncio.run(once.run(trials, seed)), 20, 1_000),
    "injected": Trial(lambda trials, seed: asyncio.run(injected.run(trials, seed)), 90, 2_000),
    "machine": Trial(machine.run, 30, 5_000),
    "coverage": Trial(coverage_of.run, 0, 1),
    "mutants": Trial(mutants.run, 0, 10_000),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Try what is asked for; return 1 when a claim does not hold."""
    asked = _parser().parse_args(arguments)
    logging.disable(logging.CRITICAL)
    print(f"Python {platform.python_version()}, {sqlite_note()}, {os.cpu_count()} cores\n", flush=True)
    claims = []
    for name, trial in TRIALS.items():
        usual = trial.quick if asked.quick else trial.full
        count = asked.wanted.get(name, 0) if asked.wanted else usual
        if count:
            print(f"{name}: {count:,} …", file=sys.stderr, flush=True)
            claims.append(trial.run(count, asked.seed))
    print(table(claims))
    return int(any(claim.failures for claim in claims))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m prove", description="Tries the claims of README.md.")
    parser.add_argument("--quick", action="store_true", help="a small share of it")
    parser.add_argument("--seed", type=int, default=1, help="repeats what a table with this seed shows")
    parser.add_argument(
        "wanted", nargs="*", action=_Wanted, metavar="NAME=COUNT", help=f"only these: {', '.join(TRIALS)}"
    )
    return parser


class _Wanted(argparse.Action):
    """Reads `killed=1000`."""

    def __call__(
        self, parser: argparse.ArgumentParser, into: argparse.Namespace, values: object, _: object = None
    ) -> None:
        """Keep the numbers by name."""
        wanted = {}
        for value in values if isinstance(values, list) else []:
            name, _, count = value.partition("=")
            if name not in TRIALS or not count.isdecimal():
                parser.error(f"{value!r} is none of {', '.join(f'{one}=COUNT' for one in TRIALS)}")
            wanted[name] = int(count)
        setattr(into, self.dest, wanted)


if __name__ == "__main__":
    sys.exit(main())
