"""Amounts and dates in the ways in which people, shops and spreadsheets write them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.orders.csv_values import (
    Ambiguous,
    amount_of,
    currency_in,
    decimal_mark,
    month_comes_first,
    time_of,
)

MADRID = ZoneInfo("Europe/Madrid")


@pytest.mark.parametrize(
    ("text", "mark", "amount"),
    [
        ("12.50", "", "12.50"),
        ("12,50", "", "12.50"),
        ("1,234.50", "", "1234.50"),
        ("1.234,50", "", "1234.50"),
        ("1 234,50 €", "", "1234.50"),
        ("1\u202f234,50", "", "1234.50"),
        ("1'234.50", "", "1234.50"),
        ("12,34,567.00", "", "1234567.00"),
        ("1.234.567", "", "1234567"),
        ("1.234", ".", "1.234"),
        ("1.234", ",", "1234"),
        ("0.125", "", "0.125"),
        ("7", "", "7"),
        ("$1,433.66", "", "1433.66"),
        ("AU $3,000.00", "", "3000.00"),
        ("EUR 90,00", "", "90.00"),
        ("12.50 USD", "", "12.50"),
        ("-5.00", "", "-5.00"),
        ("−5,00 €", "", "-5.00"),
        ("(5.00)", "", "-5.00"),
        ("$-5.00", "", "-5.00"),
        ("5.00-", "", "-5.00"),
        ("１２.５０", "", "12.50"),
        (Decimal("19.9"), ",", "19.9"),
    ],
)
def test_amounts(text: str | Decimal, mark: str, amount: str) -> None:
    """An amount is read as it was meant, by its own marks or by the file's."""
    assert amount_of(text, mark) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "free", "12.50.1", "1,23.50", "--", "€", "1e5", "0x10", "12,50 / 3"])
def test_no_amounts(text: str) -> None:
    """What is no amount is refused."""
    with pytest.raises(ValueError, match=r"amount|decimal"):
        amount_of(text, ".")


def test_thousands_or_decimals() -> None:
    """1.234 is not guessed; the other cells of a file may tell what it is, unless they contradict each other."""
    with pytest.raises(Ambiguous, match=r"orders\.csv\.decimal"):
        amount_of("1.234", "")
    assert decimal_mark(["1.234", "7", "12,50"]) == ","
    assert decimal_mark(["1,234", "9.99", Decimal("1.5")]) == "."
    assert decimal_mark(["1.234", "7"]) == ""
    with pytest.raises(Ambiguous):
        decimal_mark(["12,50", "12.50"])


def test_currencies() -> None:
    """A code or a sign that only one currency has is told; a dollar may be anybody's."""
    assert [currency_in(text) for text in ("EUR 5", "5 €", "£5", "$5", "AU $5", "5")] == [
        "EUR",
        "EUR",
        "GBP",
        None,
        None,
        None,
    ]


@given(
    st.decimals(min_value=0, max_value=10**9, places=2),
    st.sampled_from([(".", ","), (",", "."), (",", " "), (".", "")]),
)
def test_every_written_amount_is_read_back(amount: Decimal, marks: tuple[str, str]) -> None:
    """Whatever a program writes with two decimals and groups of three is read back, without any setting."""
    text = f"{amount:,.2f}".replace(",", "g").replace(".", marks[0]).replace("g", marks[1])
    assert amount_of(text, "") == amount


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-03 14:05:06",
        "2026-11-03T14:05:06",
        "2026-11-03 13:05:06 +0000",
        "2026-11-03T13:05:06Z",
        "2026-11-03T15:05:06.123+02:00",
        "2026/11/03 14:05:06",
        "03.11.2026 14:05:06",
        "3.11.26, 14:05:06",
        "3 Nov 2026 14:05:06",
        "03-Nov-26 14:05:06",
        "Nov-03-26 14:05:06",
        "November 3, 2026 2:05:06 PM",
        "3 Nov. 2026 2:05:06 p.m.",
        datetime(2026, 11, 3, 14, 5, 6),
    ],
)
def test_times(text: str | datetime) -> None:
    """A time is read in every usual way of writing it; one without a zone is the shop's."""
    assert time_of(text, MADRID) == datetime(2026, 11, 3, 13, 5, 6, tzinfo=UTC)


def test_days_and_months() -> None:
    """03/04/2026 is not guessed; a file's other dates, or the shop, tell which comes first."""
    with pytest.raises(Ambiguous, match=r"orders\.csv\.date_format"):
        time_of("03/04/2026", UTC)
    assert time_of("03/04/2026", UTC, month_first=True).month == 3
    assert time_of("03/04/2026", UTC, month_first=False).month == 4
    assert time_of("30/04/2026", UTC).day == 30
    assert time_of("05/05/2026", UTC).month == 5
    assert time_of("3|4|26", UTC, pattern="%d|%m|%y").month == 4
    assert month_comes_first(["03/04/2026", "03/25/2026", ""]) is True
    assert month_comes_first(["03-04-26", "25-04-26"]) is False
    assert month_comes_first(["03.04.2026", "2026-04-25", "03/04/2026"]) is None
    with pytest.raises(Ambiguous):
        month_comes_first(["25/04/2026", "04/25/2026"])


@pytest.mark.parametrize(
    "text", ["yesterday", "31/02/2026", "2026-13-01", "13/13/2026", "10-Dez-25", "99999999", "1/2"]
)
def test_no_times(text: str) -> None:
    """What is no date, or not one that is known for sure, is refused."""
    with pytest.raises(ValueError, match=r".+"):
        time_of(text, UTC)


def test_a_date_against_the_file() -> None:
    """A date that contradicts how its file writes dates is refused, not read the other way round."""
    with pytest.raises(ValueError, match="month"):
        time_of("12/31/2026", UTC, month_first=False)
