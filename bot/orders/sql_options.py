"""Reading the tables of a mapping: whatever is missing, wrong or unknown is named with its place and the remedy."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any


class Options:
    """One table of the configuration; `where` is its place, such as "orders.sql.order".

    Every method raises ValueError with a sentence for the shop's owner.
    """

    def __init__(self, values: object, where: str) -> None:
        if not isinstance(values, Mapping):
            raise ValueError(f"{where} must be a table, such as [{where}]")
        self.where = where
        self._values: Mapping[str, Any] = values
        self._asked: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def place(self, name: str) -> str:
        """Return the whole name of an option."""
        return f"{self.where}.{name}"

    def get(self, name: str) -> Any:
        """Return an option as it was written, or None."""
        self._asked.add(name)
        return self._values.get(name)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text that is not empty; without a default it is required."""
        value = self.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{self.place(name)} must be a text" + (" and is missing" if value is None else ""))
        return value

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        """Return one of some words."""
        value = self.text(name, default)
        if value not in choices:
            raise ValueError(f"{self.place(name)} must be one of: {', '.join(choices)}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise ValueError(f"{self.place(name)} must be true or false")
        return value

    def number(self, name: str, default: float, least: float, most: float) -> float:
        """Return a number within bounds."""
        value = self.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ValueError(f"{self.place(name)} must be a number from {least:g} to {most:g}")
        return value

    def texts(self, name: str) -> list[str]:
        """Return a list of texts; a missing one is empty."""
        value = self.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
            raise ValueError(f"{self.place(name)} must be a list of texts")
        return value

    def table(self, name: str) -> Options:
        """Return a table within this one; a missing one is empty."""
        value = self.get(name)
        return Options({} if value is None else value, self.place(name))

    def tables(self, name: str) -> list[Options]:
        """Return a list of tables; a missing one is empty."""
        value = self.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise ValueError(f"{self.place(name)} must be a list of tables: [[{self.place(name)}]]")
        return [Options(item, f"{self.place(name)}[{index}]") for index, item in enumerate(value)]

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield every option with its value."""
        self._asked.update(self._values)
        yield from self._values.items()

    def no_others(self, known: Collection[str] = ()) -> None:
        """Refuse whatever nobody asked for; `known` are names that exist but were not needed."""
        names = self._asked | set(known)
        if unknown := sorted(self._values.keys() - names):
            raise ValueError(f"{self.where} has no option {unknown[0]!r}; it has: {', '.join(sorted(names))}")
