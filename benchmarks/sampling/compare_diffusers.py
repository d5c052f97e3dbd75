"""SDXL at true size beside diffusers' own pipeline, in one process on the same random weights, eager and compiled.

Prints one JSON line: seconds of all steps (guided, batch 1) for the pipeline, for this project, and for this project
with `TorchCompileModel`, and seconds of decoding a picture. Text encoders are left out. The targets, on an H200 at
1024² and 30 steps: 1.9 s eager, 1.4 s compiled.

    python benchmarks/sampling/compare_diffusers.py [--pixels 1024] [--steps 30] [--device cuda] [--compile]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from compare_published import CANDIDATES, with_random_weights

from diffusion.model import Model
from diffusion.patching.compiled import compiled
from diffusion.placement import default_device, place_autoencoder
from diffusion.sampling import prepare_noise, sample
from diffusion.variants import COMPUTE

GUIDANCE, CONTEXT, POOLED = 5.0, 2048, 1280


def seconds(run: Callable[[], Any], device: torch.device, repeats: int) -> tuple[float, float]:
    """Of the first run, and of the best of the others."""
    found = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        found.append(time.perf_counter() - started)
    return found[0], min(found[1:])


def native(model: Model) -> Any:
    """The U-Net as the pipeline wants it (labels under another name), on the same tensors."""
    from diffusers import UNet2DConditionModel

    module: Any = model.network.prepare()
    labels = {"class_embed_type": None, "addition_embed_type": "text_time", "addition_time_embed_dim": 256}
    with torch.device("meta"):
        unet = UNet2DConditionModel(**{k: v for k, v in module.config.items() if not k.startswith("_")} | labels)
    tensors = {name.replace("class_embedding", "add_embedding"): one for name, one in module.state_dict().items()}
    unet.load_state_dict(tensors, assign=True)
    return unet.eval()


def pipeline_run(model: Model, pixels: int, steps: int) -> Callable[[], Any]:
    """The same steps by diffusers' pipeline on the same weights."""
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    device, dtype = model.network.device, model.network.compute
    scheduler = EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
    pipeline = StableDiffusionXLPipeline(
        vae=None, text_encoder=None, text_encoder_2=None, tokenizer=None, tokenizer_2=None,
        unet=native(model), scheduler=scheduler, add_watermarker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    text = torch.zeros(1, 77, CONTEXT, device=device, dtype=dtype)
    pooled = torch.zeros(1, POOLED, device=device, dtype=dtype)
    return lambda: pipeline(
        prompt_embeds=text, negative_prompt_embeds=text, pooled_prompt_embeds=pooled,
        negative_pooled_prompt_embeds=pooled, height=pixels, width=pixels, num_inference_steps=steps,
        guidance_scale=GUIDANCE, output_type="latent",
    )  # fmt: skip


def own_run(model: Model, pixels: int, steps: int) -> Callable[[], Any]:
    """The steps by this project."""
    latent = torch.zeros(1, 4, pixels // 8, pixels // 8)
    text = [[torch.zeros(1, 77, CONTEXT), {"pooled_output": torch.zeros(1, POOLED)}]]
    return lambda: sample(
        model, noise=prepare_noise(latent, 1), latent=latent, positive=text, negative=text, guidance_scale=GUIDANCE,
        sampler="euler", schedule="normal", steps=steps, seed=1,
    )  # fmt: skip


def decode_run(device: torch.device, pixels: int) -> Callable[[], Any]:
    """A picture by SDXL's autoencoder with random weights."""
    from diffusers import AutoencoderKL

    where = place_autoencoder(device)
    vae = AutoencoderKL(
        block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    ).to(device, where.compute).eval()  # fmt: skip
    latent = torch.zeros(1, 4, pixels // 8, pixels // 8, device=device, dtype=where.compute)

    @torch.inference_mode()
    def run() -> Any:
        return vae.decode(latent, return_dict=False)[0].cpu()

    return run


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=["SDXL", "SSD-1B"], default="SDXL")
    parser.add_argument("--pixels", type=int, default=1024)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--dtype", choices=[name for name in COMPUTE if name != "default"], default="fp16")
    parser.add_argument("--device", default=str(default_device()))
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    device, dtype = torch.device(arguments.device), COMPUTE[arguments.dtype]
    assert dtype is not None
    candidate = next(one for one in CANDIDATES if one.name == arguments.network)
    model = with_random_weights(candidate, dtype, device)
    pixels, steps = arguments.pixels, arguments.steps
    runs = {"diffusers": pipeline_run(model, pixels, steps), "eager": own_run(model, pixels, steps)}
    if arguments.compile:
        runs["compiled"] = own_run(compiled(model, "inductor"), pixels, steps)
    runs["decode"] = decode_run(device, pixels)
    found = {name: seconds(run, device, arguments.repeats) for name, run in runs.items()}
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    print(json.dumps({
        "benchmark": "beside_diffusers", "device": name, "network": candidate.name, "pixels": pixels, "steps": steps,
        "dtype": arguments.dtype, "seconds": {key: round(best, 3) for key, (_, best) in found.items()},
        "first_run_seconds": {key: round(first, 3) for key, (first, _) in found.items()},
        "target_seconds": {"eager": 1.9, "compiled": 1.4, "on": "H200, 1024 pixels, 30 steps"},
    }))  # fmt: skip


if __name__ == "__main__":
    main()
