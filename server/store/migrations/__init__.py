"""Alembic migrations of the job database, applied when a server starts.

To change the schema: edit `server/store/schema.py`, add `versions/v000N_what.py` with `revision = "000N"` and
`down_revision` the one before, and set `HEAD` in `server/store/migrate.py`. Tests compare the result of all
migrations with the schema, on SQLite and on PostgreSQL. There are no downgrades: a newer database is refused.
"""
