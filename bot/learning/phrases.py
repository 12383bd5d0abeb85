"""Reads the phrase files, `training/phrases/<language>.toml`; their README tells what is in them.

    python -m bot.learning.phrases [LANGUAGE ...]

checks them and counts.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.learning.data import phrases_folder

LABELS = ("query_order", "cancel_order", "return_apply", "handoff", "unknown")
SLOTS = ("order", "order2", "order3", "phone", "price", "date", "tracking", "postcode", "email")
ORDER_SLOTS = ("{order}", "{order2}", "{order3}")

_SLOT = re.compile(r"\{([^{}]*)\}")
_LEAST = {"query_order": 60, "cancel_order": 50, "return_apply": 50, "handoff": 45, "unknown": 110}
_LEAST_PAIRS, _LEAST_THREADS, _LEAST_MESSAGES = 110, 24, 500


@dataclass(frozen=True, slots=True)
class Said:
    """One line of a conversation; `by_bot` tells whose. Slots such as "{order}" are still unfilled."""

    text: str
    by_bot: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """One customer message with its label, what was said before it, and the slot of the order it is about.

    `group` is the same for phrases that belong together (a pair, a thread): held back together or not at all.
    """

    language: str
    text: str
    label: str
    order: str | None
    history: tuple[Said, ...]
    group: str


class PhraseFileError(ValueError):
    """A phrase file says something that it cannot say; the message lists every problem with its place."""


def read_phrases(path: Path) -> list[Phrase]:
    """Return all phrases of a file, in order.

    Raises:
        PhraseFileError: the file is no TOML, or something in it is wrong.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PhraseFileError(f"{path.name}: {error}") from None
    problems = list(_problems(table))
    if problems:
        raise PhraseFileError("\n".join(f"{path.name}: {problem}" for problem in problems))
    return list(_phrases(path.stem, table))


def _phrases(language: str, table: dict[str, Any]) -> Iterator[Phrase]:
    for label, texts in table.get("messages", {}).items():
        for place, text in enumerate(texts):
            yield Phrase(language, text, label, only_order(text), (), f"{language}:{label}:{place}")
    for place, pair in enumerate(table.get("pair", [])):
        for label, text in pair.items():
            for one in [text] if isinstance(text, str) else text:
                yield Phrase(language, one, label, only_order(one), (), f"{language}:pair:{place}")
    for place, thread in enumerate(table.get("thread", [])):
        history: list[Said] = []
        for turn in thread["turns"]:
            if "user" in turn:
                group = f"{language}:thread:{place}"
                yield Phrase(language, turn["user"], turn["action"], turn.get("order"), tuple(history), group)
            history.append(Said(turn.get("user") or turn["bot"], "bot" in turn))


def only_order(text: str) -> str | None:
    """Return the order slot of a message that names exactly one."""
    found = {f"{{{name}}}" for name in _SLOT.findall(text)} & set(ORDER_SLOTS)
    return found.pop() if len(found) == 1 else None


def _problems(table: dict[str, Any]) -> Iterator[str]:
    for key in table.keys() - {"messages", "pair", "thread"}:
        yield f"[{key}]: unknown; a file has [messages], [[pair]] and [[thread]]"
    for label, texts in table.get("messages", {}).items():
        yield from _label_problems(f"[messages] {label}", label)
        if not isinstance(texts, list):
            yield f"[messages] {label}: must be a list of messages"
            continue
        for place, text in enumerate(texts, 1):
            yield from _text_problems(f"[messages] {label}, message {place}", text)
    for place, pair in enumerate(table.get("pair", []), 1):
        if len(pair) < 2:
            yield f"[[pair]] {place}: needs messages under two labels at least"
        for label, text in pair.items():
            yield from _label_problems(f"[[pair]] {place}", label)
            for one in text if isinstance(text, list) else [text]:
                yield from _text_problems(f"[[pair]] {place}, {label}", one)
    for place, thread in enumerate(table.get("thread", []), 1):
        yield from _thread_problems(f"[[thread]] {place}", thread)


def _thread_problems(where: str, thread: dict[str, Any]) -> Iterator[str]:
    turns = thread.get("turns")
    if thread.keys() != {"turns"} or not isinstance(turns, list) or not turns:
        yield f"{where}: needs `turns`, and nothing else"
        return
    said = ""
    for place, turn in enumerate(turns, 1):
        here = f"{where}, turn {place}"
        if not isinstance(turn, dict) or turn.keys() - {"user", "bot", "action", "order"}:
            yield f"{here}: may have user or bot, action, order"
            continue
        if ("user" in turn) == ("bot" in turn):
            yield f"{here}: needs either user or bot"
            continue
        text = turn.get("user", turn.get("bot"))
        yield from _text_problems(here, text)
        said += str(text)
        if "bot" in turn:
            if turn.keys() != {"bot"}:
                yield f"{here}: a line of the bot has no label"
            continue
        yield from _label_problems(here, turn.get("action"))
        order = turn.get("order")
        if order is not None and (order not in ORDER_SLOTS or order not in said):
            yield f"{here}: order = {order!r} does not stand in the conversation so far"


def _label_problems(where: str, label: object) -> Iterator[str]:
    if label not in LABELS:
        yield f"{where}: {label!r} is no label; they are {', '.join(LABELS)}"


def _text_problems(where: str, text: object) -> Iterator[str]:
    if not isinstance(text, str) or not text.strip():
        yield f"{where}: must be a message"
        return
    for name in _SLOT.findall(text):
        if name not in SLOTS:
            yield f"{where}: {{{name}}} is no slot; they are {', '.join(SLOTS)}"


# --- the check ---------------------------------------------------------------


def _same(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def count(path: Path) -> tuple[str, list[str]]:
    """Return a line of counts for a file, and what is still missing from it."""
    phrases = read_phrases(path)
    table = tomllib.loads(path.read_text("utf-8"))
    single = [phrase for phrase in phrases if not phrase.history]
    seen = Counter(_same(phrase.text) or phrase.text for phrase in single)
    labels = Counter(phrase.label for phrase in single)
    listed = {label: len(table.get("messages", {}).get(label, [])) for label in LABELS}
    pairs, threads = len(table.get("pair", [])), len(table.get("thread", []))
    missing = [
        f"{label}: {listed[label]} of {least} in [messages]" for label, least in _LEAST.items() if listed[label] < least
    ]
    if pairs < _LEAST_PAIRS:
        missing.append(f"[[pair]]: {pairs} of {_LEAST_PAIRS}")
    if threads < _LEAST_THREADS:
        missing.append(f"[[thread]]: {threads} of {_LEAST_THREADS}")
    if len(seen) < _LEAST_MESSAGES:
        missing.append(f"{len(seen)} distinct messages of {_LEAST_MESSAGES}")
    if 2 * labels["unknown"] < 0.9 * len(single):
        missing.append(f"unknown: {labels['unknown']} of {len(single)}; it should be about half")
    doubled = [phrase.text for phrase in single if seen[_same(phrase.text) or phrase.text] > 1]
    if doubled:
        missing.append(f"written twice: {sorted(set(doubled))[:6]}")
    turns = sum(1 for phrase in phrases if phrase.history)
    told = " ".join(f"{label} {labels[label]}" for label in LABELS)
    return (
        f"{path.stem}: {len(seen)} distinct messages ({told}), {pairs} pairs, {threads} threads, {turns} later turns",
        missing,
    )


def main(names: list[str]) -> int:
    """Check the named languages, or all; return 1 if anything is wrong or missing."""
    folder = phrases_folder()
    paths = [folder / f"{name}.toml" for name in names] or sorted(folder.glob("*.toml"))
    failed = 0
    for path in paths:
        try:
            line, missing = count(path)
        except (PhraseFileError, OSError) as error:
            line, missing = f"{path.stem}: cannot be read", [str(error)]
        print(line)
        for one in missing:
            failed = 1
            print(f"  - {one}")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
