"""Reads a text for order numbers harder than the plain shapes do: it weighs what speaks for a number and against it.

The form of a number and what stands around it count together, so that no list of special cases is needed: a word for
an order makes up for a poor form, and a good form needs no word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from bot.domain.order_shapes import (
    COMMAND,
    HARD_SPOILT,
    MODEL,
    NO_PREFIX,
    ORDER_AFTER,
    ORDER_NEAR,
    ORDER_WORD,
    OTHER_AFTER,
    OTHER_NEAR,
    OTHER_WORD,
    POSTCODE,
    RUN,
    TOWN,
    YEAR,
    is_date,
    is_phone,
)

MAX_LENGTH = 40
MAX_MATCHES = 60

OWN, PLAIN, LIKELY, GUESS, ANSWER, AGAINST = 4.75, 4.5, 1.5, 0.5, -1.0, -3.0
"""How much speaks for a number: of the shop's own shape, found plainly, likely, and what does in poorer cases."""

# What is worth more than this less than the best is none.
_STEP = 1.0
_CALLED, _NEVER = 3.0, -9.0

Found = tuple[int, int, str, float]

_DIGIT = re.compile(r"\d")
_JOINTS = re.compile(r"[-‐–−./_ ]+")
_GAP = re.compile(r" | ?[-–/] ?")
_GROUP = re.compile(r"\d{2,12}(?:[-/]\d{1,12})*|\d|[A-Z]")
_SERIES = re.compile(r"[A-ZΑ-ΩЀ-Я]{1,4}|[A-Z]{2,3}\d{1,3}")
_NO_SERIES = re.compile(
    r"[AEIOUYZАВИКОСУЯІЙ]|VAT|ID|TEL|PLZ|ZIP|PIN|EU|US|UK|GB|TV|PC|USB|HDMI|IBAN|NIP|IN|TO|NO|NR|CEP|CPF|CP|AM|PM|UPS|DHL|EUR|USD|"
    r"ISBN|ISO|DIN|THE|AT|ON|OF|IS|MY|AND|BY|ΤΚ|ТК|ИНН|ТЕЛ"
)
_SHOUTED = re.compile(r"(?<![^\W\d_])[^\W\d_]{5,}(?![^\W\d_])")
_ENDINGS = re.compile(r"(?:[-./][^\W\d_]*[^\W\d_A-ZΑ-ΩЀ-Я][^\W\d_]*)+$")
_HEADS = re.compile(r"^(?:[^\W\d_]{4,}[-./]|[^\W\d_]*[a-zа-я][.])(?=.*\d)")
_PHONES = re.compile(
    r"\d{3}-\d\d-\d\d|\d{3}-\d{3}-\d{3}|\d{2,3}-\d{3,4}-\d{4}|\d\d(?:-\d\d){3,4}|\d{3}\.\d{3}\.\d{3}-\d\d"
)
_SPACED_PHONES = re.compile(
    r"\d\d?(?: \d\d){3,4}|\d{5} \d{5}|\d{4} \d{3} \d{3}|1\d\d \d{4} \d{4}|\d{3} \d{3} \d{3,4}|\d{3} \d{7}"
    r"|\d{3} \d\d \d\d \d\d"
)
_SPACED_TOWNS = re.compile(r"\d{3} \d\d|\d{1,2} \d00")
_TOWNS = re.compile(r"\d\d-\d{3}")
_MEASURE = re.compile(r"\d{1,3}[.]\d[A-Z]{1,3}")
_BRAND = re.compile(r"[^\W\d_] [A-Z][a-z]+ $")


def blank(match: re.Match[str]) -> str:
    """Return what stands in for a match, so that nothing is found in it and all else keeps its place."""
    return "\x00" * len(match.group())


def cleared(text: str) -> str:
    """Return a text without prices, times, phones, parcels, cards and measures, and without what can be a date."""
    return HARD_SPOILT.sub(lambda match: blank(match) if _is_spoilt(match) else match.group(), text)


def _is_spoilt(match: re.Match[str]) -> bool:
    if not (written := match.group("date")):
        return True
    first, second, third = (int(part) for part in re.split(r"[./-]", written))
    return any(0 < month <= 12 and 0 < day <= 31 for day, month in ((first, second), (second, first), (third, second)))


def worth(weighed: Sequence[tuple[str, float]], least: float) -> tuple[str, ...]:
    """Return the numbers that are worth it: those near the best; only where none is likely, what is less than that."""
    best = max((score for _, score in weighed), default=least)
    limit = max(LIKELY, best - _STEP) if best >= LIKELY else least
    return tuple(number for number, score in weighed if score >= limit)


def read_hard(plainly: Sequence[Found], text: str) -> list[Found]:
    """Return what was found plainly and what else may be a number: where it stands, as written, and what it is worth.

    A number that goes on around one that was found plainly is taken whole, but never in place of the shop's own shape.
    """
    found = list(plainly)
    for start, end in islice(_runs(text), MAX_MATCHES):
        number = text[start:end]
        score = _form(number) + _place(text, start, end)
        within = [one for one in found if one[0] < end and one[1] > start]
        around = all(start <= one[0] and one[1] <= end and one[3] != OWN for one in within)
        firm = " " not in number or number[0].isupper() or score >= LIKELY + _STEP
        if not within or (around and firm and score >= LIKELY):
            found = [one for one in found if one not in within]
            found.append((start, end, number, max([score, *(one[3] for one in within)])))
    return found


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Yield where words with digits stand, and groups of digits with a space between, behind capitals or none."""
    spans = [match.span() for match in RUN.finditer(text)]
    shouted = any(word.isupper() and word.upper() != word.lower() for word in _SHOUTED.findall(text))
    at = 0
    while at < len(spans):
        start, end = spans[at]
        word = text[start:end]
        series = not shouted and _SERIES.fullmatch(word) and not _NO_SERIES.fullmatch(word)
        if series or (word[0].isdigit() and len(word) <= 8 and word.isascii() and not word[-1].isalpha()):
            while at + 1 < len(spans) and _joins(text, end, *spans[at + 1]):
                at += 1
                end = spans[at][1]
        at += 1
        if _DIGIT.search(text, start, end):
            yield _bare(text, start, end)


def _joins(text: str, end: int, start: int, stop: int) -> bool:
    """Whether a word goes on with the one at `start`: two digits or more; less in a third group or behind a joint."""
    gap = text[end:start]
    if not _GAP.fullmatch(gap) or not _GROUP.fullmatch(text, start, stop) or OTHER_AFTER.match(text, stop):
        return False
    single = text[start].isdigit() and text[stop : stop + 1] != " "
    if gap != " " or stop - start > 1:
        return True
    return (single or text[start].isalpha()) and text[start] not in "AIOEYU" and " " in text[max(0, end - 6) : end]


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave out endings that a grammar adds ("610-es"), and words that are joined to a number ("nr.610")."""
    number = text[start:end]
    if ending := _ENDINGS.search(number):
        stem = number[: ending.start()]
        if _DIGIT.search(stem) and not any(map(str.islower, stem)):
            end = start + len(stem)
    if head := _HEADS.match(number):
        start += head.end()
    return start, end


def _place(text: str, start: int, end: int) -> float:
    """Return how much what stands around a number speaks for an order."""
    before = max(0, start - 40)
    if COMMAND.search(text, 0, start) or (start and text[start - 1] in "@+\x00") or _goes_on(text, start, end):
        return _NEVER
    if ORDER_WORD.search(text, before, start):
        return _CALLED
    if OTHER_WORD.search(text, before, start) or OTHER_AFTER.match(text, end):
        return _NEVER
    score = 0.0
    if text[start:end].replace(" ", "").isdigit() and OTHER_NEAR.search(text, before, start):
        score -= 2.0
    if end - start == 5 and text[start:end].isdigit() and TOWN.match(text, end):
        score -= 3.0
    if _BRAND.search(text, before, start) and end - start <= 4:
        score -= 1.5
    if ORDER_AFTER.match(text, end):
        return score + 1.5
    return score + 1.0 if ORDER_NEAR.search(text, before, start) else score


def _goes_on(text: str, start: int, end: int) -> bool:
    """Whether a number is part of a longer one: of a price, a time, a telephone number."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    return (before[:1].isdigit() and before[1:] in (",", ":", "'")) or (
        after[:1] in (",", ":", "'") and after[1:].isdigit()
    )


def _form(number: str) -> float:
    """Return how much a number's form speaks for an order."""
    digits = "".join(sign for sign in number if sign.isdigit())
    parts = _JOINTS.split(number)
    if len(number) > MAX_LENGTH:
        return _NEVER
    if len(digits) == sum(map(len, parts)):
        if len(parts) == 1:
            return _form_of_digits(digits)
        return _form_of_groups(number, digits) if " " in number else _form_of_joined(number, digits, parts)
    return _form_of_letters(number, len(digits), parts)


def _form_of_digits(digits: str) -> float:
    if digits[0] == "0" or (len(digits) > 4 and (is_date(digits) or is_phone(digits))) or len(digits) > 20:
        return -1.0
    return (-2.0, -1.0, 0.5, 0.0 if YEAR.fullmatch(digits) else 1.5, 2.5)[min(len(digits), 5) - 1]


def _form_of_groups(number: str, digits: str) -> float:
    if len(digits) < 4 or digits[0] == "0":
        return -2.0
    if len(digits) == 5:
        return -1.0 if _SPACED_TOWNS.fullmatch(number) else 1.5
    return 1.5 if 6 <= len(digits) <= 12 and not _SPACED_PHONES.fullmatch(number) else 0.0


def _form_of_joined(number: str, digits: str, parts: Sequence[str]) -> float:
    if (max(map(len, parts)) <= 2 and len(digits) < 6) or len(digits) < 4:
        return -2.0
    if _TOWNS.fullmatch(number) and digits[0] != "0":
        return 1.5
    if "." in number or digits[0] == "0" or POSTCODE.fullmatch(number) or _PHONES.fullmatch(number) or is_phone(digits):
        return -1.0 if len(digits) >= 5 else -2.0
    return 2.0 if len(digits) >= 5 else 1.5


def _form_of_letters(number: str, digits: int, parts: Sequence[str]) -> float:
    letters = "".join(sign for sign in number if sign.isalpha())
    if MODEL.fullmatch(number.upper()) or NO_PREFIX.fullmatch(parts[0]) or NO_PREFIX.fullmatch(letters):
        return -3.0
    joined = len(parts) > 1
    if letters != letters.upper():
        low = letters == letters.lower() and len(letters) <= 3 and not number[0].isdigit()
        return (1.5 if digits >= (2 if joined else 3) else 0.0) if low else -1.5
    if digits == 1 or len(letters) > 8 or _MEASURE.fullmatch(number):
        return -1.0
    if joined:
        return 2.5 if digits >= 3 else 2.0
    if number[0].isdigit() and number[-1].isalpha() and digits < 4:
        return -1.0
    return 2.0 if digits >= 3 else 1.5
