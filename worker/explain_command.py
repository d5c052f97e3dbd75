"""`main.py explain`: why each node of a job ran, as the server that ran it remembers."""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from graph_runtime.errors import HeddleError

__all__ = ["add_arguments", "explanation_lines", "main", "run"]

TIMEOUT = 10.0
"""Seconds to wait for the server."""


class NoAnswer(HeddleError):
    """The server cannot be reached, or refuses."""


def main(argv: Sequence[str]) -> int:
    """Parse the command line of `explain` and run it; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="main.py explain",
        description="Say why each node of a job ran or did not, and what changed since the run before.",
        epilog="A run without a server is explained while it runs: main.py run WORKFLOW --explain",
    )
    add_arguments(parser)
    return run(parser.parse_args(argv))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `explain`."""
    parser.add_argument("job", nargs="?", help="id of the job; the newest when left out")
    parser.add_argument("--url", default="http://127.0.0.1:8188", help="address of the server")
    parser.add_argument("--token", default=os.environ.get("HEDDLE_TOKEN"), help="the server's password, if it has one")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Ask the server and print its answer; return the exit status."""
    try:
        job_id = args.job or _newest(args)
        job = _get(args, f"/jobs/{urllib.parse.quote(job_id, safe='')}")["job"]
        answer = _get(args, f"/jobs/{urllib.parse.quote(job_id, safe='')}/explain")
    except NoAnswer as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    if args.json:
        sys.stdout.write(f"{json.dumps(answer)}\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in explanation_lines(answer, job["prompt"])))
    return 0


def explanation_lines(answer: Mapping[str, Any], prompt: Mapping[str, Any]) -> list[str]:
    """What a server says of a job, one line a node, in the words of a person.

    Args:
        answer: id, state, attempt and nodes (`node`, `ran`, `reasons`).
        prompt: the job's graph in the API format.
    """
    lines = [f"Job {answer['id']}: {answer['state']}, attempt {answer['attempt']}."]
    told = {str(entry["node"]): entry for entry in answer["nodes"]}
    for node_id in [*prompt, *(node for node in told if node not in prompt)]:
        node = prompt.get(node_id, {})
        title = (node.get("_meta") or {}).get("title") or node.get("class_type") or "node"
        entry = told.get(node_id)
        if entry is None:
            lines.append(f"{title} ({node_id}): nothing is known of it yet.")
            continue
        reasons = " ".join(str(reason.get("text", "")) for reason in entry["reasons"])
        lines.append(f"{title} ({node_id}){' ran' if entry['ran'] else ''}: {reasons}")
    return lines


def _newest(args: argparse.Namespace) -> str:
    jobs = _get(args, "/jobs?limit=1")["jobs"]
    if not jobs:
        raise NoAnswer("The server has not run any job yet.", fix="Queue a workflow first.")
    return str(jobs[0]["id"])


def _get(args: argparse.Namespace, path: str) -> Any:
    """Ask the server's own API.

    Raises:
        NoAnswer: saying what went wrong and what to do.
    """
    url = f"{args.url.rstrip('/')}/api/v1{path}"
    if not url.startswith(("http://", "https://")):
        raise NoAnswer(f"'{args.url}' is no address.", fix="Write it as http://127.0.0.1:8188.")
    request = urllib.request.Request(url, headers={"Accept": "application/json"})
    if args.token:
        request.add_header("Authorization", f"Bearer {args.token}")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        text = error.read().decode("utf-8", "replace")[:500]
        what = {401: "The server wants its password.", 404: f"The server knows no such job ({path})."}
        fix = {401: "Give it with --token.", 404: "List the jobs in the editor, or leave the id out."}
        error.close()
        raise NoAnswer(
            what.get(error.code, f"The server answered {error.code}: {text}"), fix=fix.get(error.code, "")
        ) from error
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise NoAnswer(
            f"No server answers at {args.url} ({reason}).", fix="Start it with main.py serve, or name it with --url."
        ) from error
