"""What a write asks for, who agreed to it, and when each of its states was entered

Revision: 0003
"""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

import bot.store.tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Whatever was asked for before was about all of an order, without a reason or an amount.
ARGUMENTS = '{"reason": null, "lines": [], "amount": null}'


def upgrade() -> None:
    op.add_column("buttons", sa.Column("admin", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.add_column(sa.Column("arguments", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("digest", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("needs_approval", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("answer", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("approved_by", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("settled_by", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("in_flight_at", bot.store.tables.UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("unknown_at", bot.store.tables.UtcDateTime(), nullable=True))
    _bring_along(op.get_bind())
    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.alter_column("arguments", existing_type=sa.JSON(), nullable=False)
        batch_op.alter_column("digest", existing_type=sa.String(length=64), nullable=False)
        batch_op.alter_column("needs_approval", existing_type=sa.Boolean(), nullable=False)
        batch_op.create_index("ix_ledger_order_number", ["order_number"], unique=False)


def _bring_along(connection: sa.Connection) -> None:
    """Give old entries what new ones have: the fingerprint of what they ask for, and the times of their states."""
    query = sa.text("SELECT key, action, customer_id, order_number FROM ledger")
    for key, action, customer_id, number in connection.execute(query).all():
        said = json.dumps([action, customer_id, number, [], None, None], separators=(",", ":"))
        connection.execute(
            sa.text("UPDATE ledger SET arguments = :arguments, digest = :digest, needs_approval = 0 WHERE key = :key"),
            {"arguments": ARGUMENTS, "digest": hashlib.sha256(said.encode()).hexdigest(), "key": key},
        )
    # A yes was followed by the call at once.
    op.execute("UPDATE ledger SET in_flight_at = confirmed_at")
    op.execute("UPDATE ledger SET unknown_at = ended_at, ended_at = NULL WHERE state = 'unknown'")
    op.execute("UPDATE ledger SET state = 'expired' WHERE state = 'declined' AND detail = 'not confirmed in time'")


def downgrade() -> None:
    op.execute("UPDATE ledger SET ended_at = unknown_at WHERE state = 'unknown'")
    op.execute("UPDATE ledger SET state = 'declined' WHERE state = 'expired'")
    # The older version takes up a write in flight by its key, and knows no state before it.
    op.execute("UPDATE ledger SET state = 'declined', ended_at = confirmed_at WHERE state = 'confirmed'")
    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.drop_index("ix_ledger_order_number")
        for column in ("unknown_at", "in_flight_at", "settled_by", "approved_by"):
            batch_op.drop_column(column)
        for column in ("answer", "needs_approval", "digest", "arguments"):
            batch_op.drop_column(column)
    op.drop_column("buttons", "admin")
