from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.orders.phones import spellings, to_e164


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        # As Telegram writes contacts: the country code first, with or without '+'.
        ("34600111222", None, "+34600111222"),
        ("+34600111222", None, "+34600111222"),
        ("34600111222", "ES", "+34600111222"),
        ("34600111222", "US", "+34600111222"),
        ("79161234567", None, "+79161234567"),
        ("8613800138000", "CN", "+8613800138000"),
        # As people write them.
        ("600 111 222", "ES", "+34600111222"),
        ("600111222", "es", "+34600111222"),
        ("+34 600-111-222", "US", "+34600111222"),
        ("0034 600 111 222", None, "+34600111222"),
        ("0034 600 111 222", "FR", "+34600111222"),
        ("(202) 555-0142", "US", "+12025550142"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("8 (916) 123-45-67", "RU", "+79161234567"),
        ("tel:+34600111222", None, None),
        # In other digits.
        ("٠٥٠١٢٣٤٥٦٧", "AE", "+971501234567"),
        ("＋３４６００１１１２２２", None, "+34600111222"),
        ("९१९८७६५४३२१०", None, "+919876543210"),
        # No number, or not enough of one.
        ("600111222", None, None),
        ("", "ES", None),
        ("   ", None, None),
        ("+", None, None),
        ("12345", "ES", None),
        ("555-0142", "US", None),
        ("+1 202 555 0142 ext. 7", None, None),
        ("+1 800 FLOWERS", None, None),
        ("+999 600111222", None, None),
        ("+34 600111222 600111222", None, None),
        ("600111222", "XX", None),
        ("9" * 10_000, None, None),
        ("\ud800\x00", "ES", None),
    ],
)
def test_to_e164(text: str, region: str | None, expected: str | None) -> None:
    """A telephone number is found however it is written, and nothing else is taken for one."""
    assert to_e164(text, region) == expected


@settings(deadline=None)
@given(st.text(), st.sampled_from([None, "ES", "US", "zz"]))
def test_any_text(text: str, region: str | None) -> None:
    """Whatever the text, the answer is None or a number that is its own E.164 form."""
    number = to_e164(text, region)
    assert number is None or to_e164(number, None) == number


def test_imported_when_needed() -> None:
    """The library of telephone numbers costs no memory before the first number is read."""
    code = "import sys, bot.orders.phones, bot.orders.desk, bot.orders.demo; sys.exit('phonenumbers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("e164", "found"),
    [
        ("+12025550142", ["2025550142", "202 555 0142", "202-555-0142", "202.555.0142", "(202) 555-0142"]),
        ("+447700900119", ["7700900119", "7700 900119", "7700-900119", "7700.900119"]),
        ("+34600111222", ["600111222", "600 11 12 22", "600-11-12-22", "600.11.12.22"]),
        ("600111222", []),
        ("+1", []),
        ("%", []),
        ("", []),
    ],
)
def test_spellings(e164: str, found: list[str]) -> None:
    """A number is searched for as people write it, without what only some of them write before it."""
    assert spellings(e164) == found
