"""Who may come in, and how many at once."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bot.web.refusals import Refusal

_CHALLENGE = 'Bearer realm="deskhand"'


class Keyring:
    """The keys of the REST API, kept as digests only."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._digests = tuple(_digest(key) for key in keys if key.strip())

    def caller(self, authorization: str | None) -> str:
        """Return the caller of a request: the first 16 hexadecimal digits of the SHA-256 of its key.

        Raises:
            Refusal: 403 when no key is configured, 401 when none or a wrong one was sent.
        """
        if not self._digests:
            message = "The REST API is switched off: set web.api_keys, or DESKHAND_WEB__API_KEYS, to at least one key."
            raise Refusal(403, "rest_disabled", message)
        scheme, _, key = (authorization or "").strip().partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            message = "Send your key in the header 'Authorization: Bearer KEY'."
            raise Refusal(401, "unauthorized", message, headers={"WWW-Authenticate": _CHALLENGE})
        sent = _digest(key)
        # Every digest is compared, so that the time tells neither which key matched nor how much of it.
        matches = [hmac.compare_digest(sent, known) for known in self._digests]
        if not any(matches):
            challenge = f'{_CHALLENGE}, error="invalid_token"'
            message = "This key is not valid here; the valid ones stand in web.api_keys."
            raise Refusal(401, "unauthorized", message, headers={"WWW-Authenticate": challenge})
        return sent.hex()[:16]


def _digest(key: str) -> bytes:
    # aiohttp keeps bytes of a header that are not UTF-8 as lone surrogates.
    return hashlib.sha256(key.strip().encode("utf-8", "surrogateescape")).digest()


def same_secret(sent: str | None, secret: str) -> bool:
    """Compare a secret in constant time; an empty one never matches."""
    given = (sent or "").encode("utf-8", "surrogateescape")
    return hmac.compare_digest(given, secret.encode("utf-8", "surrogateescape")) and bool(secret)


class Slots:
    """Places for turns under way; one more is refused at once rather than queued."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._taken = 0

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a place. Raises Refusal 503 when all are taken."""
        if self._taken >= self._at_once:
            message = f"{self._at_once} turns are under way already; try again in a moment."
            raise Refusal(503, "busy", message, headers={"Retry-After": "1"})
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
