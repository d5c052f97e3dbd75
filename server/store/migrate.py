"""Bringing a job database to the schema of this program.

A new database gets its tables at once; an older one is upgraded by the migrations, in one transaction; a newer one is
refused. Alembic is imported only where there is something to upgrade, because that takes a while.
"""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select

from server.errors import StoreError
from server.store.schema import facts, metadata

__all__ = ["FIRST", "HEAD", "prepare"]

log = logging.getLogger("heddle.store")

FIRST = "0001"
"""The revision of databases that were made before revisions were written down."""
HEAD = "0002"
"""The revision that this program reads and writes."""

_revisions = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
"""Where Alembic keeps the revision of a database."""


def prepare(connection: Connection) -> None:
    """Make the tables of an empty database, or upgrade those of an older one.

    Raises:
        StoreError: if the database was written by a newer program.
    """
    found = _revision(connection)
    if found == HEAD:
        return
    if found is None:
        metadata.create_all(connection)
        _revisions.create(connection, checkfirst=True)
        connection.execute(insert(facts).values(name="schema", value=str(int(HEAD))))
        connection.execute(insert(_revisions).values(version_num=HEAD))
        return
    if not found.isdecimal() or int(found) > int(HEAD):
        raise StoreError(
            f"The job database has schema {found}; this program knows schemas up to {HEAD}. It was written by a newer "
            "program: start that one, or name another database with --database."
        )
    _upgrade(connection, found)


def _revision(connection: Connection) -> str | None:
    """The revision of a database; None when it has no tables of ours."""
    tables = set(inspect(connection).get_table_names())
    if _revisions.name in tables:
        revision = connection.execute(select(_revisions.c.version_num)).scalar()
        if revision is not None:
            return str(revision)
    if facts.name in tables:
        version = connection.execute(select(facts.c.value).where(facts.c.name == "schema")).scalar()
        return FIRST if version is None else f"{version:0>4}"
    return None


def _upgrade(connection: Connection, found: str) -> None:
    from alembic import command
    from alembic.config import Config

    log.info("upgrading the job database from schema %s to %s", found, HEAD)
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    if _revisions.name not in inspect(connection).get_table_names():
        command.stamp(config, found)
    command.upgrade(config, HEAD)
