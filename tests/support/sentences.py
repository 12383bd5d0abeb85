"""What customers write, and what the rules should make of it: `sentences/<language>.txt`, one sentence a line.

The letter before each sentence is the action: q query_order, c cancel_order, r return_apply, h handoff, and u for
`unknown`: sentences that only look like one of the others, which the rules may call unknown or pass on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bot.domain.actions import ActionKind

FOLDER = Path(__file__).with_name("sentences")
KINDS = {
    "q": ActionKind.QUERY_ORDER,
    "c": ActionKind.CANCEL_ORDER,
    "r": ActionKind.RETURN_APPLY,
    "h": ActionKind.HANDOFF,
    "u": ActionKind.UNKNOWN,
}


def languages() -> list[str]:
    """Return the languages that have sentences."""
    return sorted(file.stem for file in FOLDER.glob("*.txt"))


def sentences(language: str) -> Iterator[tuple[ActionKind, str]]:
    """Yield action and sentence of every line of a language's file."""
    for line in (FOLDER / f"{language}.txt").read_text("utf-8").splitlines():
        letter, _, sentence = line.partition(" ")
        yield KINDS[letter], sentence
