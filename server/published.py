"""What workers published: the catalogue, the packs and the devices; and the established description made of it."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graph_runtime.catalogue import Catalogue
from graph_runtime.folders import Folders, UnknownFolder, UnsafePath
from graph_runtime.object_info import object_info, object_info_of
from server.errors import Refused
from server.pools.protocol import CataloguePublished, WorkerReady

__all__ = ["LISTING_SECONDS", "PACKS_SECONDS", "Body", "Published"]

log = logging.getLogger("heddle.catalogue")

FIRST_CATALOGUE_SECONDS = 60.0
"""How long a request waits for the first catalogue of a fresh installation."""
PACKS_SECONDS = 25.0
"""How long a request for what nobody knows waits for packs that are still loading; clients wait about 30."""
_EVERY_PACK = ""
"""A name that no node has: waiting for it is waiting for every pack."""
LISTING_SECONDS = 0.5
"""How long a listing of all nodes waits for them; quick packs are in it then, slow ones do not hold it up."""


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON document, ready to be sent: plain and compressed, with its tag."""

    plain: bytes
    compressed: bytes
    etag: str


class Published:
    """The newest catalogue of the workers.

    Args:
        folders: what inputs that choose a file offer.
    """

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._known = asyncio.Event()
        self._news = asyncio.Event()
        self._complete = False
        self._catalogue = Catalogue()
        self._stale: dict[str, Any] = {}
        self._kept = ("", "")
        self._lock = asyncio.Lock()
        self._bodies: dict[str, tuple[tuple[Any, ...], Body]] = {}
        self.entries: Mapping[str, Any] = {}
        self.digest = ""
        self.packs: Sequence[Mapping[str, Any]] = ()
        self.devices: Sequence[Mapping[str, Any]] = ()
        self.versions: Mapping[str, Any] = {}

    @property
    def complete(self) -> bool:
        """Whether no pack is still loading."""
        return self._complete

    def remember(self, digest: str, entries: Mapping[str, Any], packs: Sequence[Mapping[str, Any]]) -> None:
        """Use the catalogue of the last time until workers publish theirs.

        The nodes of packs stay until the packs have been loaded again; routes of packs do not.
        """
        self._kept = (digest, json.dumps(list(packs), sort_keys=True))
        self._stale = {name: entry for name, entry in entries.items() if entry.get("module") != "nodes"}
        self.packs = [{**pack, "routes_port": None} for pack in packs]
        self._learn_folders(packs)
        self._use(digest, entries)

    def take(self, news: CataloguePublished) -> bool:
        """Take what a worker published; says whether it is complete and new, and so worth keeping."""
        self._learn_folders(news.packs)
        if not news.complete and self._complete:
            return False  # another worker comes up; what its packs give is known from the others until it says itself
        if not news.complete:
            entries = {**news.entries, **{k: v for k, v in self._stale.items() if k not in news.entries}}
            digest = f"{news.digest}-packs-pending" if self._stale else news.digest
            newer = bool(news.packs) and digest != self.digest
            if newer or not self._known.is_set() or entries.keys() != self.entries.keys():
                self._use(digest, entries)
            if news.packs:
                done = {pack["name"] for pack in news.packs}
                self.packs = [*news.packs, *(pack for pack in self.packs if pack["name"] not in done)]
            return False
        self._stale = {}
        self._complete = True
        self._tell()
        self.packs = news.packs
        if news.digest != self.digest:
            self._use(news.digest, news.entries)
        kept = (news.digest, json.dumps(list(news.packs), sort_keys=True))
        is_new, self._kept = kept != self._kept, kept
        for pack in news.packs:
            if not pack.get("ok", True):
                log.warning("pack %s is not loaded: %s", pack.get("name"), pack.get("error"))
        return is_new

    def _learn_folders(self, packs: Iterable[Mapping[str, Any]]) -> None:
        """Look into the model folders that packs have added, too."""
        for pack in packs:
            for key, path, is_default, suffixes in pack.get("folders", ()):
                self._folders.add(key, Path(path), is_default, frozenset(suffixes))

    def warm(self, ready: WorkerReady) -> None:
        """Take what a worker says about its devices."""
        self.devices, self.versions = ready.devices, ready.versions

    def has_file(self, name: object) -> bool:
        """Whether an input that names a file, such as `x.png [output]`, names one that is there."""
        try:
            return isinstance(name, str) and self._folders.annotated(name).is_file()
        except (UnsafePath, OSError, ValueError):  # also: a name that is too long, or holds a NUL
            return False

    async def catalogue(self) -> Catalogue:
        """The catalogue; waits for the first one.

        Raises:
            Refused: 503, if no worker publishes one in time.
        """
        if not self._known.is_set():
            try:
                await asyncio.wait_for(self._known.wait(), FIRST_CATALOGUE_SECONDS)
            except TimeoutError:
                raise Refused(
                    503, "no_catalogue", "No worker has published its nodes yet.", "Look into the log, then try again."
                ) from None
        return self._catalogue

    async def catalogue_with(self, names: Iterable[str], within: float = PACKS_SECONDS) -> Catalogue:
        """The catalogue, once it has these nodes or every pack has been loaded, or the time is over.

        Raises:
            Refused: as `catalogue`.
        """
        await self.catalogue()
        missing = set(names)
        if self._complete or missing <= self._catalogue.keys():
            return self._catalogue
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not self._complete and not missing <= self._catalogue.keys():
                    await self._news.wait()
        return self._catalogue

    async def loaded_packs(self, within: float = PACKS_SECONDS) -> Sequence[Mapping[str, Any]]:
        """The packs, once every one is loaded, or those that are when the time is over."""
        await self.catalogue_with([_EVERY_PACK], within)
        return self.packs

    def choices(self, folder: str) -> list[str]:
        """Names in a folder that inputs choose from; none for a folder nobody knows."""
        try:
            return self._folders.choices(folder)
        except UnknownFolder:
            return []

    async def object_info(self) -> Body:
        """The established description of every node, with file lists as they are now."""
        catalogue = await self.catalogue_with([_EVERY_PACK], LISTING_SECONDS)
        return await self._body("object_info", lambda: dict(object_info_of(catalogue, self.choices)))

    async def one_object_info(self, name: str) -> dict[str, Any]:
        """The same for one node; empty when there is none of that name."""
        spec = (await self.catalogue_with([name])).get(name)
        return {} if spec is None else {name: object_info(spec, self.choices)}

    async def catalogue_body(self, newer_than: str | None = None, within: float = PACKS_SECONDS) -> Body:
        """The plain-data catalogue with choices filled in, for our own API.

        Args:
            newer_than: a digest; while packs are still loading, another catalogue is waited for.
            within: seconds to wait at most.
        """
        await self.catalogue()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self.digest == newer_than and not self._complete:
                    await self._news.wait()
        return await self._body("catalogue", self._resolved)

    def _resolved(self) -> dict[str, Any]:
        nodes: dict[str, Any] = {}
        for name, entry in self.entries.items():
            inputs = []
            for item in entry["inputs"]:
                source = item.get("choices_from")
                folder = source.get("folder") if isinstance(source, Mapping) else None
                inputs.append({**item, "choices": self.choices(folder)} if folder else item)
            nodes[name] = {**entry, "inputs": inputs}
        return {"digest": self.digest, "complete": self._complete, "nodes": nodes}

    async def _body(self, name: str, make: Any) -> Body:
        version = (self.digest, self._complete, *(tuple(self.choices(folder)) for folder in self._sources))
        async with self._lock:
            known = self._bodies.get(name)
            if known is not None and known[0] == version:
                return known[1]
            body = await asyncio.to_thread(_encode, make)
            self._bodies[name] = (version, body)
            return body

    def _tell(self) -> None:
        """Wake whoever waits for nodes of packs."""
        self._news.set()
        self._news = asyncio.Event()

    def _use(self, digest: str, entries: Mapping[str, Any]) -> None:
        self._catalogue = Catalogue.from_data(entries)
        self.entries = entries
        self.digest = digest
        self._sources = sorted(
            {
                item["choices_from"]["folder"]
                for entry in entries.values()
                for item in entry["inputs"]
                if item.get("choices_from") and "folder" in item["choices_from"]
            }
        )
        self._known.set()
        self._tell()


def _encode(make: Any) -> Body:
    plain = json.dumps(make(), separators=(",", ":")).encode()
    etag = f'"{hashlib.blake2b(plain, digest_size=12).hexdigest()}"'
    return Body(plain, gzip.compress(plain, 6, mtime=0), etag)
