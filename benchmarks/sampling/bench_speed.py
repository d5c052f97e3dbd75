"""What each speed option gains and costs: seconds per step and distance to the plain run, one JSON line a variant.

The embedded models are small, so that overhead weighs more than it would on a large network: name a checkpoint to
measure that. `psnr` compares decoded pictures (values in 0..1) with those of the plain run, the worst of the seeds.

    python benchmarks/sampling/bench_speed.py [--checkpoint FILE] [--size 128] [--steps 30] [--device cpu] [--compile]
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from torch import Tensor

from diffusion.errors import SamplingError
from diffusion.loading import Checkpoint, load_checkpoint
from diffusion.model import Model
from diffusion.patching.cheaper import merged_tokens, tiled_attention
from diffusion.patching.compiled import compiled
from diffusion.patching.kernels import KERNELS, with_attention_kernel
from diffusion.patching.reuse import easy_cache, first_block_cache, lazy_cache
from diffusion.sampling import prepare_noise, sample
from diffusion.variants import with_channels_last, with_compute_dtype, with_float8

EMBEDDED = Path(__file__).resolve().parents[2] / "diffusion" / "embedded"
PROMPT, SEEDS, SCALE = "a red circle above a blue square", (1, 2, 3), 5.0
Variant = tuple[str, Callable[[Model], Model]]


def variants(compile_too: bool, device: str) -> Iterator[Variant]:
    """Every option with the settings of its node, the caches at several thresholds."""
    yield "plain", lambda model: model
    for name, cache in (("EasyCache", easy_cache), ("LazyCache", lazy_cache), ("FirstBlockCache", first_block_cache)):
        for threshold in (0.05, 0.1, 0.2):
            yield f"{name} {threshold}", lambda model, cache=cache, t=threshold: cache(model, t, 0.15, 0.95)
    for dtype in ("bf16",) if device == "cpu" else ("bf16", "fp16"):  # CPUs take minutes for fp16
        yield f"ModelComputeDtype {dtype}", lambda model, dtype=dtype: with_compute_dtype(model, dtype)
    yield "ModelFloat8", with_float8
    yield "ModelChannelsLast", with_channels_last
    for kernel in KERNELS:
        yield f"AttentionKernel {kernel}", lambda model, kernel=kernel: with_attention_kernel(model, kernel)
    yield "TomePatchModel 0.3", lambda model: merged_tokens(model, 0.3)
    yield "HyperTile 64", lambda model: tiled_attention(model, 64, 2, 0, scale_with_depth=False)
    if compile_too:
        yield "TorchCompileModel inductor", lambda model: compiled(model, "inductor")
        yield (
            "TorchCompileModel + FirstBlockCache 0.1",
            lambda model: first_block_cache(compiled(model, "inductor"), 0.1, 0.15, 0.95),
        )


class Bench:
    """One checkpoint, and what the plain run made of it."""

    def __init__(self, checkpoint: Checkpoint, size: int, steps: int, repeats: int) -> None:
        assert checkpoint.clip is not None and checkpoint.vae is not None
        self.checkpoint, self.steps, self.repeats = checkpoint, steps, repeats
        self.latent = torch.zeros(1, checkpoint.model.latent_format.channels, size // 8, size // 8)
        self.texts = checkpoint.clip.encode(PROMPT), checkpoint.clip.encode("")
        self.plain: list[Tensor] = []

    def measured(self, model: Model) -> dict[str, Any]:
        """Seconds of the first run, seconds per step of the best run, and the distance to the plain one."""
        started = time.perf_counter()
        pictures = [self.picture(model, SEEDS[0])[0]]
        first = time.perf_counter() - started
        pictures += [self.picture(model, seed)[0] for seed in SEEDS[1:]]
        best = min(self.picture(model, SEEDS[0])[1] for _ in range(self.repeats))
        if not self.plain:
            self.plain = pictures
        distance = [psnr(found, plain) for found, plain in zip(pictures, self.plain, strict=True)]
        return {
            "first_run_seconds": round(first, 2), "seconds_per_step": round(best / self.steps, 5),
            "psnr": round(min(distance), 1) if min(distance) < math.inf else None,
        }  # fmt: skip

    def picture(self, model: Model, seed: int) -> tuple[Tensor, float]:
        """A picture and the seconds that its sampling took; processor time on a CPU, which others may share."""
        clock = time.process_time if model.network.device.type == "cpu" else time.perf_counter
        started = clock()
        latent = sample(
            model, noise=prepare_noise(self.latent, seed), latent=self.latent, positive=self.texts[0],
            negative=self.texts[1], guidance_scale=SCALE, sampler="euler", schedule="karras", steps=self.steps,
            seed=seed,
        )  # fmt: skip
        seconds = clock() - started
        assert self.checkpoint.vae is not None
        return self.checkpoint.vae.decode(latent), seconds


def psnr(found: Tensor, expected: Tensor) -> float:
    """Decibels; infinite for equal pictures."""
    error = float(((found.float() - expected.float()) ** 2).mean())
    return math.inf if error == 0 else -10 * math.log10(error)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, action="append", help="the embedded models without it")
    parser.add_argument("--size", type=int, default=128, help="pixels of a side")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true", help="also compile, which takes minutes on a CPU")
    arguments = parser.parse_args()
    embedded = [EMBEDDED / "heddle-shapes-128.safetensors", EMBEDDED / "heddle-shapes-xl-base-128.safetensors"]
    for path in arguments.checkpoint or embedded:
        checkpoint = load_checkpoint(path, device=arguments.device)
        bench = Bench(checkpoint, arguments.size, arguments.steps, arguments.repeats)
        plain = 0.0
        for name, change in variants(arguments.compile, arguments.device):
            line = {"benchmark": "speed", "model": path.name, "device": arguments.device, "variant": name}
            try:
                line |= bench.measured(change(checkpoint.model))
            except SamplingError as error:
                print(json.dumps(line | {"refused": str(error)}), flush=True)
                continue
            plain = plain or line["seconds_per_step"]
            print(json.dumps(line | {"times_faster": round(plain / line["seconds_per_step"], 2)}), flush=True)


if __name__ == "__main__":
    main()
