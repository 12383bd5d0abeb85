"""The moments in the life of a write at which a crash is worst; tests stop the process exactly there."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from bot.domain.journal import TurnRecord, TurnStore
from bot.domain.model import LedgerState


class CrashPoint(StrEnum):
    """What has just been committed, or is just about to be done."""

    AFTER_PROPOSED = "after-proposed"  # the question is committed, and not yet sent
    AFTER_CONFIRMED = "after-confirmed"  # the yes is committed
    BEFORE_CALL = "before-call"  # it is committed that the write is in flight
    AFTER_CALL = "after-call"  # the order system has answered, or has not
    BEFORE_RECORDED = "before-recorded"  # what it came to is known, and not yet committed


Reached = Callable[[CrashPoint], None]
"""Is told of each moment."""


def go_on(_point: CrashPoint) -> None:
    """Do nothing: what happens outside tests."""


async def close(store: TurnStore, record: TurnRecord, reached: Reached) -> None:
    """Commit what a turn leaves behind, all at once."""
    states = {entry.state for entry in record.ledger}
    if states - {LedgerState.PROPOSED, LedgerState.DECLINED}:
        reached(CrashPoint.BEFORE_RECORDED)
    await store.close(record)
    if LedgerState.PROPOSED in states:
        reached(CrashPoint.AFTER_PROPOSED)
