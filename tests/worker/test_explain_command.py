"""`main.py explain`, against a server that answers as ours does."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from worker import explain_command

PROMPT = {
    "1": {"class_type": "EmptyLatentImage", "inputs": {}},
    "3": {"class_type": "KSampler", "inputs": {}, "_meta": {"title": "Sampler"}},
    "9": {"class_type": "Preview", "inputs": {}},
}
REASON = {"kind": "input", "input": "steps", "before": 20, "after": 25, "text": "'steps' changed from 20 to 25."}
CACHED = {"kind": "cached", "text": "It did not run: its result was there already."}
ANSWERS = {
    "/api/v1/jobs?limit=1": {"jobs": [{"id": "a b"}]},
    "/api/v1/jobs/a%20b": {"job": {"prompt": PROMPT}},
    "/api/v1/jobs/a%20b/explain": {
        "id": "a b", "state": "succeeded", "attempt": 1, "nodes": [
            {"node": "1", "ran": False, "reasons": [CACHED]}, {"node": "3", "ran": True, "reasons": [REASON]},
        ],
    },
}  # fmt: skip


@pytest.fixture
def url():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            authorised = self.headers.get("Authorization") in (None, "Bearer right")
            status = 401 if not authorised else 200 if self.path in ANSWERS else 404
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(ANSWERS.get(self.path, {})).encode())

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("job", [[], ["a b"]])
def test_the_newest_or_a_named_job_is_explained_node_by_node(url, capsys, job):
    assert explain_command.main([*job, "--url", url, "--token", "right"]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "Job a b: succeeded, attempt 1.",
        "EmptyLatentImage (1): It did not run: its result was there already.",
        "Sampler (3) ran: 'steps' changed from 20 to 25.",
        "Preview (9): nothing is known of it yet.",
    ]


def test_json_is_the_servers_own_answer(url, capsys):
    explain_command.main(["--url", url, "--json"])

    assert json.loads(capsys.readouterr().out) == ANSWERS["/api/v1/jobs/a%20b/explain"]


@pytest.mark.parametrize(
    ("flags", "clue"),
    [
        (["missing"], "The server knows no such job"),
        (["--token", "wrong"], "Give it with --token"),
        (["--url", "http://127.0.0.1:1"], "No server answers at http://127.0.0.1:1"),
        (["--url", "localhost"], "is no address"),
    ],
)
def test_what_went_wrong_is_said_with_what_to_do(url, capsys, flags, clue):
    assert explain_command.main(["--url", url, *flags]) == 1

    assert clue in capsys.readouterr().err
