"""The options, read key by key. What is wrong is collected, so that a shop owner is told all of it at once."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from bot.orders.http_pointer import Place, Pointer
from bot.orders.http_template import Template
from bot.orders.http_values import CURRENCY

E = TypeVar("E", bound=StrEnum)

_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@{}%-]*)*")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class Table:
    """One table of the options.

    Args:
        values: what the configuration holds.
        path: the table's name, such as "orders.http.order".
        problems: where every problem is put, as a sentence that begins with the option's name.

    A value that is wrong is replaced by one that does no harm: whoever reads a table raises in the end if there are
    problems.
    """

    def __init__(self, values: Mapping[str, Any], path: str, problems: list[str]) -> None:
        self.path = path
        self._values = values
        self._problems = problems
        self._known: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def option(self, key: str) -> str:
        """Return an option's full name."""
        return f"{self.path}.{key}"

    def wrong(self, key: str, what: str) -> None:
        """Note what is wrong with an option."""
        self._problems.append(f"{self.option(key)} {what}")

    def done(self) -> None:
        """Note every option that nobody has asked for."""
        for key in sorted(self._values.keys() - set(self._known)):
            self.wrong(key, f"does not exist: {self.path} has: {', '.join(sorted(self._known))}")

    def get(self, key: str) -> Any:
        """Return an option as it is; None when it is left out."""
        self._known.append(key)
        return self._values.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; without a default it is required."""
        value = self.get(key)
        if default is not None and value in (None, ""):
            return default
        if not isinstance(value, str) or not value.strip():
            self.wrong(key, "is required" if value is None else "must be a text")
            return default or ""
        return value.strip()

    def secret(self, key: str) -> str:
        """Return a text that may stand in an environment variable, as "env:NAME"; "" when it is left out."""
        return self.resolved(key, self.text(key, ""))

    def resolved(self, key: str, text: str) -> str:
        """Return what "env:NAME" stands for; any other text as it is."""
        if not text.startswith("env:"):
            return text
        name = text.removeprefix("env:")
        value = os.environ.get(name, "").strip()
        if not value:
            self.wrong(key, f"wants the environment variable {name}, which is not set")
        elif not value.isprintable():
            self.wrong(key, f"wants the environment variable {name}, which holds a line break or the like")
            return ""
        return value

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """Return a number within bounds."""
        value = self.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.wrong(key, f"must be a number from {low:g} to {high:g}")
            return default
        return value

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """Return a whole number within bounds."""
        value = self.number(key, default, low, high)
        if value != int(value):
            self.wrong(key, "must be a whole number")
        return int(value)

    def truth(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self.get(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.wrong(key, "must be true or false")
        return default

    def choice(self, key: str, kinds: type[E], default: E) -> E:
        """Return one of a few words."""
        value = self.get(key)
        words = [kind.value for kind in kinds]
        if value is None or value not in words:
            if value is not None:
                self.wrong(key, f"must be one of: {', '.join(words)}")
            return default
        return kinds(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; numbers count as texts, too."""
        value = self.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or any(isinstance(one, bool) or not isinstance(one, str | int) for one in value):
            self.wrong(key, "must be a list of texts")
            return ()
        return tuple(str(one) for one in value)

    def table(self, key: str) -> Table | None:
        """Return a table in this one; None when it is left out."""
        value = self.get(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.wrong(key, f"must be a table: [{self.option(key)}]")
            return None
        return Table(value, self.option(key), self._problems)

    def required_table(self, key: str) -> Table:
        """Return a table that must be there, an empty one in its place."""
        found = self.table(key)
        if found is None and key not in self:
            self.wrong(key, f"is required: add a table [{self.option(key)}]")
        return found or Table({}, self.option(key), [])

    def tables(self, key: str) -> list[Table]:
        """Return a list of tables."""
        value = self.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
            self.wrong(key, "must be a list of tables, such as [{ status = [404], means = ... }]")
            return []
        return [Table(one, f"{self.option(key)}[{index}]", self._problems) for index, one in enumerate(value)]

    def place(self, key: str) -> Place:
        """Return a place that must be named."""
        found = self.optional_place(key)
        if found is None and key not in self:
            self.wrong(key, 'is required: a JSON pointer such as "/data/id"')
        return found or Place(self.option(key), Pointer(""))

    def optional_place(self, key: str) -> Place | None:
        """Return a place, None when it is left out."""
        value = self.get(key)
        return None if value is None else self._pointer(key, value)

    def places(self, key: str) -> tuple[Place, ...]:
        """Return one place or several, at least one."""
        return self.optional_places(key) or (self.place(key),)

    def optional_places(self, key: str) -> tuple[Place, ...]:
        """Return one place or several; none when it is left out."""
        value = self.get(key)
        values = value if isinstance(value, list) else [] if value is None else [value]
        return tuple(place for one in values if (place := self._pointer(key, one)) is not None)

    def currency(self, key: str) -> Place | str | None:
        """Return a currency, as a constant or as a place; None when it is left out."""
        value = self.get(key)
        if isinstance(value, str) and CURRENCY.fullmatch(value):
            return value
        return None if value is None else self._pointer(key, value)

    def path_template(self, key: str, allowed: Collection[str]) -> Template:
        """Return the path of an endpoint."""
        text = self.text(key)
        literal = re.sub(r"\{[a-z0-9_]+\}", "x", text)
        if text and (not text.startswith("/") or not _PATH.fullmatch(text)):
            self.wrong(key, 'must be a path such as "/orders/{number}", what follows a "?" goes into query')
        elif {".", ".."} & set(literal.split("/")):
            self.wrong(key, 'must not hold "." or ".." as a part')
        return self.template(key, text, allowed)

    def templates(self, key: str, allowed: Collection[str]) -> dict[str, Template]:
        """Return a table of templates; a value may be a number."""
        value = self.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping) or any(
            isinstance(one, bool) or not isinstance(one, str | int) for one in value.values()
        ):
            self.wrong(key, "must be a table of texts")
            return {}
        return {name: self.template(f"{key}.{name}", str(text), allowed) for name, text in value.items()}

    def header_templates(self, key: str, allowed: Collection[str]) -> dict[str, Template]:
        """Return a table of headers."""
        found = self.templates(key, allowed)
        for name, template in found.items():
            if not _HEADER.fullmatch(name) or not template.text.isprintable():
                self.wrong(f"{key}.{name}", "is no header of HTTP")
        return found

    def json(self, key: str, allowed: Collection[str]) -> Any:
        """Return a value of JSON in which each text is a template; None when it is left out."""
        value = self.get(key)
        return None if value is None else self._json(key, value, allowed)

    def template(self, key: str, text: str, allowed: Collection[str]) -> Template:
        """Return a template whose placeholders are all among those allowed."""
        found = Template(text)
        if unknown := sorted(found.names - set(allowed)):
            some = ", ".join(f"{{{name}}}" for name in sorted(allowed)) or "none"
            self.wrong(key, f"has an unknown placeholder {{{unknown[0]}}}, the placeholders here are: {some}")
        elif found.has_stray_braces:
            self.wrong(key, "has a brace that belongs to no placeholder")
        return found

    def _json(self, key: str, value: Any, allowed: Collection[str]) -> Any:
        if isinstance(value, str):
            return self.template(key, value, allowed)
        if isinstance(value, Mapping):
            return {name: self._json(f"{key}.{name}", inside, allowed) for name, inside in value.items()}
        if isinstance(value, list):
            return [self._json(key, inside, allowed) for inside in value]
        if not isinstance(value, bool | int | float):
            self.wrong(key, "must hold texts, numbers, true, false, lists and tables only, write a time as a text")
        return value

    def _pointer(self, key: str, value: Any) -> Place | None:
        if not isinstance(value, str):
            self.wrong(key, 'must be a JSON pointer such as "/data/id"')
            return None
        try:
            return Place(self.option(key), Pointer.parse(value))
        except ValueError as error:
            self.wrong(key, str(error))
            return None
