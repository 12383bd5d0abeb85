"""The links in the shop's mails: their secret, the numbers too long for them, and who opened which."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from bot.domain.links import SECRET_BYTES, Link, new_row
from bot.domain.ports import Clock
from bot.store.database import Database
from bot.store.tables import FactRow, LinkRow

FACT = "link_secret"


class Links:
    """Implements `LinkStore`, and what `deskhand link` needs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    # --- the shop's hand ---

    async def make_secret(self) -> bytes:
        """Return the secret, made by whoever asks first."""
        return await self._database.write(lambda connection: _secret(connection) or _new_secret(connection))

    async def renew_secret(self) -> None:
        """Make another secret: no link that was made before works any more."""

        def work(connection: Connection) -> None:
            connection.execute(delete(FactRow).where(FactRow.name == FACT))
            _new_secret(connection)

        await self._database.write(work)

    async def keep(self, number: str, expires: datetime) -> str:
        """Keep an order's number for a link that it does not fit into, and return the row's name."""
        name = new_row()
        row = insert(LinkRow).values(id=name, number=number, expires_at=expires)
        await self._database.write(lambda connection: connection.execute(row))
        return name

    # --- the customer's ---

    async def secret(self) -> bytes | None:
        """Return the secret; None while the shop has made no link."""
        return await self._database.read(_secret)

    async def claim(self, link: Link, thread_id: int) -> str | None:
        """Give a link to the thread that opens it first, and return its order's number; None when it is another's."""
        now = self._clock.now()
        return await self._database.write(lambda connection: _claim(connection, link, thread_id, now))

    async def purge(self) -> None:
        """Forget links that have expired; their own date refuses them."""
        now = self._clock.now()
        await self._database.write(
            lambda connection: connection.execute(delete(LinkRow).where(LinkRow.expires_at < now))
        )


def _secret(connection: Connection) -> bytes | None:
    found = connection.execute(select(FactRow.value).where(FactRow.name == FACT)).scalar()
    return bytes.fromhex(found) if found else None


def _new_secret(connection: Connection) -> bytes:
    made = secrets.token_bytes(SECRET_BYTES)
    connection.execute(insert(FactRow).values(name=FACT, value=made.hex()))
    return made


def _claim(connection: Connection, link: Link, thread_id: int, now: datetime) -> str | None:
    this = LinkRow.id == link.id
    opened = {"thread_id": thread_id, "opened_at": now}
    connection.execute(update(LinkRow).where(this, LinkRow.thread_id.is_(None)).values(**opened))
    row = connection.execute(select(LinkRow.thread_id, LinkRow.number).where(this)).one_or_none()
    if row is not None:
        return row.number if row.thread_id == thread_id else None
    if not link.number:
        return None
    connection.execute(insert(LinkRow).values(id=link.id, number=link.number, expires_at=link.expires, **opened))
    return link.number
