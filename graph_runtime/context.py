"""What a running node is given: progress, cancellation, files, and facts about the run.

A node asks for it with a parameter of type `Context`. Code that has no parameter to receive it (helpers of packs)
finds it with `current()`, in the thread or task that the engine called.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graph_runtime import events
from graph_runtime.cancel import CancelToken
from graph_runtime.errors import HeddleError

if TYPE_CHECKING:
    from graph_runtime.files import Files, SavedFile

__all__ = ["Context", "Preview", "RunExtra", "Services", "current"]

Preview = Callable[[], Any]
"""Makes a preview only if somebody watches: `(format, bytes)`, or anything that the host's encoder understands."""
PREVIEW_INTERVAL = 0.1
"""Seconds between two previews of one node, at least."""

_current: ContextVar[Context | None] = ContextVar("graph_runtime_context", default=None)


def current() -> Context | None:
    """Return the context of the node that this thread or task is running, or None outside of a node."""
    return _current.get()


def _nobody() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class RunExtra:
    """What a job carries besides its graph.

    Args:
        prompt: the submitted graph in the API format, for saving beside results.
        extra_pnginfo: further data to save beside results, such as the workflow document.
        metadata: files carry these two; nodes that ask for them as hidden inputs get them all the same.
        auth_token, api_key: secrets for nodes that call paid services.
        client_id: the client that submitted the job.
        previews: says whether anybody watches at this moment.
        preview_method: "none" asks nodes for no previews, "taesd" for ones by a tiny autoencoder; anything else for
            the quickest way.
    """

    prompt: Mapping[str, Any] | None = None
    extra_pnginfo: Mapping[str, Any] | None = None
    auth_token: str | None = None
    api_key: str | None = None
    client_id: str | None = None
    metadata: bool = True
    previews: Callable[[], bool] = _nobody
    preview_method: str = "auto"


@dataclass(slots=True)
class Services:
    """What the contexts of one run share; made by the engine.

    `emit` takes events from any thread, one at a time. `encode_preview` turns what a preview thunk returns into
    `(format, bytes)`. `checkpoints` opens the place where a call keeps its state, by its node's key and list index.
    """

    job: str
    emit: Callable[[events.Event], None]
    cancel: CancelToken
    extra: RunExtra = field(default_factory=RunExtra)
    files: Files | None = None
    clock: Callable[[], float] = time.monotonic
    encode_preview: Callable[[Any], tuple[str, bytes] | None] | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    catalogue: Any = None
    checkpoints: Callable[[bytes, int], Any] | None = None
    after_run: list[Callable[[], None]] = field(default_factory=list)


class Context:
    """Services and facts for one call of one node."""

    __slots__ = (
        "_cleanups",
        "_key",
        "_last_preview",
        "_offset",
        "_services",
        "_share",
        "_ui",
        "_warnings",
        "display_id",
        "list_index",
        "node_id",
        "node_type",
        "parent_id",
        "real_id",
    )

    def __init__(
        self,
        services: Services,
        node_id: str,
        node_type: str = "",
        *,
        display_id: str | None = None,
        parent_id: str | None = None,
        real_id: str | None = None,
        list_index: int = 0,
        key: bytes | None = None,
    ) -> None:
        self._services = services
        self._key = key
        self.node_id = node_id
        self.node_type = node_type
        self.display_id = display_id or node_id
        self.parent_id = parent_id
        self.real_id = real_id or node_id
        self.list_index = list_index
        self._ui: dict[str, list[Any]] | None = None
        self._warnings: list[str] | None = None
        self._cleanups: list[Callable[[], None]] | None = None
        self._last_preview = float("-inf")
        self._offset, self._share = 0.0, 1.0

    # -- facts

    @property
    def job(self) -> str:
        """Id of the job that is run."""
        return self._services.job

    @property
    def prompt(self) -> Mapping[str, Any] | None:
        """The submitted graph in the API format, to write into files; None where they carry no metadata."""
        return self._services.extra.prompt if self._services.extra.metadata else None

    @property
    def extra_pnginfo(self) -> Mapping[str, Any] | None:
        """Further data to write into files; None where they carry no metadata."""
        return self._services.extra.extra_pnginfo if self._services.extra.metadata else None

    @property
    def extra(self) -> RunExtra:
        """Everything that the job carries besides its graph."""
        return self._services.extra

    @property
    def previews(self) -> bool:
        """Somebody watches previews at this moment."""
        return self._services.extra.previews()

    @property
    def files(self) -> Files:
        """Writes results under names that do not collide.

        Raises:
            HeddleError: if this engine was made without files.
        """
        if self._services.files is None:
            raise HeddleError(
                "This run has no place to write files.",
                where=f"node {self.node_id}",
                fix="Give the engine Files(folders), or run_node(..., files=...) in a test.",
            )
        return self._services.files

    @property
    def folders(self) -> Any:
        """The folders of models, inputs and outputs (`graph_runtime.folders.Folders`)."""
        return self.files.folders

    def checkpoint(self) -> Any:
        """Where a long call can keep its state, so that a retried job goes on from there; None if nobody wants that.

        The same node over the same inputs finds the same place again; a node without a cache key has none.
        """
        open_checkpoint = self._services.checkpoints
        return None if open_checkpoint is None or self._key is None else open_checkpoint(self._key, self.list_index)

    # -- cancellation and progress

    def check_cancelled(self) -> None:
        """Raise `Cancelled` if the run was asked to stop, or stops because another node failed."""
        services = self._services
        services.cancel.raise_if_cancelled()
        if services.stopping.is_set():
            from graph_runtime.errors import Cancelled

            raise Cancelled("The run is stopping because another node failed.")

    def progress(self, done: float, total: float, preview: Preview | None = None, *, state_only: bool = False) -> None:
        """Report that `done` of `total` steps are done; check for cancellation first.

        Args:
            preview: called only if somebody watches, and not more often than the rate limit allows.
            state_only: tell only clients that follow the state of nodes, and do not check for cancellation.
        Raises:
            Cancelled: if the run was asked to stop.
        """
        if not state_only:
            self.check_cancelled()
        services = self._services
        if self._share != 1.0 or self._offset:
            done, total = round((self._offset + self._share * done / (total or 1)) * 1000, 3), 1000
        picture = None
        if preview is not None and services.extra.previews():
            now = services.clock()
            if now - self._last_preview >= PREVIEW_INTERVAL or done >= total:
                self._last_preview = now
                picture = self._encoded(preview())
        who = (self.node_id, self.display_id, self.parent_id, self.real_id)
        services.emit(events.NodeProgress(*who, done, total, state_only))
        if picture is not None:  # made before, so that nothing comes between a step and its picture
            services.emit(events.NodePreview(*who, format=picture[0], blob=picture[1], state_only=state_only))

    def preview(self, picture: Any, *, state_only: bool = False) -> None:
        """Send a picture that is a result: at once, whatever the rate limit, and never replaced by a newer one.

        Args:
            picture: `(format, bytes)`, or what the host's encoder understands.
            state_only: as for `progress`.
        """
        encoded = self._encoded(picture)
        if encoded is not None:
            who = (self.node_id, self.display_id, self.parent_id, self.real_id)
            format, blob = encoded
            self._services.emit(events.NodePreview(*who, format=format, blob=blob, state_only=state_only, kept=True))

    def _encoded(self, picture: Any) -> tuple[Any, bytes] | None:
        if isinstance(picture, tuple) and len(picture) == 2 and isinstance(picture[1], bytes):
            return picture
        if picture is None or self._services.encode_preview is None:
            return None
        return self._services.encode_preview(picture)

    def part(self, offset: float, length: float) -> Context:
        """Return a context whose progress fills only a part of this one's.

        Args:
            offset: where the part begins, 0..1.
            length: how much of the whole it is, 0..1.
        """
        part = self.beside()
        part._key = self._key
        part._offset, part._share = self._offset + self._share * offset, self._share * length
        self._ui = self._ui if self._ui is not None else {}
        self._warnings = self._warnings if self._warnings is not None else []
        self._cleanups = self._cleanups if self._cleanups is not None else []
        part._ui, part._warnings, part._cleanups = self._ui, self._warnings, self._cleanups
        return part

    # -- what the node shows and leaves behind

    def beside(self) -> Context:
        """A context of the same node and run that shows nothing yet: for a node that calls another's function."""
        return Context(
            self._services,
            self.node_id,
            self.node_type,
            display_id=self.display_id,
            parent_id=self.parent_id,
            real_id=self.real_id,
            list_index=self.list_index,
        )

    @property
    def shown(self) -> Mapping[str, list[Any]]:
        """What the node showed so far."""
        return self._ui or {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the node warned of so far."""
        return tuple(self._warnings or ())

    def show(self, *items: Mapping[str, Any] | SavedFile) -> None:
        """Show results on the node: saved files, or established `ui` entries such as `{"text": ["…"]}`.

        Kept with the result, and shown again when it comes from the cache.
        """
        if self._ui is None:
            self._ui = {}
        for item in items:
            entry = item if isinstance(item, Mapping) else {"images": [item.to_data()]}
            for key, values in entry.items():
                self._ui.setdefault(key, []).extend(values if isinstance(values, list | tuple) else [values])

    def warn(self, text: str) -> None:
        """Tell the reader something worth knowing; kept with the result and repeated on a cache hit."""
        if self._warnings is None:
            self._warnings = []
        self._warnings.append(text)
        self.text(text)

    def text(self, text: str) -> None:
        """Show a line of text on the node while it runs."""
        self._services.emit(events.NodeText(self.node_id, text))

    def send(self, type: str | int, data: Any, sid: str | None = None) -> None:
        """Send a message of the node's own to a client, or to all; bytes travel as they are."""
        if isinstance(data, bytes | bytearray | memoryview):
            self._services.emit(events.Custom(type, None, sid, bytes(data)))
        else:
            self._services.emit(events.Custom(type, data, sid))

    def on_cleanup(self, function: Callable[[], None], *, after: str = "node") -> None:
        """Call a function once this node is done ("node"), or the whole run ("run"), however it ends."""
        if after == "run":
            self._services.after_run.append(function)
        elif after == "node":
            if self._cleanups is None:
                self._cleanups = []
            self._cleanups.append(function)
        else:
            raise ValueError(f"on_cleanup(after={after!r}): use 'node' or 'run'.")
