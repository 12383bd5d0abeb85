"""What customers type, made safe to store, to show and to read."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.text import MAX_STORED, clean, excerpt, one_line


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a\x00b", "ab"),
        ("\x00", ""),
        ("\ud83d", "\ufffd"),
        ("x\udfffy", "x\ufffdy"),
        ("\U0001f9a6", "\U0001f9a6"),
        ("abc\u202egnp.exe", "abcgnp.exe"),
        ("\u202aa\u202bb\u202cc\u202dd", "abcd"),
        ("\u2066a\u2069 \u2067b\u2069 \u2068c\u2069", "\u2066a\u2069 \u2067b\u2069 \u2068c\u2069"),
        ("\u200fשלום\u200e", "\u200fשלום\u200e"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f468\u200d\U0001f469\u200d\U0001f467"),
        ("one\r\ntwo\rthree\n\tfour", "one\ntwo\nthree\n\tfour"),
        ("\ufeffhello", "hello"),
        ("  hello \n", "hello"),
        ("e\u0301", "é"),
        ("\x1b[31mred\x9b", "[31mred"),
        ("<b>&amp;*_`[", "<b>&amp;*_`["),
        ("", ""),
    ],
)
def test_clean(typed: str, kept: str) -> None:
    """What breaks databases, terminals and eyes goes; what scripts, emoji and markup-like text need stays."""
    assert clean(typed) == kept


def test_clean_cuts_the_very_long() -> None:
    """Of a text longer than 32 KB the beginning is kept."""
    assert clean("a" * (MAX_STORED + 1)) == "a" * MAX_STORED
    assert clean("a" * MAX_STORED) == "a" * MAX_STORED
    assert len(clean("\U0001f9a6" * MAX_STORED)) == MAX_STORED


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=200))
def test_clean_is_always_storable_and_stable(typed: str) -> None:
    """Whatever is typed, the result can be encoded, holds no control but line ends and tabs, and is clean already."""
    kept = clean(typed)
    kept.encode("utf-8")
    assert not [c for c in kept if unicodedata.category(c) == "Cc" and c not in "\n\t"]
    assert not set(kept) & set("\u202a\u202b\u202c\u202d\u202e")
    assert clean(kept) == kept


@given(st.text(max_size=300), st.integers(10, 100))
def test_excerpt_shows_both_ends(text: str, limit: int) -> None:
    """A short text is shown whole; of a long one the beginning and the end, little more than the limit."""
    shown = excerpt(text, limit)
    if len(text) <= limit:
        assert shown == text
    else:
        assert shown.startswith(text[: limit // 2])
        assert shown.endswith(text[-(limit // 2) :])
        assert len(shown) <= limit + 3


@given(st.text(max_size=300), st.integers(1, 100))
def test_one_line_fits(text: str, limit: int) -> None:
    """The result is one line of at most that many characters, and says that it was cut."""
    line = one_line(text, limit)
    assert len(line) <= limit
    assert "\n" not in line
    assert line == " ".join(text.split()) or line.endswith("…")
