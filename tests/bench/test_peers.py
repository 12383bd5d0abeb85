"""The benchmark beside other systems: all are asked the same, and what was measured is kept and shown."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.chats import BEGIN, END, Case, Plan, Records, report
from benchmarks.peers.asking import compact, content, options, request
from benchmarks.peers.systems import SYSTEMS, TITLES
from benchmarks.plot import Scale
from bot.bench.workload import MESSAGE_CHARS, threads
from bot.inference.requantise import Library
from bot.inference.shapes import SHAPES, make
from tests.support import native

FIGURES = ("action_turns_per_s", "message_turns_per_s", "alone_s", "p50_s", "p95_s", "rss_mb")


@pytest.fixture(scope="session")
def library() -> Iterator[Library]:
    """llama.cpp, started."""
    yield from native.started()


@pytest.mark.parametrize("system", ["deskhand", "lock"])
def test_a_system_answers_the_workload(library: Library, tmp_path: Path, system: str) -> None:
    """In a process of its own, each answers on the same file, and its figures come out as JSON."""
    file = make(library, SHAPES["tiny"], "Q8_0", tmp_path, 1)
    command = [sys.executable, "-m", "benchmarks.peers", system, str(file), "1", "2", "1"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert all(found[name] > 0 for name in FIGURES)


def test_a_missing_server_says_how_it_is_built(tmp_path: Path) -> None:
    """Where nothing is built, the run ends with a sentence, not with a stack trace."""
    for part in ("bot", "benchmarks"):
        (tmp_path / part).symlink_to(Path.cwd() / part)
    command = [sys.executable, "-m", "benchmarks.peers", "llama-server", "none.gguf", "1", "1", "1"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert "python -m benchmarks.build_peers" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("says", [False, True])
def test_every_interface_is_asked_the_same(says: bool) -> None:
    """Messages are the turn's, the schema is the turn's, and nothing is left to chance."""
    turn = threads(1, 2, says=says)[0][-1]
    said = [(message.role, message.content) for message in turn.messages]
    for body in (request(turn), compact(turn), options(turn)):
        assert [(message["role"], message["content"]) for message in body["messages"]] == said
        assert body["temperature"] == 0
    assert request(turn)["response_format"]["json_schema"]["schema"] == options(turn)["response_format"]["schema"]
    assert content({"choices": [{"message": {"content": "{}"}}]}) == "{}"


@pytest.mark.parametrize("says", [False, True])
def test_the_grammar_without_whitespace_says_what_the_schema_says(library: Library, says: bool) -> None:
    """llama.cpp takes the grammar; it has the schema's fields in order, and all its choices."""
    turn = next(turn for turns in threads(8, 4, says=says) for turn in turns if turn.candidates)
    grammar = compact(turn)["grammar"]
    rules = dict(line.split(" ::= ", 1) for line in grammar.splitlines())
    order = [rules["root"].index(f'\\"{name}\\":') for name in turn.schema["properties"]]
    assert order == sorted(order)
    for name, rule in (("action", "action"), ("order_id", "order-id"), ("response_type", "response-type")):
        choices = [json.loads(json.loads(choice)) for choice in rules[rule].split(" | ")]
        assert choices == turn.schema["properties"][name]["enum"]
    assert (f"char{{0,{MESSAGE_CHARS}}}" in rules["message"]) is says
    sampler = library.api.llama_sampler_init_grammar
    with native.vocabulary(library, Path("bot/inference/models/embedded.gguf")) as vocabulary:
        made = sampler(vocabulary.address, grammar.encode(), b"root")
        assert made
        library.api.llama_sampler_free(made)


def figures(rate: float) -> dict[str, float]:
    """Figures of a system that answers at this rate."""
    return dict.fromkeys(FIGURES, 1 / rate) | {
        "action_turns_per_s": rate,
        "message_turns_per_s": rate / 2,
        "rss_mb": 500,
    }


def plan(rounds: int = 3) -> Plan:
    """Two systems, three numbers of chats."""
    return Plan(("deskhand", "lock"), Path("m.gguf"), 2, (1, 8, 16), 4, rounds)


def test_only_the_tables_chats_are_repeated() -> None:
    """Each case stands once; 8 chats in all rounds, the systems taking turns at being first; the others in one."""
    cases = list(plan().cases())
    assert len(cases) == len(set(cases)) == 2 * (3 + 2)
    firsts = [case.system for case in cases if case.chats == 8][::2]
    assert firsts == ["deskhand", "lock", "deskhand"]


def test_what_was_measured_is_not_measured_again(tmp_path: Path) -> None:
    """Measurements are kept line by line, under everything that they depend on; medians are per figure."""
    case = Case("lock", "m.gguf", 2, 8, 4, 0)
    records = Records(tmp_path / "new" / "chats.jsonl")
    for number, rate in enumerate((3.0, 1.0, 2.0)):
        records.add(plan().case("lock", 8, number), figures(rate))
    again = Records(tmp_path / "new" / "chats.jsonl")
    assert case in again
    assert Case("lock", "m.gguf", 1, 8, 4, 0) not in again
    assert plan().found(again, "lock", 8) == figures(2.0)
    assert plan().found(again, "deskhand", 8) is None


def test_the_page_and_its_plot_are_written(tmp_path: Path) -> None:
    """Tables and plot stand between the marks, what is around them stays, and a second report replaces the first."""
    page = tmp_path / "engine.md"
    page.write_text(f"Before.\n\n{BEGIN}\n\n{END}\n\nAfter.\n")
    records = Records(tmp_path / "chats.jsonl")
    for case in plan(1).cases():
        records.add(case, figures(4.0 if case.system == "deskhand" else 0.5))
    report(plan(1), records, page)
    once = page.read_text()
    report(plan(1), records, page)
    assert page.read_text() == once
    assert once.startswith("Before.")
    assert once.endswith("After.\n")
    assert f"| {TITLES['deskhand']} | 4.00/s | 2.00/s | 0.25 s | 0.25 s | 0.25 s | 500 MB |" in once
    assert "1 chats" in once
    assert "16 chats" in once
    picture = ElementTree.parse(page.with_suffix(".svg")).getroot()
    lines = [element for element in picture.iter() if element.tag.endswith("polyline")]
    assert len(lines) == 4
    assert all(len(str(line.get("points")).split()) == 3 for line in lines)


@pytest.mark.parametrize(
    ("numbers", "marks"),
    [([0.3, 4.1], [0.2, 0.5, 1, 2, 5]), ([1, 16], [1, 2, 5, 10, 20]), ([2, 2], [2])],
)
def test_an_axis_begins_and_ends_at_round_numbers(numbers: list[float], marks: list[float]) -> None:
    """Every number lies on the axis."""
    scale = Scale(numbers, 100)
    assert scale.marks == pytest.approx(marks)
    assert all(0 <= scale.at(number) <= 100 for number in numbers)


def test_every_system_has_a_title() -> None:
    """The tables name all that can be measured."""
    assert SYSTEMS.keys() == TITLES.keys()
