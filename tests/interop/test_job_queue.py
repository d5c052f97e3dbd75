"""The server's queue and history, as packs ask for them."""

from __future__ import annotations

import importlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from interop.errors import NotSupported
from interop.job_queue import JobQueue, ServerAddress
from tests.interop.conftest import Open

ITEMS = [[1, "first", {}, {}, []], [2, "second", {"1": {}}, {"client_id": "c"}, ["1"]]]
ANSWERS = {
    "/queue": {"queue_running": ITEMS[:1], "queue_pending": ITEMS[1:]},
    "/history?max_items=2": {"a": {"n": 1}},
    "/history/a%2Fb": {"a/b": {"n": 2}},
    "/prompt": {"prompt_id": "x"},
    "/free": {},
}


class Server:
    """Answers with what is written above, and keeps what it was sent."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str | None, Any]] = []
        told = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                assert self.headers["X-Heddle-By-Pack"] == "1"
                told.append((self.path, self.headers.get("Authorization"), body))
                known = ANSWERS.get(self.path)
                text = b"no such thing" if known is None else json.dumps(known).encode()
                self.send_response(400 if known is None else 200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_GET

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def address(self) -> ServerAddress:
        return ServerAddress(f"http://127.0.0.1:{self.http.server_port}", key="a key")

    def close(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.close()


def test_the_queue_is_the_servers(server: Server) -> None:
    queue = JobQueue(server.address)

    running, pending = queue.get_current_queue()

    assert (running, pending) == ([tuple(ITEMS[0])], [tuple(ITEMS[1])])
    assert queue.get_tasks_remaining() == 2
    assert {key for _, key, _ in server.got} == {"Bearer a key"}


def test_outcomes_are_found_by_number_and_by_id(server: Server) -> None:
    queue = JobQueue(server.address)

    assert queue.get_history(max_items=2) == {"a": {"n": 1}}
    assert queue.get_history("a/b", map_function=lambda entry: entry["n"]) == {"a/b": 2}


def test_a_job_is_submitted_with_its_client_and_outputs(server: Server) -> None:
    JobQueue(server.address).put(ITEMS[1])

    ((path, _, body),) = server.got
    assert path == "/prompt"
    assert body == {
        "prompt": {"1": {}}, "prompt_id": "second", "number": 2, "extra_data": {"client_id": "c"}, "client_id": "c",
        "partial_execution_targets": ["1"],
    }  # fmt: skip


def test_the_first_waiting_job_that_fits_is_dropped(server: Server) -> None:
    queue = JobQueue(server.address)

    assert queue.delete_queue_item(lambda item: item[1] == "second")
    assert server.got[-1][2] == {"delete": ["second"]}
    assert not queue.delete_queue_item(lambda item: False)


def test_flags_are_passed_on_and_unknown_ones_refused(server: Server) -> None:
    queue = JobQueue(server.address)

    queue.set_flag("free_memory", True)

    assert server.got[-1][::2] == ("/free", {"free_memory": True})
    with pytest.raises(NotSupported, match="set_flag"):
        queue.set_flag("made_up", True)
    with pytest.raises(NotSupported, match="takes jobs from the queue by itself"):
        _ = queue.task_done


def test_a_refusal_has_the_servers_words_and_silence_its_address(server: Server) -> None:
    with pytest.raises(RuntimeError, match="refused /nowhere of a pack: no such thing"):
        server.address.ask("/nowhere")

    with pytest.raises(RuntimeError, match="did not answer /queue of a pack at http://127"):
        ServerAddress("http://127.0.0.1:1").ask("/queue")


def test_without_a_server_the_running_job_is_all_there_is() -> None:
    queue = JobQueue(None)

    assert (queue.get_current_queue(), queue.get_history()) == (([], []), {})
    with pytest.raises(RuntimeError, match="no server here that could do /prompt"):
        queue.put(ITEMS[1])


async def test_a_pack_can_have_a_prompt_checked(house: Open) -> None:
    house("sinks")
    execution = importlib.import_module("execution")
    good = {"1": {"class_type": "Show", "inputs": {"value": ["2", 0]}}, "2": {"class_type": "Number", "inputs": {}}}
    number = {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}}

    valid, error, outputs, problems = await execution.validate_prompt("id", {**good, "2": number})
    refused = await execution.validate_prompt("id", {"1": good["1"]})

    assert (valid, error, outputs, problems) == (True, None, ["1"], {})
    assert refused[0] is False and refused[1]["type"] == "prompt_outputs_failed_validation"
