"""The ledger's rules: no way back, and a fingerprint that every change of what is asked for changes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.actions import ActionKind
from bot.domain.ledger import ENDS, FOLLOWS, UNDER_WAY, before, fingerprint, is_as_agreed
from bot.domain.model import LedgerEntry, LedgerState, Money, Reason, ReturnLine

STATE = LedgerState
ENTRY = LedgerEntry(
    "key",
    7,
    "c-1",
    ActionKind.RETURN_APPLY,
    "ORD1",
    STATE.PROPOSED,
    reason=Reason.DAMAGED,
    lines=(ReturnLine("1", 2), ReturnLine("2", 1)),
    amount=Money(Decimal("20.00"), "EUR"),
)


def test_every_state_has_its_followers() -> None:
    """Each state is in the table, and the four ends have none."""
    assert set(FOLLOWS) == set(LedgerState)
    assert {STATE.DONE, STATE.REFUSED, STATE.DECLINED, STATE.EXPIRED} == ENDS


def test_there_is_no_way_back() -> None:
    """From no state, by whatever steps, can a write come back to it."""

    def later(state: LedgerState) -> set[LedgerState]:
        return set(FOLLOWS[state]).union(*(later(following) for following in FOLLOWS[state]))

    for state in LedgerState:
        assert state not in later(state)
        assert before(state) == {earlier for earlier in LedgerState if state in FOLLOWS[earlier]}


def test_nothing_is_sent_without_a_yes() -> None:
    """In flight comes only from confirmed, and confirmed only from proposed; done was in flight, or a person knew."""
    assert before(STATE.IN_FLIGHT) == {STATE.CONFIRMED}
    assert before(STATE.CONFIRMED) == {STATE.PROPOSED}
    assert before(STATE.DONE) == {STATE.IN_FLIGHT, STATE.UNKNOWN}
    assert {STATE.CONFIRMED, STATE.IN_FLIGHT, STATE.UNKNOWN} == UNDER_WAY


def test_how_a_write_ends_without_effect() -> None:
    """Only what was sent can be unknown; a no is said to a proposal; what nobody sent expires; all else is refused."""
    assert before(STATE.UNKNOWN) == {STATE.IN_FLIGHT}
    assert before(STATE.DECLINED) == {STATE.PROPOSED}
    assert before(STATE.EXPIRED) == {STATE.PROPOSED, STATE.CONFIRMED}
    assert before(STATE.REFUSED) == {STATE.PROPOSED, STATE.CONFIRMED, STATE.IN_FLIGHT, STATE.UNKNOWN}


@pytest.mark.parametrize(
    "change",
    [
        {"action": ActionKind.CANCEL_ORDER},
        {"customer_id": "c-2"},
        {"order_number": "ORD2"},
        {"reason": None},
        {"reason": Reason.OTHER},
        {"lines": ()},
        {"lines": (ReturnLine("1", 2),)},
        {"lines": (ReturnLine("1", 2), ReturnLine("2", 2))},
        {"lines": (ReturnLine("12", 1), ReturnLine("2", 1))},
        {"amount": None},
        {"amount": Money(Decimal("20.01"), "EUR")},
        {"amount": Money(Decimal("20.00"), "USD")},
    ],
)
def test_every_argument_is_in_the_fingerprint(change: dict[str, object]) -> None:
    """A write that asks for anything else than was agreed to does not match."""
    agreed = replace(ENTRY, digest=fingerprint(ENTRY))
    assert is_as_agreed(agreed)
    assert not is_as_agreed(replace(agreed, **change))  # type: ignore[arg-type]


def test_what_is_no_argument_is_not_in_it() -> None:
    """State, details and how an amount is written change nothing; it is the same in every process."""
    same = replace(ENTRY, state=STATE.DONE, detail="x", amount=Money(Decimal(20), "EUR"), confirmed_by=3)
    assert fingerprint(same) == fingerprint(ENTRY)
    assert fingerprint(ENTRY) == "0d2aaf6b947e4a51e27491554673bac0ce9125e0187b483f14cd0fab51824bce"


def test_an_entry_without_a_fingerprint_matches_nothing() -> None:
    """What was never agreed to is not sent."""
    assert not is_as_agreed(ENTRY)
