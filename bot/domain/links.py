"""The link that the shop puts into its mails: what stands in it, signed, and read back.

    https://t.me/<bot>?start=<payload>

Telegram takes 64 characters of A-Z, a-z, 0-9, "_" and "-" there, which are 48 bytes:

    version (1) · expires, in seconds since 1970 (4) · mark of the customer (6) · reference (1 to 21) · signature (16)

The reference is the order's number, in UTF-8, or where that is too long the name of a row that holds it. The mark ties
the link to one customer without naming them: numbers that a shop uses again cannot show one customer's orders to the
next. The signature is an HMAC-SHA256, cut to 128 bits.
"""

from __future__ import annotations

import hmac
import re
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime

SECRET_BYTES = 32
_HEAD, _SIGNATURE = struct.Struct(">BI6s"), 16
_MOST = 48 - _HEAD.size - _SIGNATURE
_WITH_NUMBER, _WITH_ROW = 1, 2
_ROW_BYTES = 12
# Shorter ones are the shop's own, which tell where a customer comes from: t.me/<bot>?start=website.
_SHORTEST = 38
_PAYLOAD = re.compile(rf"[A-Za-z0-9_-]{{{_SHORTEST},64}}")


@dataclass(frozen=True, slots=True)
class Link:
    """A link whose signature is right; whether it has expired, or was opened by somebody else, is still to be asked.

    `id` tells it from every other link. `number` is the order's, and empty where a row of this id holds it.
    """

    id: str
    number: str
    expires: datetime
    mark: bytes


def is_link(payload: str) -> bool:
    """Whether it is meant as such a link, right or wrong; the shop may use shorter payloads as it likes."""
    return len(payload) >= _SHORTEST


def fits(number: str) -> bool:
    """Whether the order's number can stand in the link itself."""
    return 0 < len(number.encode()) <= _MOST


def new_row() -> str:
    """Return a name for the row of a number that is too long."""
    return secrets.token_hex(_ROW_BYTES)


class LinkSigner:
    """Signs links and reads them.

    Args:
        secret: of 32 bytes or more, and known to this shop's bot alone.

    Raises:
        ValueError: when the secret is shorter.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) < SECRET_BYTES:
            raise ValueError(f"the secret of the links needs {SECRET_BYTES} bytes")
        self._secret = secret

    def payload(self, number: str, customer_id: str, expires: datetime, *, row: str = "") -> str:
        """Return what stands behind `start=`, at most 64 characters.

        Args:
            row: what `new_row` gave, for a number that does not fit.

        Raises:
            ValueError: when the number does not fit and there is no row, or the time is no 32-bit number of seconds.
        """
        if not row and not fits(number):
            raise ValueError(f"an order number of more than {_MOST} bytes needs a row")
        seconds = int(expires.timestamp())
        if not 0 <= seconds < 1 << 32:
            raise ValueError("a link expires between 1970 and 2106")
        head = _HEAD.pack(_WITH_ROW if row else _WITH_NUMBER, seconds, self._mark(customer_id))
        body = head + (bytes.fromhex(row) if row else number.encode())
        return _text(body + self._signature(body))

    def read(self, payload: str) -> Link | None:
        """Return the link of a payload; None unless every single character is as it was signed."""
        # No bytes at all have a text that is one longer than a multiple of four.
        if not _PAYLOAD.fullmatch(payload) or len(payload) % 4 == 1:
            return None
        data = urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        body, signature = data[:-_SIGNATURE], data[-_SIGNATURE:]
        # The last character may have bits that no byte holds: two payloads would be one.
        if not hmac.compare_digest(signature, self._signature(body)) or _text(data) != payload:
            return None
        version, seconds, mark = _HEAD.unpack_from(body)
        reference, expires = body[_HEAD.size :], datetime.fromtimestamp(seconds, UTC)
        if version == _WITH_NUMBER:
            return Link(signature.hex(), reference.decode(), expires, mark)
        # A later version of this program may sign others.
        return Link(reference.hex(), "", expires, mark) if version == _WITH_ROW else None

    def names(self, link: Link, customer_id: str) -> bool:
        """Whether this is the customer that the link was made for."""
        return hmac.compare_digest(link.mark, self._mark(customer_id))

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, b"deskhand link\0" + body, "sha256")[:_SIGNATURE]

    def _mark(self, customer_id: str) -> bytes:
        return hmac.digest(self._secret, b"deskhand customer\0" + customer_id.encode(), "sha256")[:6]


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
