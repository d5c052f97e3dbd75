"""Names, priorities and places of jobs, and the files they have published."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
NAME = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Jobs of before keep their order: their place is their number."""
    op.add_column("jobs", sa.Column("name", sa.Text))
    op.add_column("jobs", sa.Column("priority", sa.Integer, nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("place", sa.Float, nullable=False, server_default="0"))
    op.execute(sa.text("UPDATE jobs SET place = number"))
    op.drop_index("jobs_queue", "jobs")
    op.create_index("jobs_queue", "jobs", ["state", sa.text("priority DESC"), "place", "number", "id"])
    op.create_index("jobs_created", "jobs", ["created", "id"])
    op.create_table(
        "artifacts",
        sa.Column("job", NAME, primary_key=True),
        sa.Column("folder", sa.String, primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("node", sa.String),
        sa.Column("bytes", NUMBER, nullable=False),
        sa.Column("at", NUMBER, nullable=False),
    )
    op.create_index("artifacts_path", "artifacts", ["folder", "path"])
    op.execute(sa.text("UPDATE facts SET value = '2' WHERE name = 'schema'"))
