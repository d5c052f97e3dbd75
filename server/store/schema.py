"""The tables: jobs, what happened to them, and what workers published."""

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

__all__ = ["SCHEMA_VERSION", "catalogues", "events", "facts", "jobs", "metadata"]

SCHEMA_VERSION = 1
"""Written into every database; another version is refused rather than guessed at."""

metadata = MetaData()
_Number = BigInteger().with_variant(Integer, "sqlite")

jobs = Table(
    "jobs",
    metadata,
    Column("id", String, primary_key=True),
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
    UniqueConstraint("key", name="jobs_key"),
    Index("jobs_queue", "state", "number", "id"),
    Index("jobs_finished", "finish_order"),
)
"""The queue and its history: one row a job. Times are milliseconds since 1970; JSON is stored as text."""

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
"""Small single values: the schema's version."""
