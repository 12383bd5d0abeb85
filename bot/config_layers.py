"""Layers of raw settings, each of which can say where a value was written.

    other defaults  <  the TOML file  <  the environment

Nothing here knows what a valid value is; `config.py` does. Nothing here raises either: what is wrong becomes a
`Finding`, so that everything can be reported at once. `config_sources.py` reads the file and the environment.
"""

from __future__ import annotations

import copy
import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bot.errors import Problem

ANY = "*"
"""Stands for every place of a list in a key path."""

KeyPath = tuple[str | int, ...]


class Kind(Enum):
    """What a setting holds, as far as reading it goes."""

    TEXT = "text"
    VALUE = "value"  # numbers, lists, tables: JSON or TOML in the environment
    SECRET = "secret"  # noqa: S105 - the name of a kind
    SECRETS = "secrets"  # a list of them; one a line in a file

    @property
    def is_secret(self) -> bool:
        """Whether it may come from a file, and is never shown."""
        return self in (Kind.SECRET, Kind.SECRETS)


Shape = Mapping[KeyPath, Kind]
"""Every setting there is, by its path; list places are `ANY`."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is written. Sorts as one reads: the file from its top, then the environment."""

    rank: int
    line: int
    text: str


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A problem that still knows its place."""

    place: Place
    what: str
    remedy: str

    @property
    def problem(self) -> Problem:
        """What is reported."""
        return Problem(self.place.text, self.what, self.remedy)


def dotted(path: KeyPath) -> str:
    """Write a path as TOML does, with places of lists in brackets: `understanding.tiers[0].model`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += ("." if text else "") + (key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key))
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant."""
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.7)), None)


# --- layers -----------------------------------------------------------------


@dataclass
class Layer:
    """Raw values, and what was wrong with reading them. This one is the other defaults, which stand nowhere."""

    values: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    broken: set[KeyPath] = field(default_factory=set)
    """Values that were given but could not be had: calling them missing would be noise."""
    partial: bool = False
    """Some of it could not be read: what is missing may well be there."""
    _written_as: dict[KeyPath, KeyPath] = field(default_factory=dict)

    def place(self, path: KeyPath) -> Place | None:
        """Return where this value is written, or would be; None when it is not this layer's."""
        for length in range(len(path), 0, -1):
            if written := self._written_as.get(path[:length]):
                return self._locate(written + path[length:])
        return self._locate(path)

    def rename(self, written: KeyPath, meant: KeyPath) -> None:
        """Report `meant` where `written` stands."""
        self._written_as[meant] = written

    def found(self, path: KeyPath, what: str, remedy: str) -> None:
        """Note a problem."""
        self.findings.append(Finding(self.place(path) or nowhere(path), what, remedy))

    def _locate(self, path: KeyPath) -> Place | None:
        table: Any = self.values
        for key in path[:-1]:
            table = table.get(key) if isinstance(table, dict) else None
        return Place(2, 0, f"the built-in {dotted(path)}") if isinstance(table, dict) and path[-1] in table else None


def nowhere(path: KeyPath) -> Place:
    """Return the place of what nobody wrote."""
    return Place(3, 0, dotted(path))


def from_defaults(defaults: Mapping[str, Any]) -> Layer:
    """Return the layer that lies below all others."""
    return Layer(copy.deepcopy(dict(defaults)))


# --- all layers together ----------------------------------------------------


@dataclass
class Merged:
    """The values of all layers, the last one winning, and where each comes from."""

    layers: Sequence[Layer]
    values: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    broken: set[KeyPath] = field(default_factory=set)
    _origins: dict[KeyPath, Layer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for layer in self.layers:
            self.findings += layer.findings
            self.broken |= layer.broken
            self._lay(self.values, layer.values, layer, ())

    def _lay(self, base: dict[str, Any], top: Mapping[str, Any], layer: Layer, path: KeyPath) -> None:
        for key, value in top.items():
            if isinstance(value, dict) and isinstance(base.get(key), dict):
                self._lay(base[key], value, layer, (*path, key))
            else:
                base[key] = copy.deepcopy(value)
                self._origins[(*path, key)] = layer

    def place(self, path: KeyPath) -> Place:
        """Return where a value is written; of a missing one, where it would be."""
        prefixes = (path[:length] for length in range(len(path), 0, -1))
        origin = next((self._origins[prefix] for prefix in prefixes if prefix in self._origins), None)
        candidates = ([origin] if origin else []) + list(reversed(self.layers))
        return next((place for layer in candidates if (place := layer.place(path))), None) or nowhere(path)

    def found(self, path: KeyPath, what: str, remedy: str) -> None:
        """Note a problem with the value of this path."""
        self.findings.append(Finding(self.place(path), what, remedy))

    def excuses(self, path: KeyPath) -> bool:
        """Whether a problem with this value only follows from another, already found."""
        if any(path[:length] in self.broken for length in range(1, len(path) + 1)):
            return True
        return any(layer.partial for layer in self.layers) and not self._holds(path)

    def _holds(self, path: KeyPath) -> bool:
        value: Any = self.values
        for key in path:
            inside = value if isinstance(value, dict) else dict(enumerate(value)) if isinstance(value, list) else {}
            if key not in inside:
                return False
            value = inside[key]
        return True
