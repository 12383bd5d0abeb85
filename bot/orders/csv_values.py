"""What stands in an export's cells: amounts of money and times, as shops and spreadsheets write them.

Whether a comma is a decimal mark, and whether the day or the month comes first, is learnt from a file's own cells. What
stays open is refused, never guessed: 1.234 may be a thousand times 1,234, and 03/04/2026 is two different days.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal

Cell = str | datetime | Decimal
"""A text, or what a spreadsheet knows to be a time (naive) or a number."""

EMPTY = frozenset({"", "-", "--", "n/a", "null", "none", "0000-00-00", "0000-00-00 00:00:00"})

_LONGEST_EMPTY = max(map(len, EMPTY))


class Ambiguous(ValueError):
    """A cell can be read in two ways, and nothing in the file says which."""


def cleaned(cell: Cell) -> Cell:
    """Return a cell with its text on one line, without a spreadsheet's apostrophe before it; "" for nothing."""
    if not isinstance(cell, str) or not cell:
        return cell
    text = " ".join(cell.split()).removeprefix("'")
    return "" if len(text) <= _LONGEST_EMPTY and text.casefold() in EMPTY else text


def text_of(cell: Cell) -> str:
    """Return a cleaned cell as text."""
    if isinstance(cell, str):
        return cell
    return format(cell, "f") if isinstance(cell, Decimal) else cell.isoformat(" ")


# --- amounts ---

_AMOUNT = re.compile(r"(\()?\D{0,6}?(-)?[^\d-]{0,5}?(\d[\d.,]*)(-)?\D{0,6}")
_GAPS = re.compile(r"(?<=\d)[ '’](?=\d)")
_CURRENCY = re.compile(r"\b[A-Z]{3}\b")
_SYMBOLS = {"€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₺": "TRY", "₴": "UAH", "₩": "KRW", "₪": "ILS"}


def currency_in(cell: Cell) -> str | None:
    """Return the currency that an amount's cell names without doubt."""
    if not isinstance(cell, str):
        return None
    if code := _CURRENCY.search(cell):
        return code[0]
    return next((code for symbol, code in _SYMBOLS.items() if symbol in cell), None)


def decimal_mark(cells: Iterable[Cell]) -> str:
    """Return the decimal mark that amounts are written with, "" if none of them tells.

    Raises:
        Ambiguous: when some tell the one and some the other.
    """
    marks = {mark for cell in cells if isinstance(cell, str) and (mark := _mark_of(_digits(cell)[0]))}
    if len(marks) > 1:
        raise Ambiguous("some amounts have a decimal point and some a decimal comma; set orders.csv.decimal")
    return marks.pop() if marks else ""


def _digits(text: str) -> tuple[str, bool]:
    plain = _GAPS.sub("", unicodedata.normalize("NFKC", text).replace("−", "-").strip())
    match = _AMOUNT.fullmatch(plain)
    return (match[3].rstrip(".,"), bool(match[1] or match[2] or match[4])) if match else ("", False)


def _mark_of(digits: str) -> str:
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return ""
    mark, other = (".", ",") if digits[last] == "." else (",", ".")
    if digits.count(mark) > 1:
        return other
    # Three digits after the only mark may be thousands, unless nothing but a nought stands before it.
    surely = other in digits or len(digits) - last - 1 != 3 or digits[:last] == "0"
    return mark if surely else ""


def amount_of(cell: Cell, mark: str) -> Decimal:
    """Return an amount; `mark` is the file's decimal mark, "" if nothing told.

    Raises:
        Ambiguous: when it depends on the decimal mark, which nothing told.
        ValueError: when it is no amount.
    """
    if isinstance(cell, Decimal):
        return cell
    if isinstance(cell, datetime):
        raise ValueError("is a date, where an amount belongs")
    digits, negative = _digits(cell)
    if not digits:
        raise ValueError("is no amount")
    if not (mark := mark or _mark_of(digits)) and not digits.isdecimal():
        raise Ambiguous("an amount such as 1.234 may have thousands or decimals; set orders.csv.decimal")
    whole, _, fraction = digits.partition(mark or ".")
    groups = "," if mark == "." else "."
    # India groups by two digits before the last three.
    if groups in whole and not re.fullmatch(rf"\d{{1,3}}(\{groups}\d{{2,3}})*\{groups}\d{{3}}", whole):
        raise ValueError(f"does not have {mark!r} as its decimal mark, like the others")
    if not (whole.replace(groups, "") + fraction).isdecimal():
        raise ValueError("is no amount")
    value = (
        Decimal(f"{whole.replace(groups, '')}.{fraction or '0'}") if fraction else Decimal(whole.replace(groups, ""))
    )
    return -value if negative else value


# --- times ---

_CLOCK = (
    r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[AaPp])?(?:\.?[Mm]\.?)?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
)
_TIME = re.compile(
    r"(?:(?P<y1>\d{4})[-/.](?P<m1>\d{1,2})[-/.](?P<d1>\d{1,2})"
    r"|(?P<a>\d{1,2})(?P<mark>[-/.])(?P<b>\d{1,2})(?P=mark)(?P<y2>\d{4}|\d{2})"
    r"|(?P<d3>\d{1,2})[ -](?P<n3>[A-Za-z]{3,9})\.?[ ,-]+(?P<y3>\d{4}|\d{2})"
    r"|(?P<n4>[A-Za-z]{3,9})\.?[ -](?P<d4>\d{1,2})(?:, ?|[ -])(?P<y4>\d{4}|\d{2}))" + _CLOCK
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def month_comes_first(cells: Iterable[Cell]) -> bool | None:
    """Return whether dates such as 12/31/2026 begin with the month; None if none of them tells.

    Raises:
        Ambiguous: when some begin with the month and some with the day.
    """
    told = set()
    for cell in cells:
        match = _TIME.fullmatch(str(cleaned(cell))) if isinstance(cell, str) else None
        if match and match["a"] and match["mark"] != ".":
            told |= {first for first, day in ((True, match["b"]), (False, match["a"])) if int(day) > 12}
    if len(told) > 1:
        raise Ambiguous("some dates begin with the day and some with the month; set orders.csv.date_format")
    return told.pop() if told else None


def time_of(cell: Cell, zone: tzinfo, *, month_first: bool | None = None, pattern: str = "") -> datetime:
    """Return a time in UTC.

    Args:
        zone: the zone of a time that names none.
        month_first: how 03/04/2026 begins; None if nothing told.
        pattern: the `strptime` pattern of the file's times; "" for the usual ways of writing them.

    Raises:
        Ambiguous: when it is two different days.
        ValueError: when it is no time.
    """
    if isinstance(cell, Decimal):
        raise ValueError("is a number, where a date belongs")
    if isinstance(cell, datetime):
        time = cell
    elif pattern:
        time = datetime.strptime(cell, pattern)
    else:
        time = _read_time(cell, month_first)
    try:
        return (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is no date of this age") from error


def _read_time(text: str, month_first: bool | None) -> datetime:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("is no date in a form that is known; set orders.csv.date_format")
    year, month, day = _date(match, month_first)
    hour = int(match["hour"] or 0)
    if match["half"]:
        hour = hour % 12 + (12 if match["half"] in "Pp" else 0)
    return datetime(
        year, month, day, hour, int(match["minute"] or 0), int(match["second"] or 0), tzinfo=_zone(match["zone"])
    )


def _date(match: re.Match[str], month_first: bool | None) -> tuple[int, int, int]:
    if match["y1"]:
        return int(match["y1"]), int(match["m1"]), int(match["d1"])
    year = int(match["y2"] or match["y3"] or match["y4"])
    year += 2000 if year < 100 else 0
    if name := match["n3"] or match["n4"]:
        if name[:3].casefold() not in _MONTHS:
            raise ValueError("has a month that is not in English; set orders.csv.date_format")
        return year, _MONTHS.index(name[:3].casefold()) + 1, int(match["d3"] or match["d4"])
    first, second = int(match["a"]), int(match["b"])
    if match["mark"] == ".":
        month_first = False
    elif month_first is None:
        month_first = second > 12
        if max(first, second) <= 12 and first != second:
            raise Ambiguous("a date such as 03/04/2026 may begin with the day or the month; set orders.csv.date_format")
    return (year, first, second) if month_first else (year, second, first)


def _zone(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text in ("Z", "UTC", "GMT"):
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
