"""Opening documents in any known format, also while the packs whose nodes they have are still loading."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from graph_runtime.catalogue import Catalogue
from graph_runtime.documents import Converted
from server.published import Published

__all__ = ["opened"]


async def opened(published: Published, convert: Callable[[Catalogue], Converted]) -> tuple[Converted, Catalogue]:
    """The document, and the catalogue it was read with.

    Values of established formats are named by their node's declaration, so a document with nodes that nobody knows is
    read again once every pack has been loaded.

    Args:
        convert: reads the document; called in a thread.
    Raises:
        Refused: 503, if there is no catalogue; and what `convert` raises.
    """
    catalogue = await published.catalogue()
    converted = await asyncio.to_thread(convert, catalogue)
    if published.complete or all(warning.code != "unknown_type" for warning in converted.warnings):
        return converted, catalogue
    await published.loaded_packs()
    catalogue = await published.catalogue()
    return await asyncio.to_thread(convert, catalogue), catalogue
