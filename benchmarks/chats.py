"""`python -m benchmarks.chats`: Deskhand's engine beside what else answers chats with the same file.

Each system runs in a process of its own, one after another, on the same file, prompt, schema and threads; their order
changes with each round, so that whatever else the machine does falls on all of them. What was measured is kept in
build/peers/chats.jsonl: a run that is broken off goes on from there; delete the file to measure anew. At the end the
tables of docs/engine.md and its plot are written.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.servers import PEERS
from benchmarks.peers.systems import SYSTEMS, TITLES
from benchmarks.plot import Panel, svg
from bot.cli_parts import whole
from bot.inference.llama import library
from bot.inference.settings import default_threads
from bot.inference.shapes import default_folder, make, shape

RECORDS = PEERS / "chats.jsonl"
PAGE = Path(__file__).parents[1] / "docs" / "engine.md"
BEGIN, END = "<!-- measured -->", "<!-- end of measured -->"
CHATS = (1, 2, 4, 8, 16)
TABLE_CHATS = 8
"""Of so many chats the table tells, from the median of all rounds; the plot's other points are measured once."""

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Case:
    """One measurement; two with the same fields are repetitions of each other but for their round."""

    system: str
    file: str
    threads: int
    chats: int
    turns: int
    round: int

    @property
    def key(self) -> str:
        """Return the case as one word."""
        return f"{self.system}/{self.file}/{self.threads}/{self.chats}/{self.turns}/{self.round}"


class Records:
    """What was measured, kept in a file line by line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self._known: dict[str, Figures] = {entry["key"]: entry["figures"] for entry in map(json.loads, lines)}

    def __contains__(self, case: Case) -> bool:
        return case.key in self._known

    def add(self, case: Case, figures: Figures) -> None:
        """Keep a measurement."""
        self._known[case.key] = figures
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": case.key, "figures": figures}) + "\n")

    def median(self, cases: Sequence[Case]) -> Figures | None:
        """Return each figure's median over those of the cases that were measured; None without any."""
        found = [self._known[case.key] for case in cases if case in self]
        return {name: statistics.median(one[name] for one in found) for name in found[0]} if found else None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured."""

    systems: Sequence[str]
    file: Path
    threads: int
    chats: Sequence[int]
    turns: int
    rounds: int

    def case(self, system: str, chats: int, number: int) -> Case:
        """Return one case of it."""
        return Case(system, self.file.name, self.threads, chats, self.turns, number)

    def cases(self) -> Iterator[Case]:
        """Yield all cases, the systems in another order each round."""
        for number in range(self.rounds):
            shift = number % len(self.systems)
            for chats in self.chats:
                if number == 0 or chats == self.table_chats:
                    yield from (self.case(name, chats, number) for name in self.systems[shift:] + self.systems[:shift])

    @property
    def table_chats(self) -> int:
        """Return how many chats the table tells of."""
        return TABLE_CHATS if TABLE_CHATS in self.chats else max(self.chats)

    def found(self, records: Records, system: str, chats: int) -> Figures | None:
        """Return the medians of a system with so many chats."""
        return records.median([self.case(system, chats, number) for number in range(self.rounds)])


def measure(plan: Plan, records: Records) -> None:
    """Measure what is not known yet."""
    for case in plan.cases():
        if case in records:
            continue
        print(f"round {case.round + 1}, {case.chats} chats: {TITLES[case.system]}", file=sys.stderr, flush=True)
        arguments = (case.system, str(plan.file), str(case.threads), str(case.chats), str(case.turns))
        ended = subprocess.run(
            [sys.executable, "-m", "benchmarks.peers", *arguments], stdout=subprocess.PIPE, text=True, check=False
        )
        if ended.returncode == 0:
            records.add(case, json.loads(ended.stdout))


def table(plan: Plan, records: Records) -> list[str]:
    """Return the table of all systems, in Markdown."""
    lines = [
        "| | actions | with a message | p50 | p95 | a chat alone | memory |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for system in plan.systems:
        if found := plan.found(records, system, plan.table_chats):
            rates = f"{found['action_turns_per_s']:.2f}/s | {found['message_turns_per_s']:.2f}/s"
            waits = f"{found['p50_s']:.2f} s | {found['p95_s']:.2f} s | {found['alone_s']:.2f} s"
            lines.append(f"| {TITLES[system]} | {rates} | {waits} | {found['rss_mb']:,.0f} MB |")
    return lines


def by_chats(plan: Plan, records: Records) -> list[str]:
    """Return turns a second and p95 against the number of chats, in Markdown."""
    lines = [
        "| actions a second / p95 | " + " | ".join(f"{chats} chats" for chats in plan.chats) + " |",
        "| --- |" + " ---: |" * len(plan.chats),
    ]
    for system in plan.systems:
        cells = [
            f"{found['action_turns_per_s']:.2f} / {found['p95_s']:.2f} s" if found else ""
            for found in (plan.found(records, system, chats) for chats in plan.chats)
        ]
        lines.append(f"| {TITLES[system]} | {' | '.join(cells)} |")
    return lines


def plot(plan: Plan, records: Records) -> str:
    """Return the plot."""

    def lines(figure: str) -> dict[str, list[tuple[float, float]]]:
        points = {
            TITLES[system].replace("`", ""): [
                (float(chats), found[figure])
                for chats in plan.chats
                if (found := plan.found(records, system, chats)) and found[figure] > 0
            ]
            for system in plan.systems
        }
        return {name: line for name, line in points.items() if line}

    below = "chats that write at the same time"
    return svg(
        [
            Panel("action turns a second, all chats together", below, lines("action_turns_per_s")),
            Panel("p95 of an action turn, seconds", below, lines("p95_s")),
        ]
    )


def report(plan: Plan, records: Records, page: Path) -> None:
    """Print the tables, and write them and the plot into the page."""
    conditions = f"{plan.file.name}, threads: {plan.threads}, {plan.turns} turns a chat"
    first = f"{plan.table_chats} chats at once, medians of {plan.rounds} rounds ({conditions}):"
    text = "\n".join([first, "", *table(plan, records), "", *by_chats(plan, records)])
    print(text)
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    picture = page.with_suffix(".svg")
    text += f"\n\n![Turns a second and p95 against the number of chats]({picture.name})"
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
    picture.write_text(plot(plan, records), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and report; return 1 if a system could not be measured."""
    arguments = parser().parse_args(argv)
    folder = default_folder()
    if arguments.quick:
        arguments.shape, arguments.chats, arguments.turns, arguments.rounds = "tiny", [1, 2], 1, 1
    print("the model's file ...", file=sys.stderr, flush=True)
    file = make(library(), shape(arguments.shape), arguments.quant, folder, arguments.threads)
    plan = Plan(arguments.systems, file, arguments.threads, arguments.chats, arguments.turns, arguments.rounds)
    if not arguments.quick:
        records = Records(RECORDS)
        measure(plan, records)
        report(plan, records, PAGE)
    else:
        # Only whether everything runs is wanted: a page of its own, and nothing is kept.
        with tempfile.TemporaryDirectory() as scratch:
            records, page = Records(Path(scratch) / "chats.jsonl"), Path(scratch) / PAGE.name
            page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
            measure(plan, records)
            report(plan, records, page)
    return 0 if all(case in records for case in plan.cases()) else 1


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.chats", description=__doc__)
    options.add_argument("--quick", action="store_true", help="tiny numbers on a tiny model: does everything run?")
    options.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS), metavar="NAME")
    options.add_argument("--shape", default="qwen2.5-0.5b")
    options.add_argument("--quant", default="Q4_K_M")
    options.add_argument("--threads", type=whole(256), default=default_threads())
    options.add_argument("--chats", type=whole(64), nargs="+", default=list(CHATS))
    options.add_argument("--turns", type=whole(1000), default=4)
    options.add_argument("--rounds", type=whole(100), default=3)
    return options


if __name__ == "__main__":
    sys.exit(main())
