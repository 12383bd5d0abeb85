"""The parts of the adapter `http` that decide without asking anybody."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.errors import OrderSystemGarbled
from bot.orders import http_values as values
from bot.orders.http_pointer import Nothing, Place, Pointer
from bot.orders.http_template import NotAddressable, Template, fill
from bot.orders.http_values import Forms, MoneyForm, TimeForm

HERE = Place("orders.http.fields.x", Pointer("/x"))

DOCUMENT = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
    "~1": 9,
    "none": None,
    "text": "abc",
}


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("", DOCUMENT),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
        ("/~01", 9),
        ("/none", None),
        ("/none/deeper", None),
        ("/foo/2", Nothing.HERE),
        ("/foo/-", Nothing.HERE),
        ("/foo/01", Nothing.HERE),
        ("/foo/-1", Nothing.HERE),
        ("/foo/٠", Nothing.HERE),
        ("/foo/bar", Nothing.HERE),
        ("/text/0", Nothing.HERE),
        ("/nowhere", Nothing.HERE),
    ],
)
def test_pointers(pointer: str, found: Any) -> None:
    """A pointer leads where RFC 6901 says; null on the way is null at the end."""
    assert Pointer.parse(pointer).find(DOCUMENT) == found


@pytest.mark.parametrize("text", ["foo", "$.foo", "#/foo", "/a~", "/a~2b"])
def test_no_pointers(text: str) -> None:
    """What is no pointer is refused with how one is written."""
    with pytest.raises(ValueError, match="JSON pointer"):
        Pointer.parse(text)


def read(text: str) -> Any:
    """Return JSON as the client reads it."""
    return {"x": json.loads(text, parse_float=Decimal)}


@pytest.mark.parametrize(
    ("written", "form", "currency", "amount"),
    [
        ('"12.50"', MoneyForm.DECIMAL, "EUR", "12.50"),
        ("12.10", MoneyForm.DECIMAL, "EUR", "12.10"),
        ("0.1", MoneyForm.DECIMAL, "EUR", "0.1"),
        ('"-3"', MoneyForm.DECIMAL, "EUR", "-3"),
        ("1250", MoneyForm.MINOR, "EUR", "12.50"),
        ('"1250"', MoneyForm.MINOR, "USD", "12.50"),
        ("1250.0", MoneyForm.MINOR, "USD", "12.50"),
        ("1250", MoneyForm.MINOR, "JPY", "1250"),
        ("1250", MoneyForm.MINOR, "KWD", "1.250"),
        ("12500", MoneyForm.MINOR, "CLF", "1.2500"),
        ("9007199254740993", MoneyForm.MINOR, "EUR", "90071992547409.93"),
    ],
)
def test_money(written: str, form: MoneyForm, currency: str, amount: str) -> None:
    """Amounts are exact, in each form and with each currency's own digits."""
    money = values.money(HERE, read(written), currency, form)
    assert (money.amount, str(money.amount), money.currency) == (Decimal(amount), amount, currency)


ISO, SECONDS, MILLISECONDS = TimeForm


@pytest.mark.parametrize(
    ("written", "form", "zone", "time"),
    [
        ('"2026-11-09T11:30:00Z"', ISO, None, datetime(2026, 11, 9, 11, 30, tzinfo=UTC)),
        ('"2026-11-09T11:30:00.5+02:00"', ISO, "Asia/Tokyo", datetime(2026, 11, 9, 9, 30, 0, 500_000, tzinfo=UTC)),
        ('"2026-07-09 11:30:00"', ISO, "Europe/Berlin", datetime(2026, 7, 9, 9, 30, tzinfo=UTC)),
        ('"2026-11-09"', ISO, "Europe/Berlin", datetime(2026, 11, 8, 23, 0, tzinfo=UTC)),
        ("1762684200", SECONDS, None, datetime(2025, 11, 9, 10, 30, tzinfo=UTC)),
        ('"1762684200.25"', SECONDS, None, datetime(2025, 11, 9, 10, 30, 0, 250_000, tzinfo=UTC)),
        ("1762684200250", MILLISECONDS, None, datetime(2025, 11, 9, 10, 30, 0, 250_000, tzinfo=UTC)),
    ],
)
def test_times(written: str, form: TimeForm, zone: str | None, time: datetime) -> None:
    """Times come out aware and in UTC, whatever form and zone they were written in."""
    forms = Forms(form, MoneyForm.DECIMAL, zone and ZoneInfo(zone))
    found = values.time(HERE, read(written), forms)
    assert (found, found.tzinfo) == (time, UTC)


@pytest.mark.parametrize("written", ['"2026-11-09T11:30:00"', '"soon"', "17", '"0001-01-01T00:00:00+14:00"', "{}"])
def test_no_times(written: str) -> None:
    """A time without a zone, or none at all, is named as what it is."""
    with pytest.raises(OrderSystemGarbled, match=r"/x.*time"):
        values.time(HERE, read(written), Forms(ISO, MoneyForm.DECIMAL, None))


def test_templates() -> None:
    """Values are encoded in paths, keep their kind alone in a body, and take what holds them along when missing."""
    filling = {"a": "x/y z", "n": 3, "none": None, "list": [1]}
    assert Template("/{a}/{n}").in_path(filling) == "/x%2Fy%20z/3"
    assert Template("{none}").encoded(filling) is None
    body = {
        "n": Template("{n}"),
        "t": Template("no. {n}"),
        "gone": Template("{none}!"),
        "l": [Template("{list}"), True],
    }
    assert fill(body, filling) == {"n": 3, "t": "no. 3", "l": [[1], True]}


@pytest.mark.parametrize("value", ["", ".", "..", None, "\udfff"])
def test_values_that_no_path_can_hold(value: str | None) -> None:
    """A path is not filled with what would shorten it or break it."""
    with pytest.raises(NotAddressable):
        Template("/orders/{a}/cancel").in_path({"a": value})
