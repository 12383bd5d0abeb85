"""`deskhand eval`: it asks the tiers as a turn does, and says how well they did."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.cli import main
from bot.compose import lexicon_book
from bot.config import NO_TOKEN, Settings, load
from bot.conversation.understanding import APOLOGY, TimedTier, Understanding
from bot.domain.actions import ActionKind
from bot.domain.model import Query, Understood
from bot.domain.order_numbers import OrderNumbers
from bot.evaluate import Asking, Progress, asking, subjects
from bot.learning.cases import Case, read_cases
from bot.logs import QUIET, EventHandler
from bot.web.metrics import PrometheusMonitor

NUMBER = "ORD20241112001"
LINES: list[dict[str, Any]] = [
    {"id": "a", "lang": "en", "text": f"Cancel order {NUMBER}", "action": "cancel_order", "order_id": NUMBER},
    {"id": "b", "lang": "de", "text": "Wo ist meine Bestellung?", "action": "query_order", "order_id": None},
    {"lang": "en", "text": "the moon is a harsh mistress", "action": "unknown"},
    {
        "id": "d",
        "lang": "en",
        "history": [{"role": "user", "text": "I want to return an order"}, {"role": "assistant", "text": "Which one?"}],
        "text": NUMBER,
        "action": "return_apply",
        "order_id": NUMBER,
    },
]
UNREACHABLE = (
    '[[understanding.tiers]]\nkind = "remote"\nname = "far"\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "x"\n'
)


@pytest.fixture(autouse=True)
def _as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stand in an empty folder, and leave logging, warnings and hooks as they were found."""
    monkeypatch.chdir(tmp_path)
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    levels = {name: logging.getLogger(name).level for name in (None, *QUIET)}
    yield
    logging.captureWarnings(False)
    sys.excepthook, threading.excepthook = hooks
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    for handler in [handler for handler in root.handlers if isinstance(handler, EventHandler)]:
        root.removeHandler(handler)


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """Write the cases."""
    path = tmp_path / "cases.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return path


def settings(more: str = "") -> Settings:
    """Return the default settings, and more."""
    Path("more.toml").write_text(more)
    return load(Path("more.toml"), {}, defaults={"telegram": {"token": NO_TOKEN}})


def printed(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    """Run `deskhand eval --json` and return what it printed."""
    assert main(["eval", *map(str, arguments), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_rules(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rules are evaluated without any configuration, and the table says how they did."""
    assert main(["eval", str(cases), "--tier", "rules"]) == 0
    captured = capsys.readouterr()
    rows = {line.strip().rsplit("  ", 1)[0].strip(): line.rsplit("  ", 1)[1].strip() for line in _rows(captured.out)}
    assert (rows["cases"], rows["accuracy"], rows["wrong writes"]) == ("4", "100.0 %", "0.00 %")
    assert (rows["passed on"], rows["exact order numbers"], rows["de (1)"]) == ("25.0 %", "100.0 %", "100.0 %")
    assert "Confusion of rules" in captured.out
    assert captured.err == ""


def _rows(out: str) -> list[str]:
    return [line for line in out.partition("\n\n")[0].splitlines() if "  " in line.strip()]


def test_json(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json the same is one JSON object, and nothing else is printed."""
    found = printed(capsys, cases, "--tier", "rules")
    assert found["file"] == str(cases)
    rules = found["tiers"]["rules"]
    assert (rules["accuracy"], rules["macro_f1"], rules["write_recall"], rules["passed_on"]) == (1.0, 1.0, 1.0, 0.25)
    assert rules["recall"]["handoff"] is None
    assert rules["confusion"]["unknown"]["unknown"] == 1
    assert rules["answered_by"] == {"rules": 3, "apology": 1}
    assert rules["pass_reasons"] == {"rules: no_match": 1}
    assert rules["latency_ms"]["p95"] >= rules["latency_ms"]["p50"] > 0


def test_predictions(cases: Path, tmp_path: Path) -> None:
    """There is a line for every case, in order; one that was passed on is unknown, with confidence 0."""
    out = tmp_path / "out.jsonl"
    assert main(["eval", str(cases), "--tier", "rules", "--predictions", str(out)]) == 0
    made = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(one["id"], one["action"], one["order_id"], one["confidence"], one["tier"]) for one in made] == [
        ("a", "cancel_order", NUMBER, 0.85, "rules"),
        ("b", "query_order", None, 0.85, "rules"),
        (3, "unknown", None, 0.0, "apology"),
        ("d", "return_apply", NUMBER, 0.6, "rules"),
    ]
    assert all(one["latency_ms"] > 0 and len(one) == 6 for one in made)


def test_side_by_side(cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Several tiers stand side by side in one table, each with its own file of predictions."""
    Path("config.toml").write_text(UNREACHABLE)
    out = tmp_path / "out.jsonl"
    command = ["eval", str(cases), "--tier", "rules", "--tier", "far", "--tier", "cascade"]
    assert main([*command, "--predictions", str(out)]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[0].split() == ["rules", "far", "cascade"]
    accuracy = next(line for line in captured.out.splitlines() if line.startswith("accuracy"))
    assert accuracy.split() == ["accuracy", "100.0", "%", "25.0", "%", "25.0", "%"]
    assert "far" in captured.err, "it is said why that tier cannot answer"
    for name in ("rules", "far", "cascade"):
        assert len((tmp_path / f"out.{name}.jsonl").read_text().splitlines()) == 4
    assert not out.exists()


def test_bad_lines(cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad lines end it with status 1, all of them named, and nothing is evaluated or written."""
    with cases.open("a") as file:
        file.write('nothing\n{"text": "x", "action": "buy"}\n')
    out = tmp_path / "out.jsonl"
    assert main(["eval", str(cases), "--tier", "rules", "--predictions", str(out)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"{cases}:5: no JSON object" in captured.err
    assert f'{cases}:6: action "buy"' in captured.err
    assert not out.exists()


def test_an_unknown_tier(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A tier that cannot be built ends it with status 1, and what there is."""
    assert main(["eval", str(cases), "--tier", "rules", "--tier", "remote"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    said, _, there_are = captured.err.strip().partition("; there are: ")
    assert said == "deskhand: there is no tier 'remote'"
    assert {"cascade", "rules"} <= set(there_are.split(", "))


def test_the_cases_are_not_overwritten(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Predictions never take the place of the cases they are made from."""
    before = cases.read_bytes()
    assert main(["eval", str(cases), "--predictions", str(cases)]) == 1
    assert "would overwrite" in capsys.readouterr().err
    assert cases.read_bytes() == before


def test_a_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there is named."""
    assert main(["eval", str(tmp_path / "none.jsonl")]) == 1
    assert "none.jsonl" in capsys.readouterr().err


def test_which_tiers() -> None:
    """A tier is found by its name or its kind, once however often it is named; a kind of several is ambiguous."""
    found = settings(UNREACHABLE + UNREACHABLE.replace('"far"', '"farther"'))
    assert [len(one.tiers) for one in subjects(found, [])] == [2]
    assert [one.tiers[0].name for one in subjects(found, ["farther", "rules", "farther"])] == ["farther", "rules"]
    with pytest.raises(ValueError, match="several tiers are of kind remote; name one: far, farther"):
        subjects(found, ["remote"])


async def test_it_asks_as_a_turn_does(cases: Path) -> None:
    """What is asked holds the cleaned text, the language, the thread, its order numbers and the shop's facts."""
    found = settings('[shop]\nfacts = "We are open."\nlanguages = ["en", "de"]\n')
    async with asking(found, subjects(found, ["rules"])[0]) as asked:
        *_, last = read_cases(cases)
        query = asked.query(last)
        assert (query.text, query.candidates, query.facts) == (NUMBER, (NUMBER,), "We are open.")
        assert [said.text for said in query.history] == ["I want to return an order", "Which one?"]
        # The message's own language comes first, then the thread's, and only what the shop speaks.
        said = [("Wo ist meine Bestellung?", "en"), ("12345678", "de-AT"), ("12345678", "ru"), ("\u202eok\r\n", None)]
        asked_for = [asked.query(Case(1, text, language)) for text, language in said]
        assert [one.language for one in asked_for] == ["de", "de", "en", "en"]
        assert asked_for[-1].text == "ok"
        assert len(asked.query(Case(1, "word " * 10_000)).text) < 5_000


async def test_a_message_without_text() -> None:
    """As in a turn, no tier is asked about a message without any text."""
    found = settings()
    async with asking(found, subjects(found, ["rules"])[0]) as asked:
        made = await asked.predict(Case(1, " \n"))
    assert (made.action, made.tier, made.answered) == (ActionKind.UNKNOWN, "fixed", True)


class Broken:
    """A tier that fails as no tier should."""

    name = kind = "broken"

    async def understand(self, query: Query) -> Understood:
        """Fail."""
        raise RuntimeError(query.text)


async def test_a_tier_that_breaks() -> None:
    """A tier that breaks counts as one that passed on, and the reason is kept."""
    understanding = Understanding([TimedTier(Broken(), 1.0)], PrometheusMonitor())
    asked = Asking(settings(), lexicon_book(), OrderNumbers(), understanding)
    made = await asked.predict(Case(1, "hello"))
    assert (made.action, made.confidence, made.tier, made.answered) == (ActionKind.UNKNOWN, 0.0, APOLOGY, False)
    assert [one.reason for one in made.passed] == ["broken"]


def test_progress(capsys: pytest.CaptureFixture[str]) -> None:
    """A long evaluation says on stderr how far it has come, a hundred times at most; otherwise it is silent."""
    for shown in (False, True):
        progress = Progress(1000, shown=shown)
        for _ in range(1000):
            progress.step()
        captured = capsys.readouterr()
        assert (captured.out, captured.err.count("\r")) == ("", 100 if shown else 0)
    assert captured.err.endswith("1,000 of 1,000 asked\n")
