"""The ledger's two rules: a write only goes forward, and only what was agreed to is sent."""

from __future__ import annotations

import hashlib
import json

from bot.domain.model import LedgerEntry, LedgerState, Money

S = LedgerState

FOLLOWS: dict[LedgerState, frozenset[LedgerState]] = {
    S.PROPOSED: frozenset({S.CONFIRMED, S.DECLINED, S.EXPIRED, S.REFUSED}),
    S.CONFIRMED: frozenset({S.IN_FLIGHT, S.REFUSED, S.EXPIRED}),
    S.IN_FLIGHT: frozenset({S.DONE, S.REFUSED, S.UNKNOWN}),
    S.UNKNOWN: frozenset({S.DONE, S.REFUSED}),
    S.DONE: frozenset(),
    S.REFUSED: frozenset(),
    S.DECLINED: frozenset(),
    S.EXPIRED: frozenset(),
}
"""Each state, and those that may come after it."""

ENDS = frozenset(state for state, following in FOLLOWS.items() if not following)
"""The states in which nothing more happens."""

UNDER_WAY = frozenset({S.CONFIRMED, S.IN_FLIGHT, S.UNKNOWN})
"""The states in which no other write may be begun for the same order."""


def before(state: LedgerState) -> frozenset[LedgerState]:
    """Return the states that a write may come from."""
    return frozenset(earlier for earlier, following in FOLLOWS.items() if state in following)


def fingerprint(entry: LedgerEntry) -> str:
    """Return a hash of what an entry asks the order system for, and for whom."""
    said = [
        entry.action.value,
        entry.customer_id,
        entry.order_number,
        [[line.item_id, line.quantity] for line in entry.lines],
        entry.reason.value if entry.reason else None,
        _plain(entry.amount),
    ]
    return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()


def is_as_agreed(entry: LedgerEntry) -> bool:
    """Whether an entry still says what its fingerprint was made of."""
    return entry.digest == fingerprint(entry)


def _plain(amount: Money | None) -> list[str] | None:
    """20, 20.0 and 20.00 are the same amount."""
    return [format(amount.amount.normalize(), "f"), amount.currency] if amount else None
