"""Host module `server`, as packs see it: routes, messages to clients, and facts about the running job.

Source: protocol §5.4.
"""

import asyncio
import json
import struct
import uuid
from typing import Any

from aiohttp import web

from interop import running as _running
from interop.host import current as _current
from interop.job_queue import JobQueue as _JobQueue
from interop.placeholders import placeholder as _placeholder
from interop.routes import pack_routes as _pack_routes
from interop.turn import loading as _loading
from nodes.preview_encoding import encode_preview as _encode_preview

__all__ = ["BinaryEventTypes", "PromptServer", "uuid", "web"]


class BinaryEventTypes:
    """Kinds of binary messages."""

    PREVIEW_IMAGE = 1
    UNENCODED_PREVIEW_IMAGE = 2
    TEXT = 3
    PREVIEW_IMAGE_WITH_METADATA = 4


class PromptServer:
    """The host's server; `PromptServer.instance` is the only one."""

    instance: Any = None

    def __init__(self) -> None:
        settings = _current().settings
        self.number = 0
        self.sockets: dict[str, Any] = {}
        self.sockets_metadata: dict[str, Any] = {}
        self.supports = ["custom_nodes_from_web"]
        self.address = str(settings.get("listen", "127.0.0.1"))
        self.port = int(str(settings.get("port", 8188)))
        self.web_root = str(_current().project / "web")
        self.client_session = None
        self.user_manager = _placeholder("server.PromptServer.instance.user_manager")
        self.prompt_queue = _JobQueue(_current().server)
        self._said: dict[str, Any] = {}

    @property
    def routes(self) -> Any:
        """The aiohttp route table."""
        return _pack_routes().table

    @property
    def app(self) -> Any:
        """The aiohttp application."""
        return _pack_routes().app

    @property
    def loop(self) -> Any:
        """The loop that calls route handlers."""
        return _pack_routes().loop

    @property
    def messages(self) -> Any:
        """The queue of outgoing messages: nothing waits in a worker."""
        return asyncio.Queue()

    def _fact(self, name: Any, value: Any) -> Any:
        return self._said.get(name, value)

    @property
    def client_id(self) -> Any:
        """Who submitted the running job; None when nobody did."""
        call = _running.last_call()
        return self._fact("client_id", None if call is None else call.client_id)

    @client_id.setter
    def client_id(self, value: Any) -> None:
        self._said["client_id"] = value

    @property
    def last_node_id(self) -> Any:
        """The running node."""
        call = _running.last_call()
        return self._fact("last_node_id", None if call is None else call.node_id)

    @last_node_id.setter
    def last_node_id(self, value: Any) -> None:
        self._said["last_node_id"] = value

    @property
    def last_prompt_id(self) -> Any:
        """The running job."""
        call = _running.last_call()
        return self._fact("last_prompt_id", None if call is None else call.job)

    @last_prompt_id.setter
    def last_prompt_id(self, value: Any) -> None:
        self._said["last_prompt_id"] = value

    def send_sync(self, event: Any, data: Any, sid: Any = None) -> None:
        """Send a message from any thread.

        Args:
            event: text for a JSON message, a number for a binary one.
            sid: whom to send it to; None is everyone.
        Raises:
            TypeError: if the data cannot be sent.
        """
        call = _running.last_call()
        if event == BinaryEventTypes.UNENCODED_PREVIEW_IMAGE:
            event, data = BinaryEventTypes.PREVIEW_IMAGE, _preview(data)
        if isinstance(data, bytes | bytearray):
            data = bytes(data)
        elif not isinstance(event, str):
            raise TypeError(f"Binary event {event} needs bytes, not {type(data).__name__}.")
        else:
            data = _json(event, data)
        if call is not None and call.context is not None:
            call.context.send(event, data, sid)
        else:
            _current().send(event, data, sid)

    async def send(self, event: Any, data: Any, sid: Any = None) -> None:
        """Send a message."""
        self.send_sync(event, data, sid)

    async def send_json(self, event: Any, data: Any, sid: Any = None) -> None:
        """Send a JSON message."""
        self.send_sync(event, data, sid)

    async def send_bytes(self, event: Any, data: Any, sid: Any = None) -> None:
        """Send a binary message."""
        self.send_sync(event, data, sid)

    async def send_image(self, image_data: Any, sid: Any = None) -> None:
        """Send a preview: ("JPEG" or "PNG", picture, largest side or None)."""
        self.send_sync(BinaryEventTypes.UNENCODED_PREVIEW_IMAGE, image_data, sid)

    def send_progress_text(self, text: Any, node_id: Any, sid: Any = None) -> None:
        """Show text on a node."""
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        id = str(node_id).encode("utf-8")
        self.send_sync(BinaryEventTypes.TEXT, struct.pack(">I", len(id)) + id + text.encode("utf-8"), sid)

    def add_on_prompt_handler(self, handler: Any) -> None:
        """Let a function change every submitted prompt: it takes the request's JSON and returns it.

        Raises:
            RuntimeError: outside of a pack's import.
        """
        if not _loading.pack:
            raise RuntimeError("This handler comes too late: add on-prompt handlers while the pack is imported.")
        _current().on_prompt.append((_loading.pack, handler))

    @property
    def on_prompt_handlers(self) -> Any:
        """The functions that change prompts."""
        return [handler for _, handler in _current().on_prompt]

    def trigger_on_prompt(self, json_data: Any) -> Any:
        """Call the functions that change prompts."""
        for handler in self.on_prompt_handlers:
            json_data = handler(json_data)
        return json_data

    def get_queue_info(self) -> Any:
        """What the status message says."""
        return {"exec_info": {"queue_remaining": self.prompt_queue.get_tasks_remaining()}}

    def queue_updated(self) -> None:
        """The server tells clients of its queue by itself."""


def _preview(data: Any) -> Any:
    kind, encoded = _encode_preview(data)
    return struct.pack(">I", 2 if kind == "PNG" else 1) + encoded


def _json(event: Any, data: Any) -> Any:
    try:
        return json.loads(json.dumps(data))
    except TypeError as error:
        raise TypeError(f"The data of event {event!r} cannot be sent as JSON: {error}") from error


PromptServer.instance = PromptServer()
