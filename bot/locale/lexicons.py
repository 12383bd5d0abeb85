"""Reads the words of every language from `words/<code>.toml`, which people who speak it can mend."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from bot.domain.lexicon import CONCEPTS, POINTERS, Lexicon
from bot.errors import ConfigError, Problem

_SECTIONS = {
    "detect": {"common", "letters"},
    "consent": {"yes", "no", "ok", "polite", "echo"},
    "words": CONCEPTS | POINTERS,
}
_REMEDY = 'Write ["one", "another one", "this (one|or that one)"], with no brackets within brackets'
_FLAT = re.compile(r"(?:[^()|]|\([^()]*\))*")
_TOP = {"script", "fold", "prefixes", *_SECTIONS}


def load_lexicons() -> tuple[Lexicon, ...]:
    """Return the words of all languages, by code.

    Raises:
        ConfigError: naming every file and key that cannot be read.
    """
    problems: list[Problem] = []
    found: list[Lexicon] = []
    folder = files("bot.locale") / "words"
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.name.endswith(".toml"):
            data = _read(item.name, item.read_text("utf-8"), problems)
            if not problems:
                found.append(_lexicon(item.name.removesuffix(".toml"), data))
    if problems:
        raise ConfigError(problems)
    return tuple(found)


def parse_lexicon(code: str, text: str) -> Lexicon:
    """Return the lexicon that a file's text describes. Raises ConfigError with everything that is wrong with it."""
    problems: list[Problem] = []
    data = _read(f"{code}.toml", text, problems)
    if problems:
        raise ConfigError(problems)
    return _lexicon(code, data)


def _read(name: str, text: str, problems: list[Problem]) -> dict[str, Any]:
    """Return a file's tables, and tell `problems` what is wrong in them."""
    where = f"bot/locale/words/{name}"
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.append(Problem(where, f"not TOML ({error})", "Mind quotes and commas: every term is quoted"))
        return {}
    problems.extend(_problems(where, data))
    return data


def _problems(where: str, data: Mapping[str, Any]) -> Iterator[Problem]:
    if not isinstance(data.get("script"), str):
        yield Problem(where, "script is missing", 'Write script = "latin" or the name of the language\'s script')
    for key in data.keys() - _TOP:
        yield Problem(f"{where}: {key}", "unknown key", f"Known are {', '.join(sorted(_TOP))}")
    for section, known in _SECTIONS.items():
        for key, value in data.get(section, {}).items():
            if key not in known:
                yield Problem(f"{where}: {section}.{key}", "unknown key", f"Known are {', '.join(sorted(known))}")
            elif key != "letters" and not _is_terms(value):
                yield Problem(f"{where}: {section}.{key}", "not a list of terms", _REMEDY)


def _is_terms(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(term, str) and _is_term(term) for term in value)


def _is_term(term: str) -> bool:
    """Whether there is something in it, and no group within a group."""
    return bool(term.strip()) and _FLAT.fullmatch(term) is not None


def _lexicon(code: str, data: Mapping[str, Any]) -> Lexicon:
    detect: Mapping[str, Any] = data.get("detect", {})
    consent = {name: tuple(terms) for name, terms in data.get("consent", {}).items() if name in _SECTIONS["consent"]}
    return Lexicon(
        code=code,
        script=data.get("script", ""),
        common=tuple(detect.get("common", ())),
        letters=detect.get("letters", ""),
        words={name: tuple(terms) for name, terms in data.get("words", {}).items()},
        fold=data.get("fold", {}),
        prefixes=tuple(data.get("prefixes", ())),
        **consent,
    )
