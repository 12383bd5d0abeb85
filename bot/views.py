"""What the playground shows beside a chat, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.model import LedgerEntry, Thread


def thread_view(
    thread: Thread | None, turns: Sequence[Mapping[str, Any]], ledger: Sequence[LedgerEntry]
) -> dict[str, Any]:
    """Return a thread, how its turns went and its ledger, both newest first."""
    return {
        "thread": thread
        and {
            "status": thread.status.value,
            "language": thread.language,
            "verified": thread.scope is not None,
            "waiting": thread.dialogue.waiting.value,
        },
        "turns": list(turns),
        "ledger": [_entry_view(entry) for entry in ledger],
    }


def _entry_view(entry: LedgerEntry) -> dict[str, str]:
    return {
        "key": entry.key,
        "action": entry.action.value,
        "order_number": entry.order_number,
        "state": entry.state.value,
        "detail": entry.detail,
        "at": entry.at.isoformat() if entry.at else "",
    }
