"""Reads what a shop's web API answered, field by field; whatever is missing or wrong is named, and its value never."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.domain.model import Money
from bot.errors import OrderSystemGarbled


class Fields:
    """One JSON object of an answer.

    Args:
        data: what stands there; it need not be an object yet.
        where: its place in the answer, for messages.

    Every method raises OrderSystemGarbled for what is missing or of the wrong kind.
    """

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, dict):
            raise _wrong(where, "not an object")
        self._data: dict[str, Any] = data
        self.where = where

    def text(self, name: str) -> str:
        """Return a text that is not empty; a whole number counts as its digits, for ids come either way."""
        value = self._data.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str) or not value.strip():
            raise _wrong(self._at(name), "missing or not text")
        return value

    def text_or_none(self, name: str) -> str | None:
        """Return a text, or None where there is none or an empty one."""
        value = self._data.get(name)
        return None if value is None or (isinstance(value, str) and not value.strip()) else self.text(name)

    def whole(self, name: str) -> int:
        """Return a whole number."""
        value = self._data.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong(self._at(name), "missing or not a whole number")
        return value

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self._data.get(name)
        if not isinstance(value, bool):
            raise _wrong(self._at(name), "neither true nor false")
        return value

    def amount(self, name: str) -> Decimal:
        """Return an amount, which comes as a text or as a number."""
        value = self._data.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise _wrong(self._at(name), "missing or not an amount")
        try:
            amount = Decimal(value)
        except InvalidOperation as error:
            raise _wrong(self._at(name), "not an amount") from error
        if not amount.is_finite():
            raise _wrong(self._at(name), "not a finite amount")
        return amount

    def money(self, name: str, amount: str, currency: str) -> Money:
        """Return the amount and the currency of an object that holds both."""
        part = self.part(name)
        return Money(part.amount(amount), part.text(currency))

    def time(self, name: str) -> datetime:
        """Return an ISO 8601 time, aware and in UTC; one without a zone is UTC already."""
        value = self.text(name)
        try:
            time = datetime.fromisoformat(value)
        except ValueError as error:
            raise _wrong(self._at(name), "not a time") from error
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)

    def time_or_none(self, name: str) -> datetime | None:
        """Return a time, or None where there is none."""
        return None if self.text_or_none(name) is None else self.time(name)

    def part(self, name: str) -> Fields:
        """Return the object that stands there."""
        return Fields(self._data.get(name), self._at(name))

    def part_or_none(self, name: str) -> Fields | None:
        """Return the object that stands there, or None for null; what is not there at all is wrong."""
        if name not in self._data:
            raise _wrong(self._at(name), "missing")
        return None if self._data[name] is None else self.part(name)

    def each(self, name: str) -> list[Fields]:
        """Return the objects of a list."""
        return each(self._data.get(name), self._at(name))

    def texts(self, name: str) -> list[str]:
        """Return the texts of a list."""
        value = self._data.get(name)
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise _wrong(self._at(name), "not a list of texts")
        return value

    def raw(self, name: str) -> object:
        """Return whatever stands there, unchecked."""
        return self._data.get(name)

    def _at(self, name: str) -> str:
        return f"{self.where}.{name}"


def each(data: object, where: str) -> list[Fields]:
    """Return the objects of a list.

    Raises:
        OrderSystemGarbled: when it is not a list of objects.
    """
    if not isinstance(data, list):
        raise _wrong(where, "not a list")
    return list(_each(data, where))


def _each(data: list[object], where: str) -> Iterator[Fields]:
    for index, entry in enumerate(data):
        yield Fields(entry, f"{where}[{index}]")


def _wrong(where: str, what: str) -> OrderSystemGarbled:
    return OrderSystemGarbled(f"the order system's answer makes no sense: {where} is {what}")
