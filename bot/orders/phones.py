"""Telephone numbers in the one form that can be compared: E.164."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

MAX_CHARS = 40


def to_e164(text: str, region: str | None) -> str | None:
    """Return a phone number as E.164 ("+34600111222"), or None if the text is not one.

    Args:
        text: one number, in any usual way of writing it, with or without '+'.
        region: the two-letter country in which a number without a country code is read, such as the shop's. Pass
            None for a Telegram contact: its numbers always begin with the country code, though often without '+'.

    A number counts when its length is possible for its country. The plan of assigned ranges is not asked, except to
    choose between two readings: it changes faster than this library, and the shop's own data decides in the end.
    """
    # Imported here because it takes 3 MB, which a bot whose customers never share a phone number need not spend.
    import phonenumbers

    possible = [number for number in _readings(text, region) if _is_possible(number)]
    if not possible:
        return None
    best = next((number for number in possible if phonenumbers.is_valid_number(number)), possible[0])
    return phonenumbers.format_number(best, phonenumbers.PhoneNumberFormat.E164)


def spellings(e164: str) -> list[str]:
    """Return what stands in a number however people write it, for searching where numbers stand as they were typed.

    These are the digits without the country's code: together, and in their usual groups with spaces, hyphens or dots
    between them, and with brackets where those are usual. What is no E.164 number has none.
    """
    import phonenumbers

    if to_e164(e164, None) != e164:
        return []
    number = phonenumbers.parse(e164)
    abroad = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    _, *groups = re.findall(r"\d+", abroad)
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    found = ["".join(groups), " ".join(groups), "-".join(groups), ".".join(groups)]
    bracketed = national if "(" in national else found[0]
    return list(dict.fromkeys([*found, bracketed]))


def _readings(text: str, region: str | None) -> Iterator[PhoneNumber]:
    import phonenumbers

    number = unicodedata.normalize("NFKC", text).strip()
    if not number or len(number) > MAX_CHARS or any(character.isalpha() for character in number):
        return
    spellings = [(number, region)] if region or number.startswith("+") else []
    if not number.startswith("+"):
        spellings.append(("+" + number.removeprefix("00"), None))
    for spelling, country in spellings:
        try:
            yield phonenumbers.parse(spelling, country and country.upper())
        except phonenumbers.NumberParseException:
            continue


def _is_possible(number: PhoneNumber) -> bool:
    import phonenumbers

    # A number that is only possible within one town lacks the part that tells subscribers apart.
    reason = phonenumbers.is_possible_number_with_reason(number)
    return reason == phonenumbers.ValidationResult.IS_POSSIBLE and not number.extension
