"""Reads an adapter's table of the configuration; what is wrong is named with its remedy."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class Options:
    """One table.

    Args:
        table: its name, such as "orders.shopify".
        options: what it holds.
        known: every option there is.

    Every method raises ValueError for an option that is missing or wrong.
    """

    def __init__(self, table: str, options: Mapping[str, Any], known: Sequence[str]) -> None:
        if unknown := sorted(options.keys() - set(known)):
            raise ValueError(f"{table} has no option {unknown[0]!r}; it has: {', '.join(known)}")
        self._table = table
        self._options = options

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; without a default it must be there."""
        value = self._options.get(name, default)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(name, "must be a text that is not empty")
        return value.strip()

    def optional(self, name: str, default: str) -> str:
        """Return a text, which may be empty."""
        value = self._options.get(name, default)
        if not isinstance(value, str):
            raise self.wrong(name, "must be a text")
        return value

    def secret(self, name: str) -> str | None:
        """Return a secret, which "env:NAME" takes from the environment; None where the option is not given."""
        if name not in self._options:
            return None
        value = self.text(name)
        if not value.startswith("env:"):
            return value
        variable = value.removeprefix("env:")
        found = os.environ.get(variable, "").strip()
        if not found:
            raise self.wrong(name, f"asks for the environment variable {variable!r}, which is not set")
        return found

    def flag(self, name: str, default: bool) -> bool:
        """Return true or false."""
        value = self._options.get(name, default)
        if not isinstance(value, bool):
            raise self.wrong(name, "must be true or false")
        return value

    def choice(self, name: str, among: Collection[str]) -> str:
        """Return one of a few words; the first of them is the default."""
        value = self._options.get(name, next(iter(among)))
        if value not in among:
            raise self.wrong(name, f"must be one of: {', '.join(among)}")
        return str(value)

    def seconds(self, name: str, default: float) -> float:
        """Return a length of time above zero."""
        value = self._options.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
            raise self.wrong(name, "must be a number of seconds above zero")
        return float(value)

    def words(self, name: str) -> dict[str, str]:
        """Return a table of texts, empty where it is not given."""
        value = self._options.get(name, {})
        if not isinstance(value, Mapping) or not all(isinstance(word, str) for word in value.values()):
            raise self.wrong(name, "must be a table of texts")
        return dict(value)

    def patterns(self, name: str, default: Sequence[str]) -> tuple[str, ...]:
        """Return a list of regular expressions."""
        value = self._options.get(name, list(default))
        if not isinstance(value, list) or not value or not all(isinstance(pattern, str) for pattern in value):
            raise self.wrong(name, "must be a list of regular expressions")
        for pattern in value:
            try:
                re.compile(pattern)
            except re.error as error:
                raise self.wrong(name, f"holds {pattern!r}, which is no regular expression ({error})") from error
        return tuple(value)

    def web_address(self, name: str) -> str:
        """Return an https address without a slash at its end; plain http is taken for this machine only."""
        value = self.text(name).rstrip("/")
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError as error:
            raise self.wrong(name, "is no web address") from error
        if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
            raise self.wrong(name, 'must be a web address such as "https://shop.example"')
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise self.wrong(name, "must begin with https://, for the key travels with every call")
        if parts.username is not None or parts.query or parts.fragment:
            raise self.wrong(name, "must be a plain address, without a user, '?' or '#'")
        return value

    def wrong(self, name: str, what: str) -> ValueError:
        """Return the error for one option."""
        return ValueError(f"{self._table}.{name} {what}")
