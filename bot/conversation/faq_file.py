"""The FAQ as a TOML file that a shop owner can edit.

[[entry]]
language = "en"
questions = ["Do you ship abroad?", "Can you send it to another country?"]
answer = "Yes, within the EU, for 9 euros."
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.domain.model import FaqEntry
from bot.errors import ConfigError, Problem

EXAMPLE = 'Each entry is a table [[entry]] with language = "en", questions = ["…"] and answer = "…"'


def read_faq(path: Path) -> tuple[FaqEntry, ...]:
    """Read a FAQ file.

    Raises:
        ConfigError: every problem of the file, each with its entry's number.
    """
    try:
        # Some editors begin a file with a byte order mark, which is no TOML.
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError([Problem(str(path), f"cannot be read ({error.strerror})", "Check faq.file")]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([Problem(str(path), f"is not TOML: {error}", EXAMPLE)]) from error
    entries = data.get("entry", [])
    problems = [Problem(str(path), f"unknown key {key!r}", EXAMPLE) for key in data if key != "entry"]
    if not isinstance(entries, list):
        raise ConfigError([Problem(str(path), "'entry' is not a list of tables", EXAMPLE)])
    problems += [
        Problem(f"{path} entry {number}", what, EXAMPLE)
        for number, entry in enumerate(entries, 1)
        if (what := _wrong(entry))
    ]
    if problems:
        raise ConfigError(problems)
    return tuple(
        FaqEntry(entry["language"].casefold(), tuple(entry["questions"]), entry["answer"].strip()) for entry in entries
    )


def _wrong(entry: Any) -> str | None:
    if not isinstance(entry, dict):
        return "is not a table"
    if unknown := entry.keys() - {"language", "questions", "answer"}:
        return f"has an unknown key {min(unknown)!r}"
    for key in ("language", "answer"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            return f"{key} is missing or empty"
    questions = entry.get("questions")
    if not isinstance(questions, list) or not questions or not all(isinstance(q, str) and q.strip() for q in questions):
        return "questions is not a list of texts"
    return None


def render_faq(entries: Sequence[FaqEntry]) -> str:
    """Return the entries as such a file."""
    blocks = []
    for entry in entries:
        questions = ",\n".join(f"    {_quoted(question)}" for question in entry.questions)
        blocks.append(
            f"[[entry]]\nlanguage = {_quoted(entry.language)}\nquestions = [\n{questions},\n]\n"
            f"answer = {_quoted(entry.answer)}\n"
        )
    return "\n".join(blocks)


def _quoted(text: str) -> str:
    """Quote as a TOML basic string; JSON's escapes are a subset of TOML's, except for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
