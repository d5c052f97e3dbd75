"""What the stand-in modules share in one worker: folders, the catalogue, settings, and where messages go.

The stand-ins are ordinary modules with module-level names, because packs assign to those names. Everything they know
about our engine they ask of the `Host` that the worker has opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interop.errors import NoHost
from interop.job_queue import ServerAddress

if TYPE_CHECKING:
    from graph_runtime.catalogue import Catalogue
    from graph_runtime.folders import Folders

__all__ = ["Host", "current", "use"]

Send = Callable[[str | int, Any, str | None], None]
"""(event, data, socket id or None for everyone); an integer event is a binary message whose data is bytes."""


def _nowhere(event: str | int, data: Any, sid: str | None) -> None:
    """Messages sent while no run and no worker listens have no recipient."""


@dataclass(slots=True)
class Host:
    """One worker's side of the border.

    Args:
        folders: where models and files are.
        catalogue: node id → spec of the built-in nodes.
        project: what packs take for the host's folder, the established `base_path`.
        server: where the queue is, if there is one.
        everything: every node by now, those of packs included.
        settings: the launch options under their established names ("preview_method", "disable_metadata", …).
        send: takes messages that packs send outside a run.
        extension_dirs: pack name → folder with its JavaScript; packs may add to it.
        known_extensions: names in `extension_dirs` that have been read already.
        on_prompt: (pack, function) of the functions that packs registered to change a submitted prompt.
        titles: titles that packs gave to built-in nodes.
    """

    folders: Folders
    catalogue: Mapping[str, Any]
    project: Path
    server: ServerAddress | None = None
    everything: Callable[[], Catalogue] | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    send: Send = _nowhere
    extension_dirs: dict[str, str] = field(default_factory=dict)
    known_extensions: set[str] = field(default_factory=set)
    on_prompt: list[tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = field(default_factory=list)
    titles: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False


_host: Host | None = None


def use(host: Host | None) -> Host | None:
    """Make `host` the one that the stand-ins ask; returns the one before."""
    global _host
    before, _host = _host, host
    return before


def current() -> Host:
    """The host of this process.

    Raises:
        NoHost: outside a worker.
    """
    if _host is None:
        raise NoHost("Host modules of packs exist only in a worker. Import this through interop.load_packs.")
    return _host
