"""Buttons: opaque, of one customer's thread or of one admin, and gone with their group once one of it was pressed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, or_, select, update

from bot.domain.actions import ActionKind
from bot.domain.model import Button, ButtonKind
from bot.store.tables import ButtonRow


def press(connection: Connection, token: str, thread_id: int, inbox_id: int, now: datetime) -> Button | None:
    """Use up a customer's button and its group; the same update may press again after a crash."""
    mine = (ButtonRow.token == token, ButtonRow.thread_id == thread_id, ButtonRow.admin.is_(None))
    return _press(connection, mine, inbox_id, now)


def press_as_admin(connection: Connection, token: str, admin: int, inbox_id: int, now: datetime) -> Button | None:
    """Use up an admin's button and its group, likewise; another admin's buttons are as unknown as another thread's."""
    return _press(connection, (ButtonRow.token == token, ButtonRow.admin == admin), inbox_id, now)


def void_group(connection: Connection, thread_id: int, group: str) -> None:
    """Use up what is left of a group."""
    connection.execute(
        update(ButtonRow)
        .where(ButtonRow.thread_id == thread_id, ButtonRow.group == group, ButtonRow.state == "pending")
        .values(state="void")
    )


def button_values(button: Button, thread_id: int) -> dict[str, Any]:
    """Return a button's columns."""
    return {
        "token": button.token,
        "thread_id": thread_id,
        "group": button.group,
        "kind": button.kind.value,
        "label": button.label,
        "data": button.data,
        "action": button.action.value if button.action else None,
        "state": "pending",
        "expires_at": button.expires_at,
        "admin": button.admin,
    }


def button_from(row: RowMapping) -> Button:
    """Read a button."""
    return Button(
        label=row["label"],
        token=row["token"],
        kind=ButtonKind(row["kind"]),
        group=row["group"],
        data=row["data"],
        action=ActionKind(row["action"]) if row["action"] else None,
        expires_at=row["expires_at"],
        admin=row["admin"],
    )


def _press(
    connection: Connection, mine: tuple[ColumnElement[bool], ...], inbox_id: int, now: datetime
) -> Button | None:
    fresh = or_(ButtonRow.expires_at.is_(None), ButtonRow.expires_at > now)
    used = connection.execute(
        update(ButtonRow).where(*mine, ButtonRow.state == "pending", fresh).values(state="used", used_by=inbox_id)
    )
    row: RowMapping | None = connection.execute(select(ButtonRow.__table__).where(*mine)).mappings().first()
    if row is None or row["used_by"] != inbox_id:
        return None
    if used.rowcount:
        void_group(connection, row["thread_id"], row["group"])
    return button_from(row)
