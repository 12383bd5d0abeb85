"""`deskhand check`: every probe runs, whatever the others do, and the report is plain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest

from bot.checks import Probe, Report, render_report, report_on, run_checks
from bot.errors import ConfigError, OrderSystemDown, Problem

WRONG = Problem("config.toml:3 web.port", "must be a whole number", "Write it without quotes")


async def fine() -> Sequence[Problem]:
    """Find nothing."""
    return []


async def wrong() -> Sequence[Problem]:
    """Find something."""
    return [WRONG]


async def hangs() -> Sequence[Problem]:
    """Never answer."""
    await asyncio.Event().wait()
    return []


async def down() -> Sequence[Problem]:
    """Fail as Deskhand's own code fails."""
    raise OrderSystemDown


async def misconfigured() -> Sequence[Problem]:
    """Fail with problems."""
    raise ConfigError([WRONG, WRONG])


async def bug() -> Sequence[Problem]:
    """Fail as nobody foresaw."""
    raise KeyError("123456:secret")


async def broken_off() -> Sequence[Problem]:
    """Be cancelled by something inside."""
    raise asyncio.CancelledError


async def own_timeout() -> Sequence[Problem]:
    """Fail with a time limit of its own."""
    raise TimeoutError


async def nonsense() -> Sequence[Problem]:
    """Return what is no list."""
    return None  # type: ignore[return-value]


async def test_no_probe_hides_another(caplog: pytest.LogCaptureFixture) -> None:
    """Problems come in the order of the probes; hanging, failing and cancelled ones are problems themselves."""
    looks = [fine, wrong, hangs, down, misconfigured, bug, broken_off, own_timeout, nonsense, wrong]
    report = await report_on([Probe(look.__name__, look) for look in looks], limit_s=0.01)
    assert report.passed == ("fine",)
    assert [(problem.where, problem.what) for problem in report.problems] == [
        (WRONG.where, WRONG.what),
        ("hangs", "no answer within 0.01 seconds"),
        ("down", "The shop's order system cannot be reached; nothing was done"),
        (WRONG.where, WRONG.what),
        (WRONG.where, WRONG.what),
        ("bug", "the check itself failed (KeyError)"),
        ("broken_off", "the check was broken off"),
        ("own_timeout", "the check itself failed (TimeoutError)"),
        ("nonsense", "the check itself failed (TypeError)"),
        (WRONG.where, WRONG.what),
    ]
    assert [record.__dict__["probe"] for record in caplog.records] == ["bug", "own_timeout", "nonsense"]
    assert all(record.levelno == logging.ERROR and record.exc_info for record in caplog.records)
    assert "secret" not in str(report)


async def test_the_probes_run_side_by_side() -> None:
    """A probe may wait for what another does: together they take no longer than the slowest."""
    met = asyncio.Barrier(2)

    async def meets() -> Sequence[Problem]:
        await met.wait()
        return []

    assert await run_checks([Probe("a", meets), Probe("b", meets)], limit_s=10) == ()


async def test_stopping_the_checks_stops_the_probes() -> None:
    """Ctrl-C in the middle ends every probe instead of being reported as a problem."""
    started, stopped = asyncio.Event(), asyncio.Event()

    async def waits() -> Sequence[Problem]:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return []

    checks = asyncio.create_task(run_checks([Probe("waits", waits)]))
    await started.wait()
    checks.cancel()
    with pytest.raises(asyncio.CancelledError):
        await checks
    assert stopped.is_set()


def test_the_report_names_what_is_in_order_and_what_helps() -> None:
    """A person reads first what works, then each problem with its remedy, then the sum."""
    assert render_report([WRONG], ["database", "telegram"]) == (
        "  ok  database\n"
        "  ok  telegram\n"
        " bad  config.toml:3 web.port: must be a whole number\n"
        "      Write it without quotes\n"
        "\n"
        "1 problem was found."
    )
    assert render_report([WRONG, WRONG], []).endswith("\n\n2 problems were found.")
    assert str(Report((), ("database",))) == "  ok  database\n\nEverything is in order."
    assert render_report([], []) == "Everything is in order."


def test_the_report_keeps_to_the_terminal() -> None:
    """Long sentences are broken, long paths are not, and what others wrote cannot command the terminal."""
    path = "/a-very-long/path" * 10
    text = render_report([Problem("x\x1b[2J\ud800", "word " * 40, f"Look into {path}")], ["a\nb"])
    assert all(len(line) <= 88 for line in text.split("\n") if path not in line)
    assert path in text
    assert "\x1b" not in text
    assert "a\\nb" in text
    text.encode("utf-8")
