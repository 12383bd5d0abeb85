"""What a customer has said so far of a cancellation or a return

Revision: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("threads", sa.Column("waiting_wish", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    op.execute(
        "UPDATE threads SET waiting = 'nothing' WHERE waiting IN ('items', 'quantity', 'reason', 'note', 'photo')"
    )
    # An older version does not know the buttons that answer these questions.
    op.execute("DELETE FROM buttons WHERE kind = 'answer'")
    op.drop_column("threads", "waiting_wish")
