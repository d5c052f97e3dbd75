"""The tables: jobs, what happened to them, the files they made, and what workers published.

A change here comes with a migration in `server/store/migrations/versions`; a test compares both.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = ["artifacts", "catalogues", "events", "facts", "jobs", "metadata"]

metadata = MetaData()
_Number = BigInteger().with_variant(Integer, "sqlite")
_Name = String().with_variant(String(collation="C"), "postgresql")
"""Compared byte by byte, so that ids have the same order in every database."""

jobs = Table(
    "jobs",
    metadata,
    Column("id", _Name, primary_key=True),
    Column("number", Float, nullable=False),
    Column("ticket", _Number),
    Column("state", String, nullable=False),
    Column("client_id", String),
    Column("key", String),
    Column("body_hash", String),
    Column("prompt", Text, nullable=False),
    Column("targets", Text, nullable=False),
    Column("extra_data", Text, nullable=False),
    Column("secrets", Text),
    Column("problems", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("deaths", Integer, nullable=False),
    Column("worker", String),
    Column("lease_until", _Number),
    Column("cancel_requested", Integer, nullable=False),
    Column("created", _Number, nullable=False),
    Column("started", _Number),
    Column("finished", _Number),
    Column("finish_order", _Number),
    Column("outputs", Text),
    Column("meta", Text),
    Column("messages", Text),
    Column("error", Text),
    Column("reason", Text),
    Column("outputs_count", Integer),
    Column("preview_output", Text),
    Column("explanations", Text),
    Column("name", Text),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("place", Float, nullable=False, server_default="0"),
    UniqueConstraint("key", name="jobs_key"),
)
"""The queue and its history: one row a job. Times are milliseconds since 1970; JSON is stored as text.

Queued jobs run by `priority` (higher first), then `place` (lower first), then `number` and `id`.
"""
Index("jobs_queue", jobs.c.state, jobs.c.priority.desc(), jobs.c.place, jobs.c.number, jobs.c.id)
Index("jobs_finished", jobs.c.finish_order)
Index("jobs_created", jobs.c.created, jobs.c.id)

events = Table(
    "events",
    metadata,
    Column("seq", _Number, primary_key=True, autoincrement=False),
    Column("job", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("data", Text, nullable=False),
    Column("at", _Number, nullable=False),
    Index("events_job", "job", "seq"),
)
"""What happened to jobs, in order. Written in the transaction that made it true."""

artifacts = Table(
    "artifacts",
    metadata,
    Column("job", _Name, primary_key=True),
    Column("folder", String, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("node", String),
    Column("bytes", _Number, nullable=False),
    Column("at", _Number, nullable=False),
    Index("artifacts_path", "folder", "path"),
)
"""Files that jobs have published: written in the transaction that ends the attempt which made them.

`folder` is "output"; `path` is below it, with forward slashes.
"""

catalogues = Table(
    "catalogues",
    metadata,
    Column("digest", String, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("packs", Text, nullable=False),
    Column("at", _Number, nullable=False),
)
"""The last catalogue that workers published (compressed JSON), so that it can be served before they are up."""

facts = Table(
    "facts",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Small single values: `schema` (so that programs before Alembic refuse this database), `paused`."""
