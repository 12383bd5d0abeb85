"""Reads the cases of `deskhand eval`: one JSON object a line, and every bad line is reported at once.

    {"id", "lang", "history": [{"role": "user" | "assistant", "text"}], "text", "action", "order_id"}

Only `text` must be there. Other keys are ignored; a case without an action is asked, but not counted as right or wrong.
`deskhand train` reads the same format, and needs the action too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.domain.actions import ActionKind
from bot.domain.model import Author, Message

SHOWN_PROBLEMS = 20

_AUTHORS = {"user": Author.CUSTOMER, "assistant": Author.BOT}
_ACTIONS = tuple(kind.value for kind in ActionKind)
# When a message was said is not in the file, and no tier looks at it.
_SOME_DAY = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Case:
    """One customer message, what was said before it, and what is right; `action` is None where nobody has said."""

    id: str | int
    text: str
    language: str | None = None
    history: tuple[Message, ...] = ()
    action: ActionKind | None = None
    order_id: str | None = None


class CaseFileError(ValueError):
    """A file of cases cannot be used; the message names every bad line, the first twenty at least."""


def read_cases(path: Path, *, labelled: bool = False) -> list[Case]:
    """Return the cases of a file, in order. Blank lines are skipped.

    Args:
        labelled: every case must have an action and a text that is not blank, so that it can be learnt from.

    Raises:
        CaseFileError: a line is no case, or there is none at all.
        OSError: the file cannot be read.
    """
    cases: list[Case] = []
    problems: list[str] = []
    # Only a line feed ends a line: U+2028 and its like may stand in what customers write.
    for number, line in enumerate(path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            cases.append(_case(line, number, labelled))
        except ValueError as error:
            problems.append(f"  {path}:{number}: {error}")
    if problems:
        done = "learnt" if labelled else "evaluated"
        raise CaseFileError(f"nothing was {done}, because of these lines:\n" + "\n".join(_shown(problems)))
    if not cases:
        raise CaseFileError(f"{path} holds no cases: it needs one JSON object a line")
    return cases


def _shown(problems: list[str]) -> list[str]:
    more = len(problems) - SHOWN_PROBLEMS
    return problems if more <= 0 else [*problems[:SHOWN_PROBLEMS], f"  and {more} more"]


def _case(line: bytes, number: int, labelled: bool) -> Case:
    """Read a line; raises ValueError with all that is wrong with it."""
    try:
        data = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except (ValueError, RecursionError):
        raise ValueError("no JSON object") from None
    if not isinstance(data, dict):
        raise ValueError("no JSON object")
    if problems := [*_problems(data), *(_unlabelled(data) if labelled else ())]:
        raise ValueError("; ".join(problems))
    action, name = data.get("action"), data.get("id")
    return Case(
        id=number if name is None else name,
        text=data["text"],
        language=data.get("lang") or None,
        history=tuple(
            Message(_AUTHORS[said["role"]], said["text"], _SOME_DAY, place)
            for place, said in enumerate(data.get("history") or (), 1)
        ),
        action=None if action is None else ActionKind(action),
        order_id=data.get("order_id"),
    )


def _problems(data: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(data.get("text"), str):
        yield "text must be a string" if "text" in data else "text is missing"
    if not isinstance(data.get("id", 0), str | int | None):
        yield "id must be a string or a whole number"
    if not isinstance(data.get("lang"), str | None):
        yield "lang must be a string"
    if (action := data.get("action")) is not None and action not in _ACTIONS:
        yield f"action {_quoted(action)} is none of {', '.join(_ACTIONS)}"
    order_id = data.get("order_id")
    if order_id is not None and not (isinstance(order_id, str) and order_id.strip()):
        yield "order_id must be null or the order number as a string"
    yield from _history_problems(data.get("history"))


def _unlabelled(data: Mapping[str, Any]) -> Iterator[str]:
    if data.get("action") is None:
        yield f"action is missing: it must say what is right, one of {', '.join(_ACTIONS)}"
    if isinstance(text := data.get("text"), str) and not text.strip():
        yield "text is empty"


def _history_problems(history: Any) -> Iterator[str]:
    if history is None:
        return
    if not isinstance(history, list):
        yield "history must be a list"
        return
    for place, said in enumerate(history, 1):
        if not isinstance(said, dict):
            yield f"history {place} is no JSON object"
            continue
        # A list or an object as a role cannot be looked up in a dictionary.
        if said.get("role") not in tuple(_AUTHORS):
            yield f"history {place}: role {_quoted(said.get('role'))} is none of {', '.join(_AUTHORS)}"
        if not isinstance(said.get("text"), str):
            yield f"history {place}: text must be a string"


def _quoted(value: Any) -> str:
    shown = json.dumps(value)
    return shown if len(shown) <= 40 else shown[:39] + "…"
