"""What lets existing node packs load: adapters for the established class conventions, and the modules of their host.

`load_packs` is all that a worker needs; docs/node-packs.md says what packs can expect.
"""

from __future__ import annotations

from interop.job_queue import ServerAddress
from interop.loading import LoadedPacks, close_packs, load_packs
from interop.report import PackReport

__all__ = ["LoadedPacks", "PackReport", "ServerAddress", "close_packs", "load_packs"]
