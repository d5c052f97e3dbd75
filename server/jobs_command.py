"""`main.py jobs`: see and change the queue and the history of a server that runs."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from server.api_client import ApiClient
from server.errors import ServerError
from server.settings import read_token

__all__ = ["main"]

DEFAULT = "http://127.0.0.1:8188"
Answer = dict[str, Any]


def main(arguments: Sequence[str]) -> int:
    """Run one of the commands; returns the exit status: 0 when done, 1 when refused, 2 for a wrong command line."""
    chosen = _parser().parse_args(list(arguments))
    try:
        api = ApiClient(chosen.server, read_token(chosen.token))
        answer = chosen.act(api, chosen)
    except ServerError as error:
        print(f"heddle: {error}", file=sys.stderr)
        return 1
    print(json.dumps(answer, indent=2) if chosen.json else chosen.show(answer))
    return 1 if answer.get("unchanged") else 0


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--server", default=DEFAULT, metavar="URL", help=f"the server's address (default {DEFAULT})")
    shared.add_argument("--token", metavar="SECRET", help="its password; @FILE reads it from a file")
    shared.add_argument("--json", action="store_true", help="print what the server answers")
    parser = argparse.ArgumentParser(prog="main.py jobs", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, act: Callable[..., Answer], show: Callable[[Answer], str], text: str) -> Any:
        command = commands.add_parser(name, parents=[shared], help=text, description=text)
        command.set_defaults(act=act, show=show)
        return command

    listing = add("list", _list, _show_list, "list jobs: the queue first, then the newest")
    listing.add_argument("--state", metavar="STATES", help="comma list: queued, running, succeeded, failed, …")
    listing.add_argument("--search", metavar="TEXT", help="part of the name, id, client, reason or graph")
    listing.add_argument("--client", metavar="ID", help="only jobs of this client")
    listing.add_argument("--limit", type=int, default=20)
    listing.add_argument("--offset", type=int, default=0)
    add("show", _show, _show_one, "show one job").add_argument("id")
    for name, act, text, states in (
        ("cancel", _cancel, "cancel jobs, queued or running", "queued,running"),
        ("retry", _retry, "queue finished jobs again, under their ids", "dead,failed"),
        ("forget", _forget, "remove finished jobs from history; files stay", "succeeded"),
    ):
        command = add(name, act, _show_many, text)
        group = command.add_mutually_exclusive_group(required=True)
        group.add_argument("ids", nargs="*", default=[], metavar="ID")
        group.add_argument("--state", metavar="STATES", help=f"all jobs of these states, such as {states}")
        if name == "cancel":
            group.add_argument("--all", dest="state", action="store_const", const=states, help="every job")
    move = add("move", _move, _show_moved, "reorder the queue")
    move.add_argument("id")
    where = move.add_mutually_exclusive_group(required=True)
    where.add_argument("--before", metavar="ID")
    where.add_argument("--after", metavar="ID")
    where.add_argument("--front", dest="to", action="store_const", const="front")
    where.add_argument("--back", dest="to", action="store_const", const="back")
    priority = add("priority", _prioritise, _show_moved, "let a queued job run sooner (higher) or later")
    priority.add_argument("id")
    priority.add_argument("priority", type=int)
    add("pause", lambda api, _: api.post("/queue/pause"), _show_queue, "take no more jobs from the queue")
    add("resume", lambda api, _: api.post("/queue/resume"), _show_queue, "take jobs from the queue again")
    add("queue", lambda api, _: api.get("/queue"), _show_queue, "say how the queue stands")
    return parser


def _list(api: ApiClient, chosen: argparse.Namespace) -> Answer:
    query = {"q": chosen.search, "client_id": chosen.client, "limit": chosen.limit, "offset": chosen.offset}
    if chosen.state is not None or chosen.search is not None or chosen.client is not None or chosen.offset:
        found: Answer = api.get("/jobs", state=chosen.state, **query)
        return found
    queue: Answer = api.get("/jobs", state="queued,running", **query)
    left = chosen.limit - len(queue["jobs"])
    if left > 0:
        ended = api.get("/jobs", state="succeeded,failed,cancelled,dead", limit=left)
        queue = {**queue, "jobs": queue["jobs"] + ended["jobs"], "total": queue["total"] + ended["total"]}
    return queue


def _show(api: ApiClient, chosen: argparse.Namespace) -> Answer:
    answer: Answer = api.get(f"/jobs/{quote(chosen.id, safe='')}")
    return answer


def _chosen(chosen: argparse.Namespace) -> Answer:
    return {"ids": chosen.ids} if chosen.state is None else {"states": chosen.state.split(",")}


def _many(api: ApiClient, verb: str, chosen: argparse.Namespace) -> Answer:
    """Change many jobs; those named that could not be changed are told as missing."""
    answer: Answer = api.post(f"/jobs/{verb}", _chosen(chosen))
    return {"verb": verb, **answer, "unchanged": [job for job in chosen.ids if job not in answer["ids"]]}


def _cancel(api: ApiClient, chosen: argparse.Namespace) -> Answer:
    return _many(api, "cancel", chosen)


def _retry(api: ApiClient, chosen: argparse.Namespace) -> Answer:
    return _many(api, "retry", chosen)


def _forget(api: ApiClient, chosen: argparse.Namespace) -> Answer:
    return _many(api, "forget", chosen)


def _move(api: ApiClient, chosen: argparse.Namespace) -> Answer:
    places = {"before": chosen.before, "after": chosen.after, "to": chosen.to}
    body = {key: value for key, value in places.items() if value is not None}
    answer: Answer = api.post(f"/jobs/{quote(chosen.id, safe='')}/move", body)
    return answer


def _prioritise(api: ApiClient, chosen: argparse.Namespace) -> Answer:
    answer: Answer = api.post(f"/jobs/{quote(chosen.id, safe='')}/priority", {"priority": chosen.priority})
    return answer


def _show_list(answer: Answer) -> str:
    if not answer["jobs"]:
        return "No jobs."
    rows = [("ID", "STATE", "ATTEMPT", "CAME", "TOOK", "NAME")]
    for job in answer["jobs"]:
        name = job["name"] or ""
        reason = f" ({job['reason']})" if job["reason"] and job["state"] == "dead" else ""
        rows.append((job["id"], job["state"], str(job["attempt"]), _when(job["created"]), _took(job), name + reason))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, f"{len(answer['jobs'])} of {answer['total']}"])


def _show_one(answer: Answer) -> str:
    job = answer["job"]
    facts = {
        "id": job["id"], "name": job["name"], "state": job["state"], "priority": job["priority"] or None,
        "client": job["client_id"], "attempt": job["attempt"], "workers lost": job["deaths"] or None,
        "came": _when(job["created"]), "started": _when(job["started"]), "ended": _when(job["finished"]),
        "took": _took(job), "reason": job["reason"], "nodes": len(job["prompt"]),
    }  # fmt: skip
    error = job["error"]
    if error is not None:
        facts["error"] = f"{error.get('message')} (node {error.get('node')}, {error.get('node_type')})"
    width = max(map(len, facts))
    lines = [f"{key.ljust(width)}  {value}" for key, value in facts.items() if value not in (None, "")]
    return "\n".join([*lines, *(f"{'file'.ljust(width)}  {file['path']}" for file in job["artifacts"])])


def _show_many(answer: Answer) -> str:
    done = {"cancel": "cancelled", "retry": "queued again", "forget": "removed from history"}[answer["verb"]]
    lines = [f"{len(answer['ids'])} job(s) {done}."]
    if answer["unchanged"]:
        lines.append(f"Not changed, because of their state or because there are none: {', '.join(answer['unchanged'])}")
    return "\n".join(lines)


def _show_moved(answer: Answer) -> str:
    return f"Job {answer['id']} stands at {answer['place']:g} with priority {answer['priority']}."


def _show_queue(answer: Answer) -> str:
    state = "The queue is paused" if answer["paused"] else "The queue runs"
    return f"{state}: {answer['queued']} queued, {answer['running']} running."


def _when(milliseconds: int | None) -> str:
    return "" if milliseconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(milliseconds / 1000))


def _took(job: Answer) -> str:
    if job["started"] is None:
        return ""
    end = job["finished"] or time.time() * 1000
    return f"{max(end - job['started'], 0) / 1000:.1f} s"
