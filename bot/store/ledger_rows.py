"""Between the ledger's rows and its entries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping

from bot.domain.actions import ActionKind
from bot.domain.model import LedgerEntry, LedgerState, MessageRef, Money, Reason, ReturnLine, WriteAnswer, WriteResult

_ENDED = "ended_at"
_ENTERED = {
    LedgerState.PROPOSED: "proposed_at",
    LedgerState.CONFIRMED: "confirmed_at",
    LedgerState.IN_FLIGHT: "in_flight_at",
    LedgerState.UNKNOWN: "unknown_at",
}


def ledger_from(row: RowMapping) -> LedgerEntry:
    """Read a ledger entry."""
    state, asked = LedgerState(row["state"]), row["arguments"]
    columns = _ENTERED if row[_ENDED] is None else {**_ENTERED, state: _ENDED}
    entered = {one: row[column] for one, column in columns.items() if row[column] is not None}
    return LedgerEntry(
        key=row["key"],
        thread_id=row["thread_id"],
        customer_id=row["customer_id"],
        action=ActionKind(row["action"]),
        order_number=row["order_number"],
        state=state,
        detail=row["detail"],
        at=max(entered.values()),
        reason=Reason(asked["reason"]) if asked["reason"] else None,
        lines=tuple(ReturnLine(*line) for line in asked["lines"]),
        amount=_money(asked["amount"]),
        # Entries from before these were asked for have none.
        note=asked.get("note", ""),
        photo=MessageRef(*asked["photo"]) if asked.get("photo") else None,
        digest=row["digest"],
        needs_approval=row["needs_approval"],
        confirmed_by=row["confirmed_by"],
        approved_by=row["approved_by"],
        settled_by=row["settled_by"],
        answer=_answer(row["answer"]),
        entered=entered,
    )


def proposal_values(entry: LedgerEntry, now: datetime) -> dict[str, Any]:
    """Return the columns of a new entry."""
    return {
        "key": entry.key,
        "thread_id": entry.thread_id,
        "customer_id": entry.customer_id,
        "action": entry.action.value,
        "order_number": entry.order_number,
        "arguments": {
            "reason": entry.reason.value if entry.reason else None,
            "lines": [[line.item_id, line.quantity] for line in entry.lines],
            "amount": _money_values(entry.amount),
            "note": entry.note,
            "photo": [entry.photo.chat_id, entry.photo.message_id] if entry.photo else None,
        },
        "digest": entry.digest,
        "needs_approval": entry.needs_approval,
        "state": entry.state.value,
        "detail": entry.detail,
        "proposed_at": now,
    }


def answer_values(answer: WriteAnswer | None) -> dict[str, Any] | None:
    """Return what the order system answered, as plain JSON values."""
    if answer is None:
        return None
    return {
        "result": answer.result.value,
        "reference": answer.reference,
        "refund": _money_values(answer.refund),
        "detail": answer.detail,
    }


def _answer(values: Mapping[str, Any] | None) -> WriteAnswer | None:
    if values is None:
        return None
    result, refund = WriteResult(values["result"]), _money(values["refund"])
    return WriteAnswer(result, values["reference"], refund, values["detail"])


def _money_values(money: Money | None) -> list[str] | None:
    return [str(money.amount), money.currency] if money else None


def _money(values: list[str] | None) -> Money | None:
    return Money(Decimal(values[0]), values[1]) if values else None
