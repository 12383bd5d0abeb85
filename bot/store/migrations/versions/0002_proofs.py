"""What a thread's binding rests on

Revision: 0002
"""

import sqlalchemy as sa
from alembic import op

import bot.store.tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("threads", sa.Column("proof_kind", sa.String(length=16), nullable=True))
    op.add_column("threads", sa.Column("proved_at", bot.store.tables.UtcDateTime(), nullable=True))
    op.add_column("threads", sa.Column("proof_expires", bot.store.tables.UtcDateTime(), nullable=True))
    # Whoever was verified stays so; how it was done was not kept.
    op.execute("UPDATE threads SET proof_kind = 'earlier', proved_at = updated_at WHERE customer_id IS NOT NULL")


def downgrade() -> None:
    # Not as a batch: that makes the table anew, and other tables' rows point at it.
    op.drop_column("threads", "proof_expires")
    op.drop_column("threads", "proved_at")
    op.drop_column("threads", "proof_kind")
