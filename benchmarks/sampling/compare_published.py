"""Four networks at true size beside a published comparison of pictures: SDXL : SSD-1B : SD1.4 : BK-SDM-small.

Published: 82.2 : 59.4 : 15.4 : 10.0, each at the resolution it was trained on, with the same number of steps. Here the
weights are random (they do not change the time), and two things are compared with that: the seconds of guided steps,
measured at a share of those resolutions, and the multiplications of a step at the full ones, counted without computing.
Text encoders and autoencoders are left out. Prints one JSON line; takes up to 6 GiB in bfloat16, one network at a time.

    python benchmarks/sampling/compare_published.py [--share 0.25] [--steps 2] [--dtype bf16] [--device cpu]
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from diffusion.families.family import Family
from diffusion.families.sdxl import SdxlFamily
from diffusion.families.unet import UNetFamily
from diffusion.latents import SD1, SDXL
from diffusion.model import Model
from diffusion.network import Network, empty
from diffusion.sampling import prepare_noise, sample
from diffusion.sampling.prediction import discrete
from diffusion.variants import COMPUTE


@dataclass(frozen=True)
class Candidate:
    """A network of the comparison.

    Attributes:
        published: its share of the published comparison.
        pixels: a side of the pictures it was trained on.
        config: arguments of diffusers' UNet2DConditionModel.
    """

    name: str
    published: float
    pixels: int
    family: Family
    config: Mapping[str, Any]


_XL = {
    "block_out_channels": (320, 640, 1280), "layers_per_block": 2,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048, "use_linear_projection": True, "class_embed_type": "projection",
    "projection_class_embeddings_input_dim": 2816,
}  # fmt: skip
_SD = {
    "block_out_channels": (320, 640, 1280, 1280), "attention_head_dim": 8, "cross_attention_dim": 768,
    "down_block_types": (*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"),
    "up_block_types": ("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
}  # fmt: skip
_XL_FAMILY = SdxlFamily("sdxl", SDXL, 4, 2048, 1280, False)
_SD_FAMILY = UNetFamily("sd1", SD1, 4, 768)
CANDIDATES = (
    Candidate("SDXL", 82.2, 1024, _XL_FAMILY, {**_XL, "transformer_layers_per_block": (1, 2, 10)}),
    Candidate("SSD-1B", 59.4, 1024, _XL_FAMILY, {
        **_XL, "transformer_layers_per_block": (1, 2, 4), "mid_block_type": "UNetMidBlock2D",
        "reverse_transformer_layers_per_block": ((4, 4, 10), (2, 1, 1), 1),
    }),
    Candidate("SD1.4", 15.4, 512, _SD_FAMILY, {**_SD, "layers_per_block": 2}),
    Candidate("BK-SDM-small", 10.0, 512, _SD_FAMILY, {**_SD, "layers_per_block": 1, "mid_block_type": None}),
)  # fmt: skip


def built(candidate: Candidate) -> nn.Module:
    """The network without memory."""
    from diffusers import UNet2DConditionModel

    return empty(lambda: UNet2DConditionModel(**candidate.config), candidate.name)


def with_random_weights(candidate: Candidate, dtype: torch.dtype, device: torch.device) -> Model:
    """The network as a model, its weights small and random."""
    module, generator = built(candidate), torch.Generator().manual_seed(0)
    weights = {
        name: torch.empty(tensor.shape, dtype=dtype).uniform_(-0.02, 0.02, generator=generator)
        for name, tensor in module.state_dict().items()
    }
    network = Network(module, weights, device=device, storage=dtype, compute=dtype, source=candidate.name)
    return Model(network, candidate.family, discrete())


def seconds_a_step(model: Model, candidate: Candidate, share: float, steps: int) -> float:
    """Of guided steps at a share of the resolution, after one that warms up."""
    cells = round(candidate.pixels * share) // 8
    latent = torch.zeros(1, 4, cells, cells)
    text = [[torch.zeros(1, 77, candidate.config["cross_attention_dim"]), {}]]

    def run(count: int) -> float:
        cpu = model.network.device.type == "cpu"
        clock = time.process_time if cpu else time.perf_counter
        started = clock()
        sample(
            model, noise=prepare_noise(latent, 1), latent=latent, positive=text, negative=text, guidance_scale=7.0,
            sampler="euler", schedule="normal", steps=count, seed=1,
        )  # fmt: skip
        return clock() - started

    run(1)
    return run(steps) / steps


def teraflops_a_step(candidate: Candidate) -> float:
    """Floating point operations of a guided step at the full resolution, counted on tensors without memory."""
    module, cells = built(candidate), candidate.pixels // 8
    vector = candidate.config.get("projection_class_embeddings_input_dim")
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        module(
            torch.empty(2, 4, cells, cells), torch.empty(2),
            encoder_hidden_states=torch.empty(2, 77, candidate.config["cross_attention_dim"]),
            class_labels=None if vector is None else torch.empty(2, vector),
        )  # fmt: skip
    return counter.get_total_flops() / 1e12


def main() -> None:
    """Measure, count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=0.25, help="of the published resolutions; 1 is 1024 and 512")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--dtype", choices=[name for name in COMPUTE if name != "default"], default="bf16")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    dtype, device = COMPUTE[arguments.dtype], torch.device(arguments.device)
    assert dtype is not None
    seconds, teraflops = {}, {}
    for candidate in CANDIDATES:
        teraflops[candidate.name] = teraflops_a_step(candidate)
        model = with_random_weights(candidate, dtype, device)
        seconds[candidate.name] = seconds_a_step(model, candidate, arguments.share, arguments.steps)
        del model
        gc.collect()
    last, published = CANDIDATES[-1].name, CANDIDATES[-1].published
    result = {
        "benchmark": "published_comparison", "device": arguments.device, "dtype": arguments.dtype,
        "pixels": {one.name: round(one.pixels * arguments.share) for one in CANDIDATES}, "steps": arguments.steps,
        "seconds_per_step": {name: round(value, 3) for name, value in seconds.items()},
        "teraflops_per_step_at_full_size": {name: round(value, 3) for name, value in teraflops.items()},
        "published": {one.name: one.published for one in CANDIDATES},
        "measured_ratio": {name: round(value / seconds[last] * published, 1) for name, value in seconds.items()},
        "counted_ratio": {name: round(value / teraflops[last] * published, 1) for name, value in teraflops.items()},
    }  # fmt: skip
    print(json.dumps(result))


if __name__ == "__main__":
    main()
