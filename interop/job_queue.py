"""The server's queue and history, as packs ask for them: over HTTP, because a worker holds neither.

Source: protocol §5.4 (`prompt_queue`), §1.3, §1.4.
"""

from __future__ import annotations

import json
import os
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from interop import running
from interop.errors import NotSupported

__all__ = ["JobQueue", "ServerAddress"]

ADDRESS_VARIABLE, KEY_VARIABLE = "HEDDLE_SERVER", "HEDDLE_SERVER_KEY"
CERTIFICATE_VARIABLE = "HEDDLE_SERVER_CERTIFICATE"
BY_PACK = "X-Heddle-By-Pack"
"""Header of what packs submit: the server asks no pack about it."""
SECONDS = 30.0
"""How long the server may take to answer."""
_UNSUPPORTED = ("get", "task_done")


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where the server answers its workers.

    Attributes:
        url: without a path.
        key: what it wants to see of a worker, if it has a token.
        certificate: of a server that answers over TLS.
    """

    url: str
    key: str | None = None
    certificate: str | None = None

    @classmethod
    def told(cls) -> ServerAddress | None:
        """What the server said in the environment of this process; None where no server started it."""
        told = os.environ.get
        url = told(ADDRESS_VARIABLE)
        return None if url is None else cls(url, told(KEY_VARIABLE), told(CERTIFICATE_VARIABLE))

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Read a path, or send JSON to it.

        Returns:
            The answer's JSON; None if it has no body.
        Raises:
            RuntimeError: if the server refuses, with its own words, or does not answer.
        """
        headers = {"Content-Type": "application/json", BY_PACK: "1"}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS, context=self._context()) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(
                f"The server refused {path} of a pack: {error.read().decode(errors='replace')}"
            ) from error
        except OSError as error:
            raise RuntimeError(f"The server did not answer {path} of a pack at {self.url}: {error}") from error
        return json.loads(text) if text else None

    def _context(self) -> ssl.SSLContext | None:
        """Trusts the server's own certificate and no other, whatever name it was issued for."""
        if self.certificate is None:
            return None
        context = ssl.create_default_context(cafile=self.certificate)
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context


class JobQueue:
    """What packs call `prompt_queue`.

    Args:
        server: where the queue is; without one, the running job is all there is.
    """

    def __init__(self, server: ServerAddress | None) -> None:
        self._server = server
        self.mutex = threading.RLock()

    @property
    def currently_running(self) -> dict[int, tuple[Any, ...]]:
        """{0: (number, prompt id, prompt, extra data, outputs)} of the job that runs in this worker."""
        call = running.last_call()
        if call is None or call.context is None:
            return {}
        extra = {"client_id": call.client_id, "extra_pnginfo": call.context.extra_pnginfo}
        return {0: (0, call.job, dict(call.context.prompt or {}), extra, [])}

    @property
    def queue(self) -> list[tuple[Any, ...]]:
        """Jobs that wait: (number, prompt id, prompt, extra data, outputs)."""
        return self.get_current_queue()[1]

    @property
    def history(self) -> dict[str, Any]:
        """Outcomes of earlier jobs by their ids."""
        return self.get_history()

    def get_current_queue(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """(running, pending)."""
        if self._server is None:
            return list(self.currently_running.values()), []
        told = self._server.ask("/queue")
        return [tuple(item) for item in told["queue_running"]], [tuple(item) for item in told["queue_pending"]]

    get_current_queue_volatile = get_current_queue

    def get_tasks_remaining(self) -> int:
        """How many jobs run or wait."""
        return sum(len(items) for items in self.get_current_queue())

    def get_history(
        self,
        prompt_id: str | None = None,
        max_items: int | None = None,
        offset: int = -1,
        map_function: Callable[[Any], Any] | None = None,
    ) -> dict[str, Any]:
        """Outcomes of earlier jobs by their ids.

        Args:
            prompt_id: only this one.
            map_function: changes each.
        """
        if self._server is None:
            return {}
        asked = {"max_items": max_items, "offset": offset if offset >= 0 else None}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        path = f"/history/{quote(prompt_id, safe='')}" if prompt_id else f"/history?{query}" if query else "/history"
        found: dict[str, Any] = self._server.ask(path)
        return found if map_function is None else {id: map_function(entry) for id, entry in found.items()}

    def put(self, item: Any) -> None:
        """Submit a job.

        Args:
            item: (number, prompt id, prompt, extra data, output ids, …).
        Raises:
            RuntimeError: if the server refuses it, with the server's own words.
        """
        number, prompt_id, prompt, extra = item[:4]
        body = {"prompt": prompt, "prompt_id": prompt_id, "extra_data": extra, "number": number}
        if extra.get("client_id") is not None:
            body["client_id"] = extra["client_id"]
        if len(item) > 4 and item[4]:
            body["partial_execution_targets"] = list(item[4])
        self._ask("/prompt", body)

    def wipe_queue(self) -> None:
        """Drop every job that waits."""
        self._ask("/queue", {"clear": True})

    def delete_queue_item(self, function: Callable[[tuple[Any, ...]], Any]) -> bool:
        """Drop the first waiting job for which a function of the job is true; says whether there was one."""
        for item in self.queue:
            if function(item):
                self._ask("/queue", {"delete": [item[1]]})
                return True
        return False

    def wipe_history(self) -> None:
        """Forget every outcome."""
        self._ask("/history", {"clear": True})

    def delete_history_item(self, id_to_delete: str) -> None:
        """Forget one outcome."""
        self._ask("/history", {"delete": [id_to_delete]})

    def set_flag(self, name: str, value: Any) -> None:
        """Ask for something after the running job.

        Raises:
            NotSupported: for flags other than "free_memory" and "unload_models".
        """
        if name not in ("free_memory", "unload_models"):
            raise NotSupported(f"PromptServer.instance.prompt_queue.set_flag({name!r})", "called")
        self._ask("/free", {name: bool(value)})

    def get_flags(self, reset: bool = True) -> dict[str, Any]:
        """What was asked for and is not done: nothing, it is passed on at once."""
        return {}

    def _ask(self, path: str, body: Mapping[str, Any]) -> None:
        if self._server is None:
            raise RuntimeError(f"There is no server here that could do {path} for a pack. Start one: main.py serve.")
        self._server.ask(path, body)

    def __getattr__(self, name: str) -> Any:
        if name in _UNSUPPORTED:
            raise NotSupported(
                f"PromptServer.instance.prompt_queue.{name}", advice="The engine takes jobs from the queue by itself."
            )
        raise AttributeError(name)
