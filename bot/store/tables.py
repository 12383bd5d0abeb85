"""The tables, typed. Everything portable: no SQLite words here, and times are aware, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

# SQLite counts rows by itself only for INTEGER keys.
RowId = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC without its zone, so that every database sorts it alike."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store in UTC; a naive moment is a mistake of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return it aware."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """All tables; constraints have names, so that migrations can find them on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON, str: Text, int: Integer}  # noqa: RUF012 (SQLAlchemy reads it)


def table(row: type[Base]) -> Table:
    """Return a row type's table, for statements of the core: without the ORM's part they are built faster."""
    return cast(Table, row.__table__)


class ThreadRow(Base):
    """A conversation with one customer, its owner, its binding and its open question."""

    __tablename__ = "threads"
    __table_args__ = (UniqueConstraint("channel", "address"), Index("ix_threads_status", "status"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(16), default="pending")
    name: Mapped[str] = mapped_column(default="")
    language: Mapped[str | None] = mapped_column(String(16))
    language_fixed: Mapped[bool] = mapped_column(default=False)
    customer_id: Mapped[str | None]
    customer_name: Mapped[str] = mapped_column(default="")
    proof_kind: Mapped[str | None] = mapped_column(String(16))
    proved_at: Mapped[datetime | None]
    proof_expires: Mapped[datetime | None]
    waiting: Mapped[str] = mapped_column(String(16), default="nothing")
    waiting_action: Mapped[str | None] = mapped_column(String(16))
    waiting_order: Mapped[str | None]
    waiting_key: Mapped[str | None] = mapped_column(String(64))
    waiting_since: Mapped[datetime | None]
    waiting_latest: Mapped[bool] = mapped_column(default=False)
    waiting_wish: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    open_until: Mapped[datetime | None]
    away_told: Mapped[bool] = mapped_column(default=False)
    summary: Mapped[str] = mapped_column(default="")
    summary_upto: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class MessageRow(Base):
    """One message of a thread, whole."""

    __tablename__ = "messages"
    __table_args__ = (Index("ix_messages_thread_id_id", "thread_id", "id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("threads.id"))
    author: Mapped[str] = mapped_column(String(16))
    text: Mapped[str]
    at: Mapped[datetime]


class InboxRow(Base):
    """A raw update; `state` is pending, done or quarantined."""

    __tablename__ = "inbox"
    __table_args__ = (UniqueConstraint("source", "bot", "external_id"), Index("ix_inbox_state_id", "state", "id"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    source: Mapped[str] = mapped_column(String(16))
    bot: Mapped[str] = mapped_column(String(64))
    external_id: Mapped[str] = mapped_column(String(128))
    payload: Mapped[str]
    state: Mapped[str] = mapped_column(String(16), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    received_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class OutboxRow(Base):
    """A Bot API call; `state` is waiting, sending, sent, uncertain, failed or dropped."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_state_chat_id_id", "state", "chat_id", "id"),
        Index("ix_outbox_chat_id_message_id", "chat_id", "message_id"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    thread_id: Mapped[int | None] = mapped_column(ForeignKey("threads.id"))
    method: Mapped[str] = mapped_column(String(64))
    params: Mapped[dict[str, Any]]
    voice: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    not_before: Mapped[datetime | None]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ButtonRow(Base):
    """A button that was offered, to a customer or to the admin of this id; using one uses up its group."""

    __tablename__ = "buttons"
    __table_args__ = (Index("ix_buttons_thread_id_group", "thread_id", "group"),)

    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("threads.id"))
    group: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    label: Mapped[str]
    data: Mapped[str] = mapped_column(default="")
    action: Mapped[str | None] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), default="pending")
    used_by: Mapped[int | None] = mapped_column(BigInteger)
    expires_at: Mapped[datetime | None]
    admin: Mapped[int | None] = mapped_column(BigInteger)


class LedgerRow(Base):
    """A write to the order system, from proposal to end.

    `arguments` are its reason, lines and amount; `digest` is the fingerprint of all that is asked for.
    """

    __tablename__ = "ledger"
    __table_args__ = (
        Index("ix_ledger_thread_id_state", "thread_id", "state"),
        Index("ix_ledger_state", "state"),
        Index("ix_ledger_order_number", "order_number"),
    )

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("threads.id"))
    customer_id: Mapped[str]
    action: Mapped[str] = mapped_column(String(16))
    order_number: Mapped[str]
    state: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str] = mapped_column(default="")
    arguments: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))
    needs_approval: Mapped[bool]
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    confirmed_by: Mapped[int | None] = mapped_column(BigInteger)
    approved_by: Mapped[int | None] = mapped_column(BigInteger)
    settled_by: Mapped[int | None] = mapped_column(BigInteger)
    proposed_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    in_flight_at: Mapped[datetime | None]
    unknown_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class TryRow(Base):
    """A try at a verification, unless it succeeded."""

    __tablename__ = "verification_tries"
    __table_args__ = (
        Index("ix_verification_tries_thread_id_at", "thread_id", "at"),
        Index("ix_verification_tries_number_at", "number", "at"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("threads.id"))
    number: Mapped[str]
    at: Mapped[datetime]


class LinkRow(Base):
    """A link in the shop's mails that was opened, by `thread_id`, or whose order number does not fit into it."""

    __tablename__ = "links"
    __table_args__ = (Index("ix_links_expires_at", "expires_at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[str]
    thread_id: Mapped[int | None] = mapped_column(ForeignKey("threads.id"))
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]


class TurnRow(Base):
    """How a turn went."""

    __tablename__ = "turns"
    __table_args__ = (Index("ix_turns_thread_id_id", "thread_id", "id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("threads.id"))
    inbox_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(16))
    tier: Mapped[str]
    action: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    raw: Mapped[str]
    decision: Mapped[str] = mapped_column(String(32))
    passed: Mapped[dict[str, Any]]
    stages: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class FaqRow(Base):
    """A question in several wordings, and its answer."""

    __tablename__ = "faq"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    language: Mapped[str] = mapped_column(String(16))
    questions: Mapped[dict[str, Any]]
    answer: Mapped[str]


class FactRow(Base):
    """A small remembered fact."""

    __tablename__ = "facts"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str]
