"""The part of an answer that is nothing but choices, written out: every way in which it can begin.

    {"action":"query_order","order_id":null,"response_type":"json","message":""}
    {"action":"query_order","order_id":"A-17","response_type":"json","message":""}
    {"action":"unknown","order_id":null,"response_type":"text","message":

A grammar allows each text in many cuts into tokens, and a model would have to decide between `":` and `":"` before it
comes to what is asked. Written out and tokenised as the model does it, what is left are the real choices.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

MOST = 512
"""A schema with more beginnings than this is left to the grammar."""

Row = tuple[int, ...]


def beginnings(schema: Mapping[str, Any]) -> list[str]:
    """Return all texts with which compact JSON of the schema can begin, up to the first value that is no choice.

    Empty where it begins with none, or with too many.
    """
    found: list[str] = []
    for branch in schema.get("anyOf", [schema]):
        for text in _of_object(branch):
            found.append(text)
            if len(found) > MOST:
                return []
    return found if all(found) else []


def _of_object(schema: Mapping[str, Any]) -> Iterator[str]:
    fields = list(schema.get("properties", {}).items())
    texts = [""]
    for at, (name, value) in enumerate(fields):
        choices = [value["const"]] if "const" in value else value.get("enum")
        texts = [f"{text}{',' if at else '{'}{_json(name)}:" for text in texts]
        if choices is None:
            yield from texts
            return
        last = "}" if at == len(fields) - 1 else ""
        texts = [f"{text}{_json(choice)}{last}" for text in texts for choice in choices]
        if len(texts) > MOST:
            break
    yield from texts


def _json(value: Any) -> str:
    # The grammar takes every character as it is but this one.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("\x7f", "\\u007f")


class Choices:
    """Follows one answer through the ways in which it can begin.

    Args:
        rows: their tokens, and whether the answer is whole with them.

    Attributes:
        whole: whether the answer is complete.
    """

    def __init__(self, rows: Mapping[Row, bool]) -> None:
        self._whole, self._rows, self._at = rows, list(rows), 0
        self.whole = False

    @property
    def open(self) -> bool:
        """Whether there is something to choose."""
        return len(self._rows) > 1

    def forced(self) -> list[int]:
        """Return, and pass over, the tokens on which all agree."""
        start, first = self._at, self._rows[0] if self._rows else ()
        while self._at < len(first) and all(row[self._at] == first[self._at] for row in self._rows):
            self._at += 1
        if self._rows and self._at == len(first):
            self.whole, self._rows = self._whole[first], []
        return list(first[start : self._at])

    def next(self) -> list[int]:
        """Return the tokens between which there is to be chosen."""
        return sorted({row[self._at] for row in self._rows})

    def take(self, token: int) -> None:
        """Choose one of them."""
        self._rows = [row for row in self._rows if row[self._at] == token]
        self._at += 1
