"""How soon a server that has just been started describes its nodes.

Starts `main.py serve` twice on one data folder, empty the first time, and prints one JSON line: seconds from the start
of the process to the first good answer of `GET /object_info`, and the processor time that the server and its worker
had used by then. On a machine that does other work, only the processor time says something about the program.

    python benchmarks/server/bench_start.py [--repeat 3]
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 120.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Start:
    """One start: seconds to the first answer, and processor seconds used until then."""

    seconds: float
    server_cpu: float
    worker_cpu: float


def measure(data: Path) -> Start:
    """Start a server on a data folder, wait for its description of the nodes, and stop it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "main.py", "serve", "--port", str(port), "--data-dir", str(data), "--cpu"]
    started = time.perf_counter()
    process = subprocess.Popen([*command, "--verbose", "ERROR"], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() - started > LIMIT_SECONDS:
                raise RuntimeError(f"The server did not answer; it ended with {process.poll()}. Start it by hand.")
            time.sleep(0.01)
        seconds = time.perf_counter() - started
        workers = sum(_cpu_seconds(child) for child in _children(process.pid))
        return Start(round(seconds, 3), _cpu_seconds(process.pid), round(workers, 3))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(LIMIT_SECONDS)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_SECONDS)
    try:
        connection.request("GET", "/object_info")
        answer = connection.getresponse()
        return answer.status == 200 and bool(json.loads(answer.read()))
    except ConnectionRefusedError:
        return False
    finally:
        connection.close()


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def main() -> None:
    """Print the medians of some cold and some warm starts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=3)
    chosen = parser.parse_args()
    cold, warm = [], []
    for _ in range(chosen.repeat):
        with tempfile.TemporaryDirectory(prefix="heddle-start-") as folder:
            cold.append(measure(Path(folder)))
            warm.append(measure(Path(folder)))
    figures = {"cold": _median(cold), "warm": _median(warm), "target": "< 1 s", "load": os.getloadavg()[0]}
    print(json.dumps({"benchmark": "server.object_info_after_start", **figures}), flush=True)


def _median(starts: list[Start]) -> dict[str, float]:
    return asdict(sorted(starts, key=lambda start: start.seconds)[(len(starts) - 1) // 2])


if __name__ == "__main__":
    main()
