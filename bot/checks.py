"""Runs what `deskhand check` looks into, and says in plain words what it found.

A probe is a name and a coroutine function that returns problems. Each runs on its own, under a time limit: a probe that
fails, hangs or finds a lot hides none of the others.
"""

from __future__ import annotations

import asyncio
import logging
import textwrap
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.errors import ConfigError, DeskhandError, Problem

log = logging.getLogger(__name__)

TIME_LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Probe:
    """Looks into one thing, such as "database"; returns what is wrong with it, nothing when all is well.

    `detail` is asked afterwards: what there is to be said of a thing that is in order.
    """

    name: str
    look: Callable[[], Awaitable[Sequence[Problem]]]
    detail: Callable[[], str] = str

    def __str__(self) -> str:
        detail = self.detail()
        return f"{self.name}: {detail}" if detail else self.name


@dataclass(frozen=True, slots=True)
class Report:
    """What the probes found, in their order; `passed` names those that found nothing."""

    problems: tuple[Problem, ...]
    passed: tuple[str, ...]

    def __str__(self) -> str:
        return render_report(self.problems, self.passed)


async def run_checks(probes: Sequence[Probe], *, limit_s: float = TIME_LIMIT_S) -> Sequence[Problem]:
    """Run all probes side by side and return all problems, in the order of the probes."""
    return (await report_on(probes, limit_s=limit_s)).problems


async def report_on(probes: Sequence[Probe], *, limit_s: float = TIME_LIMIT_S) -> Report:
    """Run all probes side by side and return what they found, and which found nothing."""
    found = await asyncio.gather(*(_look(probe, limit_s) for probe in probes))
    problems = tuple(problem for several in found for problem in several)
    return Report(problems, tuple(str(probe) for probe, several in zip(probes, found, strict=True) if not several))


async def _look(probe: Probe, limit_s: float) -> Sequence[Problem]:
    """Run one probe at this task's edge: whatever happens in it becomes a problem."""
    try:
        async with asyncio.timeout(limit_s) as limit:
            return tuple(await probe.look())
    except ConfigError as error:
        return error.problems
    except DeskhandError as error:
        return [Problem(probe.name, str(error).rstrip("."), "Check its settings, and whether it is running")]
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) and task.cancelling():
            raise
        return [Problem(probe.name, "the check was broken off", "Run it again")]
    except Exception as error:  # (a probe's edge: a check that breaks is itself a finding)
        if isinstance(error, TimeoutError) and limit.expired():
            return [
                Problem(
                    probe.name, f"no answer within {limit_s:g} seconds", "Check whether it is running, and try again"
                )
            ]
        # Only the kind is shown: an unexpected error's own words may hold a token.
        log.exception("check.failed", extra={"probe": probe.name})
        return [Problem(probe.name, f"the check itself failed ({type(error).__name__})", "The log tells the rest")]


def render_report(problems: Sequence[Problem], passed: Sequence[str]) -> str:
    """Return the report for a terminal: what is in order, each problem with its remedy, and a line that sums up."""
    lines = [line for name in passed for line in _wrapped(name, "  ok  ")]
    for problem in problems:
        lines += _wrapped(f"{problem.where}: {problem.what}", " bad  ") + _wrapped(problem.remedy, "      ")
    if lines:
        lines.append("")
    return "\n".join([*lines, _summary(len(problems))])


def _summary(count: int) -> str:
    if not count:
        return "Everything is in order."
    return "1 problem was found." if count == 1 else f"{count} problems were found."


def _wrapped(text: str, indent: str) -> list[str]:
    """Break a sentence into lines of a terminal's width; a path or an address stays whole, to be copied."""
    return textwrap.wrap(
        _plain(text),
        88,
        initial_indent=indent,
        subsequent_indent="      ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _plain(text: str) -> str:
    """Escape what would move or colour a terminal: parts of a report were written by others."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
