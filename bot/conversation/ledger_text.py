"""The ledger in English words, for the people of the shop: in Telegram and on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.conversation.text import one_line
from bot.domain.actions import ActionKind
from bot.domain.model import LedgerEntry, LedgerState, Money

_ACTIONS = {ActionKind.CANCEL_ORDER: "cancel", ActionKind.RETURN_APPLY: "return"}
_MARKS = {
    LedgerState.PROPOSED: "💬",
    LedgerState.CONFIRMED: "🔐",
    LedgerState.IN_FLIGHT: "✈️",
    LedgerState.UNKNOWN: "⚠️",
    LedgerState.DONE: "✅",
    LedgerState.REFUSED: "❌",
    LedgerState.DECLINED: "🚫",
    LedgerState.EXPIRED: "⌛",
}
_WORDS = {
    LedgerState.PROPOSED: "the customer was asked",
    LedgerState.CONFIRMED: "the customer said yes",
    LedgerState.IN_FLIGHT: "sent to the order system",
    LedgerState.UNKNOWN: "no clear answer, somebody has to check",
    LedgerState.DONE: "done",
    LedgerState.REFUSED: "not done",
    LedgerState.DECLINED: "not wanted after all",
    LedgerState.EXPIRED: "lapsed",
}
NONE_YET = "Nothing stands in the ledger yet."


def described(entry: LedgerEntry) -> str:
    """Return what an entry asks for, in a few words."""
    what = f"{_ACTIONS[entry.action]} {one_line(entry.order_number, 64)}"
    if entry.lines:
        what += " (" + ", ".join(f"{line.quantity} × {one_line(line.item_id, 40)}" for line in entry.lines) + ")"
    if entry.amount:
        what += f", {_money(entry.amount)}"
    return what + (f", reason: {entry.reason.value.replace('_', ' ')}" if entry.reason else "")


def ledger_lines(entries: Sequence[LedgerEntry]) -> str:
    """Return entries as an owner reads them: what, how it stands, and when each step was taken."""
    return "\n\n".join(_told(entry) for entry in entries) or NONE_YET


def ledger_view(entry: LedgerEntry) -> dict[str, Any]:
    """Return an entry as plain JSON values."""
    answer = entry.answer
    return {
        "key": entry.key,
        "state": entry.state.value,
        "action": entry.action.value,
        "order_number": entry.order_number,
        "customer_id": entry.customer_id,
        "thread": entry.thread_id,
        "lines": [{"item_id": line.item_id, "quantity": line.quantity} for line in entry.lines],
        "reason": entry.reason.value if entry.reason else None,
        "note": entry.note,
        "amount": _money_view(entry.amount),
        "digest": entry.digest,
        "detail": entry.detail,
        "needs_approval": entry.needs_approval,
        "approved_by": entry.approved_by,
        "settled_by": entry.settled_by,
        "answer": answer
        and {
            "result": answer.result.value,
            "reference": answer.reference,
            "refund": _money_view(answer.refund),
            "detail": answer.detail,
        },
        "entered": {state.value: at.isoformat() for state, at in entry.entered.items()},
    }


def _told(entry: LedgerEntry) -> str:
    words = "waits for an approval" if _waits(entry) else _WORDS[entry.state]
    head = f"{_MARKS[entry.state]} {described(entry)}: {words} (conversation #{entry.thread_id})"
    steps = [
        f"   {_time(at)} {_step(entry, state)}" for state, at in sorted(entry.entered.items(), key=lambda step: step[1])
    ]
    detail = [f"   {one_line(entry.detail, 200)}"] if entry.detail else []
    detail += [f"   “{one_line(entry.note, 200)}”"] if entry.note else []
    refund = entry.answer.refund if entry.answer else None
    return "\n".join([head, *steps, *detail, *([f"   refund: {_money(refund)}"] if refund else [])])


def _step(entry: LedgerEntry, state: LedgerState) -> str:
    """Return a step in words, with the admin who took it."""
    admin = None
    if state is LedgerState.IN_FLIGHT or (state is entry.state and LedgerState.IN_FLIGHT not in entry.entered):
        admin = entry.approved_by
    if LedgerState.UNKNOWN in entry.entered and state in (LedgerState.DONE, LedgerState.REFUSED):
        admin = entry.settled_by
    return _WORDS[state] + (f" (admin {admin})" if admin else "")


def _waits(entry: LedgerEntry) -> bool:
    return entry.state is LedgerState.CONFIRMED and entry.needs_approval


def _time(at: datetime) -> str:
    return f"{at:%d %b %Y %H:%M:%S} UTC"


def _money(money: Money) -> str:
    return f"{money.amount} {money.currency}"


def _money_view(money: Money | None) -> dict[str, str] | None:
    return {"amount": str(money.amount), "currency": money.currency} if money else None
