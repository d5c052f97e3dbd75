"""From what happens in an engine to what established clients expect to hear, in their order.

One `Translation` follows one attempt at a job. Its output is messages for the submitter (or for everybody, where the
protocol says so for submissions without a client id) and the record that history keeps.

`progress_state` repeats the state of every node that has begun, so its size grows with the run. A run may send as
much of it as it likes up to a budget that refills with time; beyond that only the newest state is sent, now and then,
and always before the run ends.

Source: protocol §2.3–2.5.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from server.explanations import SHARED
from server.hub.messages import Message, message_of_pack, preview, preview_with_metadata, text, text_on_node
from server.store.writer import now_ms

__all__ = ["Audience", "Translation"]

STATE_BUDGET = 400_000
"""Bytes of `progress_state` that a run may send at once."""
STATE_REFILL = 150_000
"""Bytes a second that are added to the budget."""
NODE_STATE_BYTES = 180
"""What one node adds to a `progress_state` besides its ids, about."""
MAX_STATE_BYTES = 8_000_000
"""Most bytes of one `progress_state`; of a larger run it tells the nodes that began last."""
CACHED_ONE_BY_ONE = 32
"""How many nodes a run may have for each cached output to be followed by a state of its own; those of a large run come
hundreds at once, and their state goes with the next one that is said."""
MAX_EXPLANATIONS = 10_000
"""Explanations kept of one run."""
MAX_EXPLAINED_LETTERS = 1_000_000
"""Letters of the ids of explained nodes, which are long where expansions are nested."""


def _call_soon(function: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_soon(function)


class Audience(Protocol):
    """Who is connected; `server.hub.Hub` is one."""

    def listens(self, client_id: str | None) -> bool:
        """Whether a message to this client (None: to everybody) would reach anybody."""

    def send(self, client_id: str | None, message: Message) -> None:
        """Deliver a message to a client, or to everybody for None."""


class Translation:
    """Follows one attempt.

    Args:
        job: the job's id.
        client_id: who submitted it; None for nobody in particular.
        audience: where messages go.
        clock: seconds that never go back.
        soon: calls a function once the events that have arrived already are handled.
        prompt: the graph in the API format as JSON text, for the type of a node that nobody else can tell.
    """

    def __init__(
        self,
        job: str,
        client_id: str | None,
        audience: Audience,
        clock: Callable[[], float] = time.monotonic,
        soon: Callable[[Callable[[], None]], object] = _call_soon,
        prompt: str = "{}",
    ) -> None:
        self.job = job
        self.client_id = client_id
        self.record: list[list[Any]] = []
        self.explanations: list[Mapping[str, Any]] = []
        self._explained: set[str] = set()
        self._explained_letters = 0
        self.outputs: dict[str, Any] = {}
        self.meta: dict[str, Any] = {}
        self.active_node: str | None = None
        self.current: Mapping[str, Any] | None = None
        self._audience = audience
        self._clock = clock
        self._nodes: dict[str, dict[str, Any]] = {}
        self._state_bytes = 0
        self._soon = soon
        self._prompt = prompt
        self._held: dict[str, Any] | None = None
        self._budget = float(STATE_BUDGET)
        self._at = clock()
        self._unsent = False
        self._ending: tuple[str, dict[str, Any]] | None = None

    @property
    def progress(self) -> dict[str, dict[str, Any]]:
        """State of every node that has begun."""
        return self._nodes

    def follow(self, event: Mapping[str, Any], blob: bytes) -> None:
        """Take the next event and send what it means."""
        if self._held is not None and event["kind"] != "node_preview":
            self._say_progress()
        match event["kind"]:
            case "run_started":
                self._note("execution_start", {"prompt_id": self.job, "timestamp": now_ms()})
            case "nodes_cached":
                data = {"nodes": list(event["nodes"]), "prompt_id": self.job, "timestamp": now_ms()}
                self._note("execution_cached", data)
            case "node_started":
                self._started(event)
            case "node_progress":
                self._progressed(event)
            case "node_preview":
                self._preview(event, blob)
            case "node_text":
                self._send(
                    self.client_id, text_on_node(event["node"], event["text"], (self.job, "text", event["node"]))
                )
            case "node_shown":
                self._shown(event)
                data = {"node": event["node"], "display_node": event["display"], "output": event["ui"]}
                self._to_submitter("executed", {**data, "prompt_id": self.job})
            case "node_finished":
                self._finished(event)
            case "node_explained":
                self._explain({key: event[key] for key in ("node", "ran", "reasons")})
            case "node_blocked":
                self._blocked(event)
            case "custom":
                self._send(event["sid"], message_of_pack(event, blob))
            case "run_succeeded":
                self._ending = ("execution_success", {"prompt_id": self.job})
            case "run_failed":
                self._fail(event)
            case "run_cancelled":
                self._ending = ("execution_interrupted", self._where(event))

    def end(self, outcome: str, error: Mapping[str, Any] | None) -> tuple[str, dict[str, Any]]:
        """The final message and its data, stamped and recorded; send it once the outcome is on disk.

        Args:
            outcome: how the run ended, should no event have said so.
            error: the facts of a failure, likewise.
        """
        if self._ending is None:
            if outcome == "succeeded":
                self._ending = ("execution_success", {"prompt_id": self.job})
            elif outcome == "cancelled":
                self._ending = ("execution_interrupted", self._where(self.last_known()))
            else:
                self._fail({**_NO_ERROR, **(error or {})})
        assert self._ending is not None
        kind, data = self._ending
        data["timestamp"] = now_ms()
        self.record.append([kind, data])
        return kind, data

    def last_known(self, node: str | None = None) -> dict[str, Any]:
        """The node that was running, its type, and what had been executed: what is known when nobody says it.

        Args:
            node: the one that the worker noted, where it had no time to send that it began it.
        """
        if node is None and self.current is not None:
            node = self.current["real"]
        node_type = None if node is None else json.loads(self._prompt).get(node, {}).get("class_type")
        return {"node": node, "node_type": node_type, "executed": self._done()}

    def announce(self, kind: str, data: Mapping[str, Any]) -> None:
        """Send the final message, and the last state of the nodes before it."""
        self._say_progress()
        if self._unsent:
            self._say_state(final=True)
        if kind == "execution_interrupted" or self.client_id is not None:
            self._send(self.client_id, text(kind, data))

    def announce_idle(self) -> None:
        """Send that no node of this job runs any more; the very last message of a run."""
        self._to_submitter("executing", {"node": None, "prompt_id": self.job})

    def _started(self, event: Mapping[str, Any]) -> None:
        self.active_node = event["display"]
        self.current = event
        self._keep(event, "running", 0, 1)
        self._say_state()
        data = {"node": event["node"], "display_node": event["display"], "prompt_id": self.job}
        self._to_submitter("executing", data)

    def _progressed(self, event: Mapping[str, Any]) -> None:
        node, value, most = event["node"], event["value"], event["max"]
        self._keep(event, "running", value, most)
        if event.get("state_only"):
            self._say_step_state()
            return
        self._held = {"value": value, "max": most, "prompt_id": self.job, "node": node}
        self._soon(self._say_progress)

    def _say_step_state(self) -> None:
        self._say_state(key=(self.job, "state"))

    def _say_progress(self, between: Callable[[], None] = lambda: None) -> None:
        """Send a step that was held back for a moment: its state, its picture with metadata, its progress.

        They go together, or a socket that falls behind would send the newest state with older progress.
        """
        data, self._held = self._held, None
        if data is not None:
            self._say_step_state()
        between()
        if data is not None:
            self._send(self.client_id, text("progress", data, (self.job, "progress", data["node"])))

    def _preview(self, event: Mapping[str, Any], blob: bytes) -> None:
        """A picture with metadata goes before the progress of its step, one without goes after it."""
        key = None if event.get("kept") else (self.job, "preview", event["node"])
        metadata = {
            "node_id": event["node"],
            "prompt_id": self.job,
            "display_node_id": event["display"],
            "parent_node_id": event["parent"],
            "real_node_id": event["real"],
        }
        picture = preview_with_metadata(metadata, event["format"], blob, key)
        self._say_progress(lambda: self._send(self.client_id, picture))
        if not event.get("state_only"):
            self._send(self.client_id, preview(event["format"], blob, key))

    def _shown(self, event: Mapping[str, Any]) -> None:
        if event["ui"] is not None:
            node = event["node"]
            self.outputs[node] = event["ui"]
            self.meta[node] = {
                "node_id": node,
                "display_node": event["display"],
                "parent_node": event["parent"],
                "real_node_id": event["real"],
            }

    def _finished(self, event: Mapping[str, Any]) -> None:
        if event["cached"] and event["node"] == event["real"]:
            self._explain({"node": event["node"], "ran": False, "reasons": [SHARED]})
        before = self._nodes.get(event["node"])
        most = before["max"] if before else 1
        self._keep(event, "finished", most, most)
        if event["cached"] and len(self._nodes) > CACHED_ONE_BY_ONE:
            self._unsent = True
        else:
            self._say_state()

    def _explain(self, entry: Mapping[str, Any]) -> None:
        node = entry["node"]
        room = len(self.explanations) < MAX_EXPLANATIONS and self._explained_letters < MAX_EXPLAINED_LETTERS
        if room and node not in self._explained:
            self._explained.add(node)
            self._explained_letters += len(node)
            self.explanations.append(entry)

    def _blocked(self, event: Mapping[str, Any]) -> None:
        data = {
            "prompt_id": self.job,
            "node_id": event["node"],
            "node_type": event["node_type"],
            "executed": list(event["executed"]),
            "exception_message": f"Execution Blocked: {event['message']}",
            "exception_type": "ExecutionBlocked",
            "traceback": [],
            "current_inputs": [],
            "current_outputs": [],
        }
        self._to_submitter("execution_error", data)

    def _fail(self, event: Mapping[str, Any]) -> None:
        node = event["node"]
        if node in self._nodes:
            self._nodes[node]["state"] = "error"
            self._unsent = True
        fix = f"{event['fix']}\n" if event.get("fix") else ""
        data = {
            "prompt_id": self.job,
            "node_id": node,
            "node_type": event["node_type"],
            "executed": list(event["executed"]),
            "exception_message": f"{str(event['message']).rstrip()}\n{fix}",
            "exception_type": event["exception_type"],
            "traceback": list(event["traceback"]),
            "current_inputs": event["current_inputs"],
            "current_outputs": list(event["current_outputs"]),
        }
        self._ending = ("execution_error", data)

    def _keep(self, event: Mapping[str, Any], state: str, value: float, most: float) -> None:
        """Note the state of a node."""
        node = event["node"]
        if node not in self._nodes:
            self._state_bytes += _bytes_of(node)
        self._nodes[node] = {
            "value": value,
            "max": most,
            "state": state,
            "node_id": event["node"],
            "prompt_id": self.job,
            "display_node_id": event["display"],
            "parent_node_id": event["parent"],
            "real_node_id": event["real"],
        }

    def _say_state(self, key: Any = None, final: bool = False) -> None:
        if not self._audience.listens(self.client_id):
            self._unsent = True
            return
        now = self._clock()
        self._budget = min(STATE_BUDGET, self._budget + (now - self._at) * STATE_REFILL)
        self._at = now
        if self._budget < self._state_bytes and not final:
            self._unsent = True
            return
        self._budget -= self._state_bytes
        self._unsent = False
        nodes = self._nodes if self._state_bytes <= MAX_STATE_BYTES else self._newest()
        self._send(self.client_id, text("progress_state", {"prompt_id": self.job, "nodes": nodes}, key))

    def _newest(self) -> dict[str, dict[str, Any]]:
        """The nodes that began last, as many as one message may tell of."""
        total = itertools.accumulate(_bytes_of(node) for node in reversed(self._nodes))
        count = sum(1 for _ in itertools.takewhile(lambda size: size <= MAX_STATE_BYTES, total))
        return {node: self._nodes[node] for node in itertools.islice(reversed(self._nodes), count)}

    def _where(self, event: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "prompt_id": self.job,
            "node_id": event["node"],
            "node_type": event["node_type"],
            "executed": list(event["executed"]),
        }

    def _done(self) -> list[str]:
        return [node for node, state in self._nodes.items() if state["state"] == "finished"]

    def _note(self, kind: str, data: dict[str, Any]) -> None:
        self.record.append([kind, data])
        self._to_submitter(kind, data)

    def _send(self, client_id: str | None, message: Message) -> None:
        self._audience.send(client_id, message)

    def _to_submitter(self, kind: str, data: Mapping[str, Any]) -> None:
        if self.client_id is not None and self._audience.listens(self.client_id):
            self._send(self.client_id, text(kind, data))


def _bytes_of(node: str) -> int:
    """What a node adds to a `progress_state`, about: its id stands there under four names."""
    return NODE_STATE_BYTES + 4 * len(node)


_NO_ERROR: dict[str, Any] = {
    "node": None, "node_type": None, "executed": [], "message": "The run failed and the worker gave no reason.",
    "exception_type": "RuntimeError", "traceback": [], "current_inputs": {}, "current_outputs": [], "fix": "",
}  # fmt: skip
