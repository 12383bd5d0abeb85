"""Between rows and the domain's plain data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from bot.domain.actions import ActionKind
from bot.domain.journal import OutboxCall
from bot.domain.model import (
    Author,
    Channel,
    Dialogue,
    Message,
    MessageRef,
    Passed,
    Proof,
    ProofKind,
    Reason,
    ReturnLine,
    Scope,
    Thread,
    ThreadKey,
    ThreadStatus,
    Trace,
    Waiting,
    Wish,
)


def thread_from(row: RowMapping) -> Thread:
    """Read a thread."""
    return Thread(
        id=row["id"],
        key=ThreadKey(Channel(row["channel"]), row["address"]),
        status=ThreadStatus(row["status"]),
        name=row["name"],
        language=row["language"],
        language_fixed=row["language_fixed"],
        scope=_scope_from(row),
        dialogue=Dialogue(
            Waiting(row["waiting"]),
            ActionKind(row["waiting_action"]) if row["waiting_action"] else None,
            row["waiting_order"],
            row["waiting_key"],
            row["waiting_since"],
            row["waiting_latest"],
            _wish_from(row["waiting_wish"]),
        ),
        open_until=row["open_until"],
        summary=row["summary"],
        summary_upto=row["summary_upto"],
        away_told=row["away_told"],
    )


def _wish_from(values: Mapping[str, Any] | None) -> Wish | None:
    if values is None:
        return None
    return Wish(
        tuple(ReturnLine(*line) for line in values["lines"]),
        values["picked"],
        Reason(values["reason"]) if values["reason"] else None,
        values["note"],
        MessageRef(*values["photo"]) if values["photo"] else None,
        frozenset(Waiting(step) for step in values["skipped"]),
    )


def _wish_values(wish: Wish | None) -> dict[str, Any] | None:
    if wish is None:
        return None
    return {
        "lines": [[line.item_id, line.quantity] for line in wish.lines],
        "picked": wish.picked,
        "reason": wish.reason and wish.reason.value,
        "note": wish.note,
        "photo": wish.photo and [wish.photo.chat_id, wish.photo.message_id],
        "skipped": sorted(step.value for step in wish.skipped),
    }


def _scope_from(row: RowMapping) -> Scope | None:
    """A customer without the proof that they are this one is nobody."""
    if row["customer_id"] is None or row["proof_kind"] is None:
        return None
    proof = Proof(ProofKind(row["proof_kind"]), row["proved_at"], row["proof_expires"])
    return Scope(row["customer_id"], row["customer_name"], proof)


def thread_values(thread: Thread, now: datetime) -> dict[str, Any]:
    """Return the columns of a thread that may change."""
    dialogue, scope = thread.dialogue, thread.scope
    return {
        "status": thread.status.value,
        "name": thread.name,
        "language": thread.language,
        "language_fixed": thread.language_fixed,
        "customer_id": scope.customer_id if scope else None,
        "customer_name": scope.name if scope else "",
        "proof_kind": scope.proof.kind.value if scope else None,
        "proved_at": scope.proof.at if scope else None,
        "proof_expires": scope.proof.expires if scope else None,
        "waiting": dialogue.waiting.value,
        "waiting_action": dialogue.action.value if dialogue.action else None,
        "waiting_order": dialogue.order_id,
        "waiting_key": dialogue.key,
        "waiting_since": dialogue.since,
        "waiting_latest": dialogue.latest,
        "waiting_wish": _wish_values(dialogue.wish),
        "open_until": thread.open_until,
        "away_told": thread.away_told,
        "summary": thread.summary,
        "summary_upto": thread.summary_upto,
        "updated_at": now,
    }


def message_from(row: RowMapping) -> Message:
    """Read a message."""
    return Message(Author(row["author"]), row["text"], row["at"], row["id"])


def call_values(call: OutboxCall, now: datetime) -> dict[str, Any]:
    """Return an outbox row's columns."""
    return {
        "chat_id": call.chat_id,
        "thread_id": call.thread_id,
        "method": call.method,
        "params": dict(call.params),
        "voice": call.voice,
        "state": "waiting",
        "attempts": 0,
        "error": "",
        "created_at": now,
    }


def call_from(row: RowMapping) -> OutboxCall:
    """Read an outbox row's call."""
    return OutboxCall(row["chat_id"], row["method"], row["params"], row["voice"], row["thread_id"])


def trace_values(trace: Trace, thread_id: int, inbox_id: int, kind: str, now: datetime) -> dict[str, Any]:
    """Return a turn's columns."""
    return {
        "thread_id": thread_id,
        "inbox_id": inbox_id,
        "kind": kind,
        "tier": trace.tier,
        "action": trace.action.to_dict() if trace.action else None,
        "raw": trace.raw,
        "decision": trace.decision,
        "passed": {"tiers": [passed_values(passed) for passed in trace.passed]},
        "stages": dict(trace.stages),
        "at": now,
    }


def passed_values(passed: Passed) -> dict[str, Any]:
    """Return what a turn keeps of a tier that passed."""
    return {"tier": passed.tier, "reason": passed.reason, "seconds": passed.seconds, "detail": passed.detail}


def turn_view(row: RowMapping) -> Mapping[str, Any]:
    """Return a turn as the playground shows it, times in milliseconds."""
    return {
        "id": row["id"],
        "inbox_id": row["inbox_id"],
        "at": row["at"].isoformat(),
        "kind": row["kind"],
        "tier": row["tier"],
        "action": row["action"],
        "raw": row["raw"],
        "decision": row["decision"],
        "passed": [
            {"tier": p["tier"], "reason": p["reason"], "ms": round(p["seconds"] * 1000, 2), "detail": p["detail"]}
            for p in row["passed"]["tiers"]
        ],
        "stages": stages_view(row["stages"]),
    }


def stages_view(stages: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return stages (in seconds) as a list, in milliseconds."""
    return [{"name": name, "ms": round(seconds * 1000, 2)} for name, seconds in stages.items()]
