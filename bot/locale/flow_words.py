"""Reads the words that answer the questions of a cancellation or a return, from `flow_words.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files

from bot.domain.flow_words import NAMES
from bot.errors import ConfigError, Problem

_FILE = "flow_words.toml"


def load_flow_words() -> Mapping[str, tuple[str, ...]]:
    """Return the terms of all languages together, by what they answer.

    Raises:
        ConfigError: naming every list that cannot be read.
    """
    return read_flow_words((files("bot.locale") / _FILE).read_text("utf-8"))


def read_flow_words(text: str) -> Mapping[str, tuple[str, ...]]:
    """Return the same from the file's text; raises likewise."""
    where = f"bot/locale/{_FILE}"
    try:
        languages = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        remedy = "Mind quotes and commas: every term is quoted"
        raise ConfigError([Problem(where, f"not TOML ({error})", remedy)]) from error
    problems: list[Problem] = []
    found: dict[str, list[str]] = {name: [] for name in sorted(NAMES)}
    for code, lists in languages.items():
        if not isinstance(lists, dict) or set(lists) != NAMES:
            problems.append(
                Problem(f"{where} [{code}]", "not the lists there are", f"Write {', '.join(sorted(NAMES))}")
            )
            continue
        for name, terms in lists.items():
            if isinstance(terms, list) and all(isinstance(term, str) and term.strip() for term in terms):
                found[name] += terms
            else:
                problems.append(Problem(f"{where} [{code}] {name}", "not a list of terms", 'Write ["one", "another"]'))
    if problems:
        raise ConfigError(problems)
    return {name: tuple(terms) for name, terms in found.items()}
