"""Requests with placeholders, such as "/orders/{number}", and how values fill them without breaking out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

Values = Mapping[str, Any]
"""What the placeholders stand for: text, whole numbers, a list of lines, or None for what was not given."""

_PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)\}")


class NotAddressable(ValueError):
    """A value cannot stand in a path, so that nothing can be asked about it."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text with placeholders."""

    text: str

    @property
    def names(self) -> frozenset[str]:
        """The placeholders' names."""
        return frozenset(_PLACEHOLDER.findall(self.text))

    @property
    def has_stray_braces(self) -> bool:
        """Whether a brace stands outside a placeholder."""
        return bool(re.search(r"[{}]", _PLACEHOLDER.sub("", self.text)))

    def encoded(self, values: Values) -> str | None:
        """Return it filled, every value percent-encoded; None when one of them was not given."""
        if any(values[name] is None for name in self.names):
            return None
        return _PLACEHOLDER.sub(lambda match: _quoted(values[match[1]]), self.text)

    def in_path(self, values: Values) -> str:
        """Return it filled as a path.

        Raises:
            NotAddressable: when a value would be no segment of its own.
        """
        if any(values[name] in (None, "", ".", "..") for name in self.names):
            raise NotAddressable("a path cannot hold this value")
        return str(self.encoded(values))

    def filled(self, values: Values) -> Any:
        """Return it filled as a value of JSON: a placeholder that stands alone keeps its kind, a number or a list."""
        alone = _PLACEHOLDER.fullmatch(self.text)
        if alone:
            return values[alone[1]]
        if any(values[name] is None for name in self.names):
            return None
        return _PLACEHOLDER.sub(lambda match: str(values[match[1]]), self.text)


def fill(body: Any, values: Values) -> Any:
    """Fill the templates in a JSON value; an entry of a table whose value was not given is left out."""
    if isinstance(body, Template):
        return body.filled(values)
    if isinstance(body, dict):
        filled = {key: fill(inside, values) for key, inside in body.items()}
        return {key: inside for key, inside in filled.items() if inside is not None}
    if isinstance(body, list):
        return [fill(inside, values) for inside in body]
    return body


def names_in(body: Any) -> Iterator[str]:
    """Yield the placeholders in a JSON value, or in a table of templates."""
    if isinstance(body, Template):
        yield from body.names
    elif isinstance(body, dict):
        for inside in body.values():
            yield from names_in(inside)
    elif isinstance(body, list):
        for inside in body:
            yield from names_in(inside)


def query_text(query: Mapping[str, str]) -> str:
    """Return a query as it stands in an address, its values being encoded already."""
    return "&".join(f"{quote(name, safe='')}={value}" for name, value in query.items())


def _quoted(value: Any) -> str:
    try:
        return quote(str(value), safe="")
    except UnicodeEncodeError as error:
        raise NotAddressable("this value has a broken character") from error
