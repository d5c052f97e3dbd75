"""The tables as they were before migrations were kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
NAME = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Make jobs, events, catalogues and facts."""
    op.create_table(
        "jobs",
        sa.Column("id", NAME, primary_key=True),
        sa.Column("number", sa.Float, nullable=False),
        sa.Column("ticket", NUMBER),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("client_id", sa.String),
        sa.Column("key", sa.String),
        sa.Column("body_hash", sa.String),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("prompt", "targets", "extra_data")),
        sa.Column("secrets", sa.Text),
        sa.Column("problems", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("deaths", sa.Integer, nullable=False),
        sa.Column("worker", sa.String),
        sa.Column("lease_until", NUMBER),
        sa.Column("cancel_requested", sa.Integer, nullable=False),
        sa.Column("created", NUMBER, nullable=False),
        *(sa.Column(name, NUMBER) for name in ("started", "finished", "finish_order")),
        *(sa.Column(name, sa.Text) for name in ("outputs", "meta", "messages", "error", "reason")),
        sa.Column("outputs_count", sa.Integer),
        *(sa.Column(name, sa.Text) for name in ("preview_output", "explanations")),
        sa.UniqueConstraint("key", name="jobs_key"),
    )
    op.create_index("jobs_queue", "jobs", ["state", "number", "id"])
    op.create_index("jobs_finished", "jobs", ["finish_order"])
    op.create_table(
        "events",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("job", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("at", NUMBER, nullable=False),
    )
    op.create_index("events_job", "events", ["job", "seq"])
    op.create_table(
        "catalogues",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("packs", sa.Text, nullable=False),
        sa.Column("at", NUMBER, nullable=False),
    )
    op.create_table(
        "facts",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.execute(sa.text("INSERT INTO facts (name, value) VALUES ('schema', '1')"))
