"""What durability is worth: killed processes, recovery times, and memory over many jobs.

    python benchmarks/durability/bench_durability.py [--kills 500] [--pictures 500] [--only kills|recovery|memory]

Prints one JSON line a figure:
- `kills`: servers and workers ended by SIGKILL at random moments while jobs run. Every accepted job must end once, with
  exactly its files; the benchmark fails otherwise (`tests/chaos/checker.py`).
- `recovery`: seconds from the SIGKILL of a worker until its replacement runs the next job, and until that one's picture
  is there, also less the time that `import torch` takes in a fresh process; seconds from the start of a server after a
  SIGKILL until it answers, and until the job that was running runs again. Medians of several tries.
- `memory`: resident memory of a worker over picture jobs on the embedded model, each with a seed of its own: the slope
  in bytes a job after the first quarter, with its 95 % confidence interval.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.chaos.site import Site, graph  # noqa: E402
from tests.chaos.storm import storm  # noqa: E402

CHECKPOINT = "heddle-shapes-128.safetensors"
TRIES = 5
BLOCKS = 12
"""Parts whose means the line is fitted to: neighbouring sizes depend on each other, means of parts hardly do."""


def picture(seed: int, steps: int) -> dict[str, Any]:
    """Text to image on the model that ships."""
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": CHECKPOINT}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "a red circle"}},
        "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 128, "height": 128, "batch_size": 1}},
        "4": {
            "class_type": "KSampler",
            "inputs": {
                "model": ["1", 0], "positive": ["2", 0], "negative": ["2", 0], "latent_image": ["3", 0], "seed": seed,
                "steps": steps, "cfg": 1.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
            },
        },
        "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
        "6": {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": "bench"}},
    }  # fmt: skip


def measure_kills(folder: Path, kills: int) -> dict[str, Any]:
    """Kill processes at random moments; fails if anything is lost."""
    site = Site(folder / "kills", "--workers", "3").start()
    seen = storm(site, kills, random.Random(kills))
    site.stop()
    lost = [job for job, state in seen.states.items() if state != "succeeded"]
    if lost:
        raise SystemExit(f"{len(lost)} jobs did not succeed: {lost[:5]}. See {site.log}.")
    return {
        "kills": seen.workers + seen.servers, "workers": seen.workers, "servers": seen.servers,
        "jobs": len(seen.states), "lost": 0, "set_aside_and_queued_again": seen.dead,
        "unanswered_and_repeated": seen.unanswered, "seconds": round(seen.seconds, 1),
    }  # fmt: skip


def measure_recovery(folder: Path) -> dict[str, Any]:
    """Kill a worker and a server again and again, and time the way back."""
    site = Site(folder / "recovery", warm=True).start()
    site.until(site.submit(picture(0, 2)), "succeeded", within=120)
    torch_seconds = statistics.median(_seconds(_import_torch) for _ in range(3))
    worker, begun = [], []
    for seed in range(1, TRIES + 1):
        site.workers()[0].kill()
        killed = time.monotonic()
        journal = folder / f"begun-{seed}"
        first, job = site.submit(graph(seed, journal=str(journal))), site.submit(picture(seed, 2))
        site.wait(journal.exists, "the first node begins")
        begun.append(time.monotonic() - killed)
        site.until(first, "succeeded", within=120)
        site.until(job, "succeeded", within=120)
        worker.append(time.monotonic() - killed)
    answers, running = [], []
    for value in range(TRIES):
        job = site.submit(graph(value, 1.0))
        site.until(job, "running")
        site.kill()
        started = time.monotonic()
        site.start(wait=False)
        site.wait(lambda: site.get("/prompt"), "an answer")
        answers.append(time.monotonic() - started)
        site.wait(lambda job=job: site.job(job)["attempt"] == 2, "it runs again")
        running.append(time.monotonic() - started)
        site.until(job, "succeeded")
    site.stop()
    return {
        "worker_next_job_runs_s": _median(begun), "worker_next_picture_done_s": _median(worker),
        "import_torch_s": round(torch_seconds, 2),
        "worker_beyond_torch_s": round(statistics.median(worker) - torch_seconds, 2),
        "server_answers_s": _median(answers), "server_job_runs_again_s": _median(running),
    }  # fmt: skip


def measure_memory(folder: Path, pictures: int) -> dict[str, Any]:
    """Run picture jobs one after the other, and fit a line to the worker's memory."""
    from scipy.stats import linregress, t

    site = Site(folder / "memory", warm=True).start()
    site.until(site.submit(picture(10_000, 1)), "succeeded", within=120)
    worker = site.workers()[0]
    sizes = []
    for seed in range(pictures):
        site.until(site.submit(picture(seed, 1)), "succeeded")
        sizes.append(worker.memory_info().rss)
    assert worker.is_running(), "the worker was replaced on the way"
    site.stop()
    settled = sizes[pictures // 4 :]
    block = max(1, len(settled) // BLOCKS)
    means = [statistics.fmean(settled[at : at + block]) for at in range(0, block * BLOCKS, block)]
    fit = linregress([block * (index + 0.5) for index in range(BLOCKS)], means)
    half = float(t.ppf(0.975, BLOCKS - 2) * fit.stderr)
    return {
        "pictures": pictures, "slope_bytes_a_job": round(float(fit.slope)),
        "interval": [round(float(fit.slope) - half), round(float(fit.slope) + half)],
        "first_mb": round(settled[0] / 1e6, 1), "last_mb": round(settled[-1] / 1e6, 1),
        "most_mb": round(max(sizes) / 1e6, 1),
    }  # fmt: skip


def _import_torch() -> None:
    subprocess.run([sys.executable, "-c", "import torch"], check=True)


def _seconds(work: Callable[[], None]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def _median(values: list[float]) -> float:
    return round(statistics.median(values), 2)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--only", choices=("kills", "recovery", "memory"))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="heddle-bench-") as name:
        figures = {
            "kills": lambda: measure_kills(Path(name), chosen.kills),
            "recovery": lambda: measure_recovery(Path(name)),
            "memory": lambda: measure_memory(Path(name), chosen.pictures),
        }
        for figure, measure in figures.items():
            if chosen.only in (None, figure):
                print(json.dumps({"benchmark": "durability", "figure": figure, **measure()}), flush=True)


if __name__ == "__main__":
    main()
