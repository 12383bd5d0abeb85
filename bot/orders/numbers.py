"""Order numbers, freed of how a customer happened to type them."""

from __future__ import annotations

import unicodedata


def plain(number: str) -> str:
    """Return only the letters and digits of an order number, in upper case and with ASCII digits.

    Spaces, '#', hyphens, full-width forms, invisible direction marks and broken characters fall away, so that two
    spellings of one number are equal and what is left can go to any database. Nothing may be left.
    """
    folded = unicodedata.normalize("NFKC", number).upper()
    return "".join(_ascii_digit(character) for character in folded if character.isalnum())


def _ascii_digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)
