"""`deskhand faq import|export`: the FAQ between a file and the database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.compose import SystemClock
from bot.conversation.faq_file import render_faq
from bot.domain.model import FaqEntry
from bot.store.database import Database
from bot.store.migrate import upgrade
from bot.store.operations import Operations


@asynccontextmanager
async def _operations(url: str, backup_dir: Path, keep: int) -> AsyncIterator[Operations]:
    upgrade(url, backup_dir, keep=keep)
    database = Database.open(url)
    try:
        yield Operations(database, SystemClock())
    finally:
        await database.close()


async def import_faq(url: str, backup_dir: Path, keep: int, entries: Sequence[FaqEntry]) -> None:
    """Replace all entries."""
    async with _operations(url, backup_dir, keep) as operations:
        await operations.replace(entries)


async def export_faq(url: str, backup_dir: Path, keep: int) -> tuple[str, int]:
    """Return all entries as a file's text, and how many they are."""
    async with _operations(url, backup_dir, keep) as operations:
        entries = await operations.all()
    return render_faq(entries), len(entries)
