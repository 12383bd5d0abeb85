"""What customers wrote, what was said before, and what the bot understood then: read, and nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, RowMapping, func, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from bot.domain.model import Author, Message
from bot.errors import StoreError
from bot.store.engines import reader_engine, store_error
from bot.store.migrate import current_revision
from bot.store.rows import message_from
from bot.store.tables import MessageRow, ThreadRow, TurnRow


@dataclass(frozen=True, slots=True)
class Transcript:
    """One customer message in its thread; without an action and a tier where its turn cannot be told."""

    thread_id: int
    names: tuple[str, ...]
    language: str | None
    message: Message
    history: tuple[Message, ...]
    action: Mapping[str, Any] | None = None
    tier: str | None = None


def read_transcripts(url: str, since: datetime, limit: int, history: int) -> Sequence[Transcript]:
    """Return the newest messages that customers typed since then, oldest first; the bot may be running.

    Commands, pressed buttons and pictures, which a thread remembers as "/start" or "[photo] ...", are left out.

    Args:
        history: how many messages before each one are read.

    Raises:
        StoreError: there is no database, or it cannot be read.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not (parsed.database and Path(parsed.database).is_file()):
        raise StoreError(f"There is no database at {parsed.database} yet")
    engine = reader_engine(parsed)
    try:
        if current_revision(engine) is None:
            raise StoreError("The database has no tables yet; the bot makes them at its first start")
        with engine.connect() as connection:
            found = connection.execute(_typed(since, limit)).mappings().all()
            return [_transcript(connection, row, history) for row in reversed(found)]
    except SQLAlchemyError as error:
        raise store_error(error) from error
    finally:
        engine.dispose()


def _typed(since: datetime, limit: int) -> Any:
    return (
        select(MessageRow.__table__, ThreadRow.name, ThreadRow.customer_name, ThreadRow.language)
        .join(ThreadRow, ThreadRow.id == MessageRow.thread_id)
        .where(MessageRow.author == Author.CUSTOMER.value, MessageRow.at >= since, func.trim(MessageRow.text) != "")
        .where(MessageRow.text.not_like("/%"), MessageRow.text.not_like("[%"))
        .order_by(MessageRow.id.desc())
        .limit(limit)
    )


def _transcript(connection: Connection, row: RowMapping, history: int) -> Transcript:
    before = (
        select(MessageRow.__table__)
        .where(MessageRow.thread_id == row["thread_id"], MessageRow.id < row["id"], MessageRow.text != "")
        .order_by(MessageRow.id.desc())
        .limit(history)
    )
    said = [message_from(found) for found in connection.execute(before).mappings()]
    turn = _turn(connection, row)
    return Transcript(
        thread_id=row["thread_id"],
        names=(row["name"], row["customer_name"]),
        language=row["language"],
        message=message_from(row),
        history=tuple(reversed(said)),
        action=turn["action"] if turn else None,
        tier=(turn["tier"] or None) if turn else None,
    )


def _turn(connection: Connection, row: RowMapping) -> RowMapping | None:
    """Return a message's turn: a turn and what was said in it are written at one moment, in one commit.

    Where two messages or two turns of a thread share that moment, nobody can tell which belongs to which.
    """
    heard = select(func.count()).where(
        MessageRow.thread_id == row["thread_id"],
        MessageRow.at == row["at"],
        MessageRow.author == Author.CUSTOMER.value,
    )
    turns = select(TurnRow.action, TurnRow.tier).where(TurnRow.thread_id == row["thread_id"], TurnRow.at == row["at"])
    found = connection.execute(turns.limit(2)).mappings().all()
    return found[0] if len(found) == 1 and connection.execute(heard).scalar_one() == 1 else None
