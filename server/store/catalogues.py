"""The last catalogue that workers published, kept so that a new server can answer before its workers are up."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select

from server.store.database import Database
from server.store.schema import catalogues
from server.store.writer import Transaction, Writer, now_ms

__all__ = ["load_catalogue", "save_catalogue"]


async def save_catalogue(
    writer: Writer, digest: str, entries: Mapping[str, Any], packs: Sequence[Mapping[str, Any]]
) -> None:
    """Keep this catalogue and forget the one before."""
    data = zlib.compress(json.dumps(entries, separators=(",", ":")).encode(), 1)

    async def operation(transaction: Transaction) -> None:
        await transaction.execute(delete(catalogues))
        await transaction.execute(
            insert(catalogues).values(digest=digest, data=data, packs=json.dumps(list(packs)), at=now_ms())
        )

    await writer.write(operation)


async def load_catalogue(database: Database) -> tuple[str, dict[str, Any], list[dict[str, Any]]] | None:
    """Digest, entries and packs of the last catalogue; None when none was ever published."""
    async with database.reader.connect() as connection:
        row = (await connection.execute(select(catalogues).limit(1))).first()
    if row is None:
        return None
    return row.digest, json.loads(zlib.decompress(row.data)), json.loads(row.packs)
