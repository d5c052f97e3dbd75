"""What sampling costs beyond the network: a run beside the bare network called as often, in one process.

Prints one JSON line: seconds for each, and the overhead as a share. The target is at most 0.03.

    python benchmarks/sampling/bench_overhead.py [--steps 20] [--width 192] [--device cpu]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from diffusion.loading import load_checkpoint
from diffusion.sampling import prepare_noise, sample
from diffusion.testing import tiny_checkpoint, tiny_config


def config(width: int) -> dict[str, Any]:
    """A U-Net whose single call takes tens of milliseconds on one core."""
    base = tiny_config()
    return {**base, "unet": {**base["unet"], "block_out_channels": [width, 2 * width], "attention_head_dim": 8}}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = tiny_checkpoint(Path(folder) / "model.safetensors", config=config(arguments.width))
        checkpoint = load_checkpoint(path, device=arguments.device)
        assert checkpoint.clip is not None
        positive, negative = checkpoint.clip.encode("a red circle"), checkpoint.clip.encode("")
        latent = torch.zeros(1, 4, 32, 32)
        noise = prepare_noise(latent, 1)
        module = checkpoint.model.network.prepare()
        context = torch.cat([negative[0][0], positive[0][0]]).to(arguments.device)
        x = torch.cat([noise, noise]).to(arguments.device)
        time_step = torch.full((2,), 500.0, device=arguments.device)

        def bare() -> None:
            with torch.inference_mode():
                for _ in range(arguments.steps):
                    module(x, time_step, encoder_hidden_states=context, return_dict=False)[0]
            if arguments.device != "cpu":
                torch.cuda.synchronize()

        def whole() -> None:
            sample(
                checkpoint.model, noise=noise, latent=latent, positive=positive, negative=negative, guidance_scale=7.0,
                sampler="euler", schedule="karras", steps=arguments.steps, seed=1,
            )  # fmt: skip

        bare(), whole()
        pairs = []
        for _ in range(arguments.repeats):  # alternately, so that a busy machine slows both
            seconds = []
            for run in (bare, whole):
                started = time.process_time() if arguments.device == "cpu" else time.perf_counter()
                run()
                ended = time.process_time() if arguments.device == "cpu" else time.perf_counter()
                seconds.append(ended - started)
            pairs.append(seconds)
    bare_seconds, whole_seconds = (min(pair[i] for pair in pairs) for i in (0, 1))
    result = {
        "benchmark": "sampling_overhead", "device": arguments.device, "steps": arguments.steps,
        "bare_seconds": round(bare_seconds, 4), "sampling_seconds": round(whole_seconds, 4),
        "overhead": round(whole_seconds / bare_seconds - 1, 4),
    }  # fmt: skip
    print(json.dumps(result))


if __name__ == "__main__":
    main()
