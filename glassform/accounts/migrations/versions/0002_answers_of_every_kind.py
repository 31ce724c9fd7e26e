"""Predictions that are no probability: a number, or one of several classes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the change."""
    with op.batch_alter_table("predictions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("answer", sa.JSON(), nullable=True))
        batch_op.alter_column("probability", existing_type=sa.Double(), nullable=True)


def downgrade() -> None:
    """Take it back; what is no probability is lost."""
    op.execute("DELETE FROM predictions WHERE probability IS NULL")
    with op.batch_alter_table("predictions", schema=None) as batch_op:
        batch_op.alter_column("probability", existing_type=sa.Double(), nullable=False)
        batch_op.drop_column("answer")
