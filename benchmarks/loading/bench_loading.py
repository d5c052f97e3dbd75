"""How long a checkpoint takes to load, and how much memory, beside reading its bytes once: one JSON line.

    python benchmarks/loading/bench_loading.py [CHECKPOINT]

Without a file, a synthetic U-Net of Stable Diffusion 1's shape is written first (1.7 GB in float16), outside of the
measurement. Loading means everything up to the point where sampling could begin on a device that takes the file's
format. Each measurement runs in a process of its own, with the file in the page cache: the disk is not measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
RUNS = 3

_READ = """
import sys, time
from pathlib import Path
buffer = bytearray(16 << 20)
started = time.perf_counter()
with open(sys.argv[1], "rb", buffering=0) as file:
    while file.readinto(buffer):
        pass
print(time.perf_counter() - started, 0, 0)
"""
_LOAD = """
import resource, sys, time
import torch, diffusers, transformers
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel
from diffusion.loading import load_checkpoint
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.perf_counter()
loaded = load_checkpoint(sys.argv[1], device="cpu", dtype=None)
print(time.perf_counter() - started, before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def measured(program: str, path: Path) -> tuple[float, int]:
    """Seconds, and bytes of memory beyond what the libraries take, of one fresh process."""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    seconds, before, after = result.stdout.split()
    return float(seconds), (int(after) - int(before)) * 1024


def synthetic(path: Path) -> None:
    """A U-Net of Stable Diffusion 1's shape under its original names, every tensor zero."""
    import torch
    from diffusers import UNet2DConditionModel
    from safetensors.torch import save_file

    from diffusion.layouts.renaming import rename, reverse
    from diffusion.layouts.unet import Block, unet_table

    with torch.device("meta"):
        module = UNet2DConditionModel(cross_attention_dim=768)
    widths, depths = (320, 640, 1280, 1280), (1, 1, 1, 0)
    stages = [[Block(width, depth)] * 2 for width, depth in zip(widths, depths, strict=True)]
    back = reverse(unet_table(stages, [3, 6, 9], [[depth] * 3 for depth in reversed(depths)], True, True))
    tensors = {
        f"model.diffusion_model.{rename(name, back)}": torch.zeros(tensor.shape, dtype=torch.float16)
        for name, tensor in module.state_dict().items()
    }
    save_file(tensors, path)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, nargs="?")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.checkpoint or Path(folder) / "synthetic.safetensors"
        if arguments.checkpoint is None:
            synthetic(path)
        measured(_READ, path)  # into the page cache
        reading = min(measured(_READ, path)[0] for _ in range(RUNS))
        loads = [measured(_LOAD, path) for _ in range(RUNS)]
        size = path.stat().st_size
    seconds, memory = min(load[0] for load in loads), max(load[1] for load in loads)
    figures = {
        "benchmark": "loading", "file_bytes": size, "read_seconds": round(reading, 3),
        "load_seconds": round(seconds, 3), "load_to_read": round(seconds / reading, 2), "target_load_to_read": 1.2,
        "peak_bytes": memory, "peak_to_file": round(memory / size, 3), "target_peak_to_file": 1.1,
        "measured": time.strftime("%Y-%m-%d"),
    }  # fmt: skip
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
