"""`deskhand eval --from-threads`: the shop's own chats become a file that `deskhand eval` reads."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.cli import main
from bot.domain.actions import Action, ActionKind
from bot.domain.model import Author, Trace
from bot.learning.cases import read_cases
from bot.store.transcripts import read_transcripts
from tests.support.scopes import scope_of
from tests.support.store import SetClock, Stores, stores, text
from tests.support.store_fixtures import migrated, path, url

__all__ = ["migrated", "path", "url"]

NUMBER = "ORD20241112001"
CANCEL = Trace("embedded", Action(ActionKind.CANCEL_ORDER, NUMBER))


async def say(store: Stores, words: str, answer: str = "", trace: Trace = CANCEL, address: str = "990077") -> None:
    """Let a customer say something a minute later."""
    store.clock.move(minutes=1)
    thread = (await store.threads.open(text(address, words, name="Ana García"))).thread
    said = [(Author.CUSTOMER, words), *([(Author.BOT, answer)] if answer else [])]
    scope = scope_of("c-77", "Ana María")
    await store.end(replace(thread, language="en", scope=scope), said=tuple(said), trace=trace)


def hours_ago(hours: float) -> SetClock:
    """Return a clock that stands still in the recent past."""
    clock = SetClock(datetime.now(UTC))
    clock.move(hours=-hours)
    return clock


def command(url: str, monkeypatch: pytest.MonkeyPatch, *more: str) -> int:
    """Run the command on a database."""
    monkeypatch.setenv("DESKHAND_DATABASE__URL", url)
    return main(["eval", "--from-threads", *more])


def lines(out: Path) -> Sequence[dict[str, Any]]:
    """Return what was written."""
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(autouse=True)
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder, and return a file in it that is not there yet."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here" / "cases.jsonl"


async def chat(url: str) -> None:
    """Keep a chat of two customers."""
    async with stores(url, hours_ago(5)) as store:
        await say(store, "/start", "Hello Ana!", Trace())
        await say(store, f"I am Ana, ana@x.com. Please cancel order {NUMBER}", f"Ana, cancel {NUMBER}?")
        await say(store, "yes", "Done.", Trace("dialogue", CANCEL.action))
        await say(store, "[Cancel it]", "Done.", Trace("button", CANCEL.action))
        await say(store, "[photo] my shoes", "Nice.", Trace("fixed"))
        await say(store, "Where is it?", trace=Trace("rules", Action(ActionKind.QUERY_ORDER, "ORD20240000009")))
        await say(store, "asdf", trace=Trace("apology", Action(ActionKind.UNKNOWN)))
        await say(store, f"{NUMBER} is not mine", address="5", trace=Trace())


def test_a_file_for_eval(
    path: Path, url: str, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It holds what customers typed, with what came before and the bot's guess, and `deskhand eval` reads it."""
    asyncio.run(chat(url))
    assert command(url, monkeypatch, str(out)) == 0
    said = capsys.readouterr().out
    assert "5 customer messages" in said
    assert "2 of them" in said
    assert "GUESSES" in said
    found = lines(out)
    assert [(one["id"], one["action"], one["tier"]) for one in found] == [
        (1, "cancel_order", "embedded"),
        (2, None, "dialogue"),
        (3, "query_order", "rules"),
        (4, None, "apology"),
        (5, None, None),
    ]
    first, number = found[0], found[0]["order_id"]
    assert number.startswith("ORD")
    assert number != NUMBER
    assert first["text"] == f"I am Name1, person1@example.com. Please cancel order {number}"
    assert first["history"] == [{"role": "user", "text": "/start"}, {"role": "assistant", "text": "Hello Name1!"}]
    assert found[1]["history"][-1] == {"role": "assistant", "text": f"Name1, cancel {number}?"}
    assert found[2]["order_id"] is None, "the conversation does not show that number"
    assert found[4]["text"] == f"{number} is not mine"
    whole = out.read_text(encoding="utf-8")
    assert not [secret for secret in ("Ana", "ana", "990077", "c-77", NUMBER[3:]) if secret in whole]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [case.action for case in read_cases(out)][:2] == [ActionKind.CANCEL_ORDER, None]


def test_days_and_limit(url: str, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the last days count, only the newest messages are taken, and twelve messages before each."""

    async def talk() -> None:
        async with stores(url, hours_ago(24 * 3)) as store:
            for number in range(10):
                await say(store, f"old {'x' * number}", "Yes?")
            store.clock.move(days=2)
            for number in range(3):
                await say(store, f"new {'x' * number}", "Yes?")

    asyncio.run(talk())
    assert command(url, monkeypatch, str(out), "--days", "2", "--limit", "2") == 0
    assert [one["text"] for one in lines(out)] == ["new x", "new xx"]
    assert {len(one["history"]) for one in lines(out)} == {12}
    assert lines(out)[0]["history"][-2:] == [{"role": "user", "text": "new "}, {"role": "assistant", "text": "Yes?"}]


async def test_turns_that_cannot_be_told_apart(url: str) -> None:
    """Two turns of one moment give no guess at all, rather than the other one's."""
    async with stores(url) as store:
        thread = await store.thread()
        for words in ("one", "two"):
            await store.end(thread, said=((Author.CUSTOMER, words),), trace=CANCEL)
        since = store.clock.now()
        found = read_transcripts(url, since, 10, 12)
    assert [(one.message.text, one.action, one.tier) for one in found] == [("one", None, None), ("two", None, None)]


def test_refusals(
    path: Path, url: str, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An existing file, an empty database and a missing one are named, and nothing is written or made."""
    assert command(url, monkeypatch, str(out)) == 1
    assert "no customer wrote" in capsys.readouterr().err
    assert not out.exists()
    out.write_text("mine")
    assert command(url, monkeypatch, str(out)) == 1
    assert "exists already" in capsys.readouterr().err
    assert out.read_text() == "mine"
    missing = path.with_name("missing.db")
    assert command(f"sqlite+aiosqlite:///{missing}", monkeypatch, "other.jsonl") == 1
    assert "no database" in capsys.readouterr().err
    assert not missing.exists()
    assert os.listdir() == [out.name]


@pytest.mark.parametrize(
    "arguments",
    [(), ("a.jsonl", "--from-threads", "b.jsonl"), ("--from-threads", "b", "--days", "0"), ("a", "--limit", "x")],
)
def test_usage(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Either a file or --from-threads, and numbers that make sense: all else is wrong usage."""
    with pytest.raises(SystemExit) as ended:
        main(["eval", *arguments])
    assert ended.value.code == 2
    assert "usage: deskhand eval" in capsys.readouterr().err
