"""Run by Alembic: applies migrations over the connection that `server.store.migrate` hands it."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
