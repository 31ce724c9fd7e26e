"""Sign-ins whose tokens end together in place of single tokens that were taken back; counters; names folded anew."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the change; all who are signed in have to sign in again."""
    op.drop_table("revoked")
    op.create_table(
        "families",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("refresh", sa.String(length=36), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_families_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_families")),
    )
    op.create_index(op.f("ix_families_user_id"), "families", ["user_id"])
    op.create_index(op.f("ix_families_expires"), "families", ["expires"])
    op.create_table(
        "places",
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("place", sa.String(length=32), nullable=False),
        sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_places_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "place", name=op.f("pk_places")),
    )
    if op.get_bind().dialect.name != "sqlite":  # which keeps its counters in another file
        op.create_table(
            "counters",
            sa.Column("key", sa.String(length=200), nullable=False),
            sa.Column("count", sa.Integer(), nullable=False),
            sa.Column("expires", sa.Double(), nullable=False),
            sa.PrimaryKeyConstraint("key", name=op.f("pk_counters")),
            prefixes=["UNLOGGED"],  # counts may be lost with the server, and so cost no write to its log
        )
        op.create_index(op.f("ix_counters_expires"), "counters", ["expires"])
    op.add_column("users", sa.Column("saved", sa.Integer(), server_default="0", nullable=False))
    op.execute("UPDATE users SET saved = (SELECT count(*) FROM predictions WHERE predictions.user_id = users.id)")
    fold_names()


def fold_names() -> None:
    """Fold each name as signing in does from now on, unless another account has what comes out of it."""
    users = sa.table("users", sa.column("id"), sa.column("name"), sa.column("folded"))
    bind = op.get_bind()
    rows = bind.execute(sa.select(users.c.id, users.c.name, users.c.folded)).all()
    taken = {folded for _, _, folded in rows}
    for id, name, before in rows:
        small = unicodedata.normalize("NFKC", name).casefold()
        folded = unicodedata.normalize("NFKC", small).translate({0x131: "i"})
        if folded not in taken and len(folded) <= 120:
            bind.execute(sa.update(users).where(users.c.id == id).values(folded=folded))
            taken = taken - {before} | {folded}


def downgrade() -> None:
    """Take it back; all who are signed in have to sign in again."""
    if op.get_bind().dialect.name != "sqlite":
        op.drop_table("counters")
    op.drop_column("users", "saved")
    op.drop_table("places")
    op.drop_table("families")
    op.create_table(
        "revoked",
        sa.Column("token", sa.String(length=36), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_revoked")),
    )
    op.create_index(op.f("ix_revoked_expires"), "revoked", ["expires"])
