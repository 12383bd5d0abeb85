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
    folder = files("bot.locale") / "words"
    texts = {
        item.name.removesuffix(".toml"): item.read_text("utf-8") for item in folder.iterdir() if _is_toml(item.name)
    }
    problems = [problem for code, text in sorted(texts.items()) for problem in problems_of(code, text)]
    if problems:
        raise ConfigError(problems)
    return tuple(parse_lexicon(code, text) for code, text in sorted(texts.items()))


def _is_toml(name: str) -> bool:
    return name.endswith(".toml")


def problems_of(code: str, text: str) -> Iterator[Problem]:
    """Yield what is wrong with a language's file."""
    where = f"bot/locale/words/{code}.toml"
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        yield Problem(where, f"not TOML ({error})", "Mind quotes and commas: every term stands in double quotes")
        return
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


def parse_lexicon(code: str, text: str) -> Lexicon:
    """Return the lexicon that a file's text describes; `problems_of` says whether it does."""
    data = tomllib.loads(text)
    detect: Mapping[str, Any] = data.get("detect", {})
    consent = {name: tuple(terms) for name, terms in data.get("consent", {}).items()}
    return Lexicon(
        code=code,
        script=data["script"],
        common=tuple(detect.get("common", ())),
        letters=detect.get("letters", ""),
        words={name: tuple(terms) for name, terms in data.get("words", {}).items()},
        fold=data.get("fold", {}),
        prefixes=tuple(data.get("prefixes", ())),
        **consent,
    )
