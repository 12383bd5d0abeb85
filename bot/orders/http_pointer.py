"""JSON pointers (RFC 6901), and the places of an answer that the mapping names by them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from bot.errors import OrderSystemGarbled

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_BAD_ESCAPE = re.compile(r"~(?![01])")


class Nothing(Enum):
    """What stands where a pointer leads nowhere: null is something."""

    HERE = auto()


@dataclass(frozen=True, slots=True)
class Pointer:
    """A JSON pointer, such as "/data/0/id"; "" is the whole document."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Pointer:
        """Return the pointer that is written here.

        Raises:
            ValueError: saying what a pointer looks like.
        """
        if text and not text.startswith("/"):
            raise ValueError('is no JSON pointer: write it like "/data/id", or "" for the whole')
        if _BAD_ESCAPE.search(text):
            raise ValueError('is no JSON pointer: write "~" in a name as "~0", and "/" as "~1"')
        return cls(text)

    def find(self, document: Any) -> Any:
        """Return what it leads to, `Nothing.HERE` when that is nothing. Null on the way is null at the end."""
        for depth, token in enumerate(self.text.split("/")[1:]):
            name = token.replace("~1", "/").replace("~0", "~")
            if isinstance(document, dict) and name in document:
                document = document[name]
            elif isinstance(document, list) and _INDEX.fullmatch(name) and int(name) < len(document):
                document = document[int(name)]
            elif document is None and depth > 0:
                # An order that was not sent has no parcel, and so no carrier.
                return None
            else:
                return Nothing.HERE
        return document


@dataclass(frozen=True, slots=True)
class Place:
    """One value of an answer: `option` is the name of the setting that holds its pointer."""

    option: str
    pointer: Pointer

    def read(self, document: Any) -> Any:
        """Return what stands there, null included.

        Raises:
            OrderSystemGarbled: when the pointer leads nowhere.
        """
        found = self.pointer.find(document)
        if found is Nothing.HERE:
            raise self.wrong("is missing")
        return found

    def wrong(self, what: str) -> OrderSystemGarbled:
        """Return the error that names this place; values stay out of it, for it may end up in a log."""
        return OrderSystemGarbled(f'the answer makes no sense: "{self.pointer.text}" ({self.option}) {what}')
