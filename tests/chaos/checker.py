"""What must be true after any disaster, once the server is up again and every job has ended."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.chaos.site import Site

ENDED = {"succeeded", "failed", "cancelled", "dead"}


def check(site: Site) -> dict[str, str]:
    """Check everything that is promised of the jobs a site has accepted; returns their states."""
    accepted = site.accepted
    site.settled(accepted)
    events = list(stored_events(site))
    numbers = [number for number, _ in events]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True, "numbers of events"
    states: dict[str, str] = {}
    published: Counter[str] = Counter()
    for job in accepted:
        detail = site.job(job)
        states[job] = detail["state"]
        assert detail["state"] in ENDED, f"job {job} is {detail['state']}"
        assert detail["state"] != "cancelled" or job in site.cancelled, f"job {job} was cancelled, and nobody asked"
        ends = [event["kind"] for _, event in events if event["job"] == job and event["kind"] in ENDED]
        starts = sum(1 for _, event in events if event["job"] == job and event["kind"] == "queued")
        assert len(ends) == starts, f"job {job} was queued {starts} times and ended {ends}"
        files = list(files_of(detail))
        published.update(files)
        if detail["state"] == "succeeded":
            assert files, f"job {job} succeeded without a file"
            for name in files:
                content = (site.folder / "output" / name).read_bytes()
                assert content.startswith(b"\x89PNG") and content.endswith(b"IEND\xaeB`\x82"), f"{name} is no whole PNG"
    assert all(count == 1 for count in published.values()), f"published twice: {published}"
    there = {path.relative_to(site.folder / "output").as_posix() for path in present(site.folder / "output")}
    assert there == set(published), f"files without a job: {there - set(published)}; missing: {set(published) - there}"
    remaining = site.get("/prompt")["exec_info"]["queue_remaining"]
    assert remaining == 0, f"the queue says {remaining} jobs remain"
    return states


def present(folder: Path) -> Iterator[Path]:
    """Every file below a folder, half written ones too."""
    return (path for path in folder.rglob("*") if path.is_file())


def files_of(detail: dict[str, Any]) -> Iterator[str]:
    """Names of the files that a job has published, below the output folder."""
    for ui in (detail.get("outputs") or {}).values():
        for item in ui.get("images", []):
            if item["type"] == "output":
                yield "/".join(filter(None, (item["subfolder"], item["filename"])))


def stored_events(site: Site, since: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every stored event after a number, as our own API sends them; ends when none comes for a moment."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=0.7)
    connection.request("GET", f"/api/v1/events?since={since}")
    answer = connection.getresponse()
    number = 0
    try:
        while line := answer.fp.readline() if answer.fp is not None else b"":
            text = line.decode().strip()
            if text.startswith("id: "):
                number = int(text[4:])
            elif text.startswith("data: ") and number:
                yield number, json.loads(text[6:])
                number = 0
    except TimeoutError:
        return
    finally:
        connection.close()
