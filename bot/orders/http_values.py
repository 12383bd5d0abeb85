"""The values of an answer, read strictly: text, whole numbers, times and money, or an error that names the place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.model import Money
from bot.orders.http_pointer import Nothing, Place

CURRENCY = re.compile(r"[A-Z]{3}")

# How many digits of ISO 4217's currencies are behind the point, where they are not two.
_OTHER_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

_DECIMAL = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TimeForm(StrEnum):
    """How the order system writes times."""

    ISO = "iso8601"
    SECONDS = "epoch_s"
    MILLISECONDS = "epoch_ms"


class MoneyForm(StrEnum):
    """How the order system writes amounts: "12.50" or 12.5, or 1250 in the currency's smallest unit."""

    DECIMAL = "decimal"
    MINOR = "minor"


@dataclass(frozen=True, slots=True)
class Forms:
    """How this order system writes things; `zone` is for times that come without one."""

    times: TimeForm
    money: MoneyForm
    zone: ZoneInfo | None


def text(place: Place, document: Any) -> str:
    """Return a text, or a whole number as text."""
    found = text_or_none(place, document)
    if found is None:
        raise place.wrong("is empty")
    return found


def text_or_none(place: Place, document: Any) -> str | None:
    """Return a text, None for null and for an empty one."""
    found = place.read(document)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise place.wrong("is not text")
    return str(found) if str(found).strip() else None


def optional_text(place: Place | None, document: Any) -> str | None:
    """Return a text that the mapping, the answer or both may leave out."""
    return None if _is_left_out(place, document) or place is None else text_or_none(place, document)


def whole(place: Place, document: Any) -> int:
    """Return a whole number; 2.0 and "2" are ones, too."""
    number = _decimal(place, document)
    if number != number.to_integral_value():
        raise place.wrong("is not a whole number")
    return int(number)


def truth(place: Place, document: Any) -> bool:
    """Return true or false."""
    found = place.read(document)
    if not isinstance(found, bool):
        raise place.wrong("is neither true nor false")
    return found


def time(place: Place, document: Any, forms: Forms) -> datetime:
    """Return a time, in UTC."""
    found = optional_time(place, document, forms)
    if found is None:
        place.read(document)
        raise place.wrong("is empty")
    return found


def optional_time(place: Place | None, document: Any, forms: Forms) -> datetime | None:
    """Return a time in UTC that the mapping, the answer or both may leave out."""
    if place is None or _is_left_out(place, document):
        return None
    try:
        if forms.times is TimeForm.ISO:
            return _iso(place, document, forms.zone)
        unit = 1_000_000 if forms.times is TimeForm.SECONDS else 1_000
        return _EPOCH + timedelta(microseconds=int(_decimal(place, document) * unit))
    except OverflowError as error:
        raise place.wrong("is a time out of all bounds") from error


def money(place: Place, document: Any, currency: str, form: MoneyForm) -> Money:
    """Return an amount in this currency, exactly."""
    amount = _decimal(place, document)
    if form is MoneyForm.DECIMAL:
        return Money(amount, currency)
    if amount != amount.to_integral_value():
        raise place.wrong("is not a whole number of the smallest unit (orders.http.money is minor)")
    return Money(amount.to_integral_value().scaleb(-minor_digits(currency)), currency)


def currency(place: Place | str, document: Any) -> str:
    """Return an ISO 4217 code: the constant of the mapping, or the one in the answer."""
    if isinstance(place, str):
        return place
    code = text(place, document)
    if not CURRENCY.fullmatch(code):
        raise place.wrong("is no ISO 4217 code")
    return code


def minor_digits(code: str) -> int:
    """Return how many digits a currency has behind the point."""
    return next((digits for digits, codes in _OTHER_DIGITS.items() if code in codes.split()), 2)


def _is_left_out(place: Place | None, document: Any) -> bool:
    return place is None or place.pointer.find(document) in (Nothing.HERE, None, "")


def _decimal(place: Place, document: Any) -> Decimal:
    # The JSON is read with Decimal for every number with a point, so nothing was rounded on the way.
    found = place.read(document)
    if isinstance(found, str) and _DECIMAL.fullmatch(found.strip()):
        found = Decimal(found.strip())
    if isinstance(found, bool) or not isinstance(found, int | Decimal):
        raise place.wrong("is not a number")
    try:
        number = Decimal(found)
    except (InvalidOperation, ValueError) as error:
        raise place.wrong("is not a number") from error
    if not number.is_finite() or abs(number.adjusted()) > 20:
        raise place.wrong("is a number out of all bounds")
    return number


def _iso(place: Place, document: Any, zone: ZoneInfo | None) -> datetime:
    found = place.read(document)
    try:
        moment = datetime.fromisoformat(found.strip())
    except (ValueError, AttributeError) as error:
        raise place.wrong("is no ISO 8601 time") from error
    if moment.tzinfo is None:
        if zone is None:
            raise place.wrong("is a time without its zone; set orders.http.zone")
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)
