"""The link in the shop's mails: it fits Telegram, and not one character of it can be changed."""

from __future__ import annotations

import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.links import LinkSigner, fits, is_link, new_row

SECRET, OTHER = bytes(range(32)), bytes(32)
SIGNER = LinkSigner(SECRET)
ALPHABET = string.ascii_letters + string.digits + "_-"
UNTIL = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
NUMBERS = st.text(min_size=1, max_size=21).filter(lambda number: _encodes(number) and fits(number))


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


PAYLOAD = SIGNER.payload("ORD20241112001", "c-1", UNTIL)


@given(NUMBERS, st.text().filter(_encodes), st.datetimes(datetime(1971, 1, 1), datetime(2105, 1, 1)))
def test_what_was_signed_is_read(number: str, customer_id: str, until: datetime) -> None:
    """Number and expiry come back to the second, the customer is recognised, and Telegram takes every payload."""
    expires = until.replace(tzinfo=UTC, microsecond=0)
    payload = SIGNER.payload(number, customer_id, expires)
    assert len(payload) <= 64
    assert set(payload) <= set(ALPHABET)
    assert is_link(payload)
    link = SIGNER.read(payload)
    assert link is not None
    assert (link.number, link.expires) == (number, expires)
    assert SIGNER.names(link, customer_id)
    assert not SIGNER.names(link, customer_id + "1")


def test_a_number_that_does_not_fit_has_a_row() -> None:
    """Above 21 bytes the name of a row stands for the number, and is the link's own name; without one it is refused."""
    row = new_row()
    link = SIGNER.read(SIGNER.payload("N" * 22, "c-1", UNTIL, row=row))
    assert link is not None
    assert (link.id, link.number) == (row, "")
    for number in ("N" * 22, "й" * 11, ""):
        assert not fits(number)
        with pytest.raises(ValueError, match="needs a row"):
            SIGNER.payload(number, "c-1", UNTIL)


def test_every_other_character_at_every_place_is_refused() -> None:
    """None of the payloads that differ from a signed one in a single character is read, whatever stands there."""
    for payload in (PAYLOAD, SIGNER.payload("N" * 21, "c", UNTIL), SIGNER.payload("", "c", UNTIL, row=new_row())):
        assert SIGNER.read(payload) is not None
        read = [
            changed
            for place, kept in enumerate(payload)
            for other in ALPHABET + "=+/. é\n\0"
            if other != kept
            if SIGNER.read(changed := payload[:place] + other + payload[place + 1 :])
        ]
        assert read == []


@given(st.data(), NUMBERS)
def test_any_change_is_refused(data: st.DataObject, number: str) -> None:
    """Characters put in, taken out or exchanged, anywhere and as many as one likes, leave nothing that is read."""
    payload = SIGNER.payload(number, "c-1", UNTIL)
    start = data.draw(st.integers(0, len(payload)))
    end = data.draw(st.integers(start, len(payload)))
    changed = payload[:start] + data.draw(st.text(ALPHABET, max_size=8)) + payload[end:]
    assert (SIGNER.read(changed) is not None) == (changed == payload)


@given(st.text(max_size=80) | st.text(ALPHABET, min_size=38, max_size=64))
def test_reading_never_fails(payload: str) -> None:
    """Whatever stands behind `start=` is refused in peace."""
    assert SIGNER.read(payload) is None


def test_another_secret_reads_nothing() -> None:
    """What one shop, or one secret, has signed means nothing to another; and a short secret is none."""
    assert LinkSigner(OTHER).read(PAYLOAD) is None
    with pytest.raises(ValueError, match="32 bytes"):
        LinkSigner(b"short")


def test_two_links_are_two() -> None:
    """Each link has a name of its own, so that who opened one says nothing of another."""
    signed = [SIGNER.payload(number, "c-1", UNTIL) for number in ("A1", "A2")]
    names = {link.id for payload in signed if (link := SIGNER.read(payload))}
    assert len(names) == 2


def test_an_expiry_that_cannot_be_written() -> None:
    """A time beyond the 32 bits is an error, and not another time."""
    with pytest.raises(ValueError, match="2106"):
        SIGNER.payload("A1", "c-1", datetime(2107, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("payload", ["", "website", "mail_2026", "a" * 37])
def test_the_shops_own_payloads_are_no_links(payload: str) -> None:
    """A shop may tell by short payloads where its customers come from."""
    assert not is_link(payload)
