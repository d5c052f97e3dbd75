"""What sampling costs beyond the network: a run beside the bare network called as often, in one process.

Prints one JSON line: seconds for each, and the overhead as a share. The target is at most 0.03.

    python benchmarks/sampling/bench_overhead.py [--checkpoint FILE] [--size 256] [--steps 20] [--device cpu]
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

from diffusion.families.family import Scene
from diffusion.loading import load_checkpoint
from diffusion.model import Model
from diffusion.sampling import prepare_noise, sample
from diffusion.testing import tiny_checkpoint, tiny_config


def config(width: int) -> dict[str, Any]:
    """A U-Net whose single call takes tens of milliseconds on one core."""
    base = tiny_config()
    return {**base, "unet": {**base["unet"], "block_out_channels": [width, 2 * width], "attention_head_dim": 8}}


def tiny(width: int, device: str) -> Model:
    """The small network as a model."""
    with tempfile.TemporaryDirectory() as folder:
        path = tiny_checkpoint(Path(folder) / "model.safetensors", config=config(width))
        model = load_checkpoint(path, device=device).model
        model.network.prepare()
    return model


def compared(model: Model, size: int, steps: int, repeats: int, device: str) -> tuple[float, float]:
    """Best seconds of the bare network and of a whole run, measured in turns, so that a busy machine slows both."""
    latent = torch.zeros(1, model.latent_format.channels, size // 8, size // 8)
    noise, text = prepare_noise(latent, 1), torch.randn(1, 77, model.family.context)  # type: ignore[attr-defined]
    module = model.network.prepare()
    given = model.family.inputs(text, {}, Scene(noise, None, None, False))
    x = torch.cat([noise, noise]).to(device, model.network.compute)
    arguments = {"encoder_hidden_states": torch.cat([given["context"]] * 2).to(x)}
    if "vector" in given:
        arguments["class_labels"] = torch.cat([given["vector"]] * 2).to(x)
    time_step = torch.full((2,), 500.0, device=device)

    def bare() -> None:
        with torch.inference_mode():
            for _ in range(steps):
                module(x, time_step, return_dict=False, **arguments)[0]
        if device != "cpu":
            torch.cuda.synchronize()

    def whole() -> None:
        sample(
            model, noise=noise, latent=latent, positive=[[text, {}]], negative=[[text, {}]], guidance_scale=7.0,
            sampler="euler", schedule="karras", steps=steps, seed=1,
        )  # fmt: skip

    bare(), whole()
    clock = time.process_time if device == "cpu" else time.perf_counter
    best = [float("inf"), float("inf")]
    for _ in range(repeats):
        for index, run in enumerate((bare, whole)):
            started = clock()
            run()
            best[index] = min(best[index], clock() - started)
    return best[0], best[1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, help="a checkpoint with a U-Net; a small random network without it")
    parser.add_argument("--size", type=int, default=256, help="pixels of a side")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--width", type=int, default=192, help="channels of the small network's first stage")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    if arguments.checkpoint is None:
        model = tiny(arguments.width, arguments.device)
    else:
        model = load_checkpoint(arguments.checkpoint, device=arguments.device).model
    bare_seconds, whole_seconds = compared(model, arguments.size, arguments.steps, arguments.repeats, arguments.device)
    result = {
        "benchmark": "sampling_overhead", "network": model.family.name, "device": arguments.device,
        "size": arguments.size, "steps": arguments.steps, "bare_seconds": round(bare_seconds, 4),
        "sampling_seconds": round(whole_seconds, 4), "overhead": round(whole_seconds / bare_seconds - 1, 4),
        "target_overhead": 0.03,
    }  # fmt: skip
    print(json.dumps(result))


if __name__ == "__main__":
    main()
