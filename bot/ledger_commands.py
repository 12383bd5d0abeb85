"""`deskhand ledger`: what was to be written into the order system, and what became of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from bot.compose import SystemClock
from bot.conversation.ledger_text import ledger_lines, ledger_view
from bot.domain.model import LedgerState
from bot.store.database import Database
from bot.store.ledger import Ledger
from bot.store.migrate import upgrade

SHOWN = 50


def show_ledger(url: str, backup_dir: Path, keep: int, number: str, state: str, *, as_json: bool) -> str:
    """Return the newest entries as text, or as a JSON list; of one order, in one state, where these are given."""
    upgrade(url, backup_dir, keep=keep)
    return asyncio.run(_show(url, number, LedgerState(state) if state else None, as_json))


async def _show(url: str, number: str, state: LedgerState | None, as_json: bool) -> str:
    database = Database.open(url)
    try:
        entries = await Ledger(database, SystemClock()).latest(SHOWN, number=number, state=state)
    finally:
        await database.close()
    if as_json:
        return json.dumps([ledger_view(entry) for entry in entries], ensure_ascii=False, indent=2)
    return ledger_lines(entries)
