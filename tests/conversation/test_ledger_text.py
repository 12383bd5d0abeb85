"""The ledger as a shop's owner reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bot.conversation.ledger_text import NONE_YET, described, ledger_lines, ledger_view
from bot.domain.actions import ActionKind
from bot.domain.model import LedgerEntry, LedgerState, Money, Reason, ReturnLine, WriteAnswer, WriteResult

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
S = LedgerState
PLAIN = LedgerEntry("k", 7, "c-1", ActionKind.CANCEL_ORDER, "ORD1", S.PROPOSED, entered={S.PROPOSED: NOON})
EUROS = Money(Decimal("12.50"), "EUR")
FULL = replace(
    PLAIN,
    action=ActionKind.RETURN_APPLY,
    state=S.DONE,
    reason=Reason.DOES_NOT_FIT,
    lines=(ReturnLine("1", 2),),
    amount=EUROS,
    detail="RMA-1",
    needs_approval=True,
    approved_by=900,
    settled_by=901,
    answer=WriteAnswer(WriteResult.DONE, "RMA-1", EUROS),
    entered={state: NOON + timedelta(seconds=n) for n, state in enumerate(list(S)[:5])},
)


def test_what_is_asked_for() -> None:
    """Action and number, and where there are any the lines, the amount and the reason."""
    assert described(PLAIN) == "cancel ORD1"
    assert described(FULL) == "return ORD1 (2 × 1), 12.50 EUR, reason: does not fit"


def test_every_step_with_its_time_and_who_took_it() -> None:
    """The steps stand in their order, with the admin who agreed and the one who told what became of it."""
    head, *steps = ledger_lines([FULL]).splitlines()
    assert head == f"✅ {described(FULL)}: done (conversation #7)"
    assert steps == [
        "   01 Mar 2026 12:00:00 UTC the customer was asked",
        "   01 Mar 2026 12:00:01 UTC the customer said yes",
        "   01 Mar 2026 12:00:02 UTC sent to the order system (admin 900)",
        "   01 Mar 2026 12:00:03 UTC no clear answer, somebody has to check",
        "   01 Mar 2026 12:00:04 UTC done (admin 901)",
        "   RMA-1",
        "   refund: 12.50 EUR",
    ]


def test_who_refused_is_named() -> None:
    """A refusal by an admin, before anything was sent, names the admin at that step."""
    refused = replace(PLAIN, state=S.REFUSED, approved_by=900, entered={S.PROPOSED: NOON, S.REFUSED: NOON})
    assert ledger_lines([refused]).endswith("not done (admin 900)")


def test_what_waits_says_so() -> None:
    """A confirmed write that a person has to agree to is told from one that does not; an empty ledger is told."""
    confirmed = replace(PLAIN, state=S.CONFIRMED)
    assert "said yes (" in ledger_lines([confirmed])
    assert "waits for an approval (" in ledger_lines([replace(confirmed, needs_approval=True)])
    assert ledger_lines([]) == NONE_YET


def test_names_cannot_change_the_look() -> None:
    """What the order system calls things stays on its line, whatever it holds."""
    evil = replace(PLAIN, order_number="A\nB", detail="x\n✅ done", lines=(ReturnLine("i\nj", 1),))
    assert len(ledger_lines([evil]).splitlines()) == 3


def test_as_json() -> None:
    """Everything that is kept, as plain values."""
    found = ledger_view(FULL)
    assert found["lines"] == [{"item_id": "1", "quantity": 2}]
    assert found["reason"] == "does_not_fit"
    assert found["amount"] == found["answer"]["refund"] == {"amount": "12.50", "currency": "EUR"}
    assert found["entered"]["in_flight"] == "2026-03-01T12:00:02+00:00"
    assert ledger_view(PLAIN)["answer"] is ledger_view(PLAIN)["amount"] is None


def test_the_customers_own_words_stand_in_it() -> None:
    """A reason in the customer's words is quoted, on one line."""
    noted = replace(PLAIN, note="The zip\nsticks")
    assert ledger_lines([noted]).endswith("“The zip sticks”")
    assert ledger_view(noted)["note"] == "The zip\nsticks"
