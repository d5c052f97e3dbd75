"""The node types that reference cases use, as plain calls of `diffusion`; no server, no engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.parity.synthetic import ensure_model
from diffusion import sampling
from diffusion.control import load_control
from diffusion.inpainting import condition_on_masked, encode_for_inpainting, with_values
from diffusion.loading import load_autoencoder, load_checkpoint, load_diffusion_model, load_text_encoders
from diffusion.lora import apply_lora, read_lora
from diffusion.resize import resize
from diffusion.sampling.guidance import ClassifierFree
from diffusion.sampling.prediction import Kind, discrete, flow
from diffusion.sampling.samplers import sampler_by_name
from diffusion.tensor_file import TensorFile
from diffusion.text.embeddings import Embeddings
from diffusion.tiny_autoencoder import load_tiny_autoencoder


@dataclass
class Bench:
    """Where things are; keeps the last loaded files, so that cases of one family share them."""

    keys: Path
    models: Path
    inputs: Path
    tokenizers: Path
    kept: dict[str, Any] = field(default_factory=dict)

    def file(self, folder: str, name: str) -> Path:
        """A model file, written if need be."""
        return ensure_model(self.keys, self.models, f"{folder}/{name}")

    def keep(self, key: str, load: Callable[[], Any]) -> Any:
        """Load once; a new checkpoint drops everything else, so that one model is in memory at a time."""
        if key not in self.kept:
            if key.startswith(("checkpoints/", "diffusion_models/")):
                self.kept.clear()
            self.kept[key] = load()
        return self.kept[key]

    def embeddings(self) -> Embeddings:
        """Both synthetic embeddings, on disk."""
        for name in ("synthstyle.safetensors", "synthxl.safetensors"):
            self.file("embeddings", name)
        return Embeddings((self.models / "embeddings",))


def _checkpoint(bench: Bench, ckpt_name: str) -> tuple[Any, ...]:
    path = bench.file("checkpoints", ckpt_name)
    found = bench.keep(
        f"checkpoints/{ckpt_name}", lambda: load_checkpoint(path, device="cpu", tokenizers=[bench.tokenizers])
    )
    clip = found.clip.with_embeddings(bench.embeddings()) if found.clip is not None else None
    return found.model, clip, found.vae


def _clips(bench: Bench, kind: str, *names: str) -> tuple[Any]:
    paths = [bench.file("text_encoders", name) for name in names]
    load = lambda: load_text_encoders(paths, kind, device="cpu", tokenizers=[bench.tokenizers])  # noqa: E731
    return (bench.keep(f"text_encoders/{kind}/{'+'.join(names)}", load),)


def _unet(bench: Bench, unet_name: str, weight_dtype: str) -> tuple[Any]:
    path = bench.file("diffusion_models", unet_name)
    return (bench.keep(f"diffusion_models/{unet_name}", lambda: load_diffusion_model(path, device="cpu")),)


def _vae(bench: Bench, vae_name: str) -> tuple[Any]:
    if vae_name == "taesd":
        files = [bench.file("vae_approx", f"taesd_{half}.safetensors") for half in ("encoder", "decoder")]
        return (load_tiny_autoencoder(*files, "taesd", device="cpu"),)
    path = bench.file("vae", vae_name)
    return (bench.keep(f"vae/{vae_name}", lambda: load_autoencoder(path, device="cpu")),)


def _lora(bench: Bench, model: Any, clip: Any, lora_name: str, strength_model: float, strength_clip: float) -> Any:
    lora = read_lora(bench.file("loras", lora_name))
    return apply_lora(lora, model, clip, strength_model, strength_clip)


def _picture(bench: Bench, image: str) -> np.ndarray:
    opened = Image.open(bench.inputs / image)
    return np.asarray(opened.convert("RGB")).astype(np.float32) / 255.0


def _load_image(bench: Bench, image: str) -> tuple[Tensor, None]:
    return torch.from_numpy(_picture(bench, image))[None], None


def _load_mask(bench: Bench, image: str, channel: str) -> tuple[Tensor]:
    return (torch.from_numpy(_picture(bench, image)[..., ("red", "green", "blue").index(channel)].copy())[None],)


def _load_latent(bench: Bench, latent: str) -> tuple[dict[str, Tensor]]:
    file = TensorFile(bench.inputs / latent)
    scale = 1.0 if "latent_format_version_0" in file else 1.0 / 0.18215
    return ({"samples": file["latent_tensor"].float() * scale},)


def _empty(channels: int) -> Callable[..., tuple[dict[str, Tensor]]]:
    return lambda bench, width, height, batch_size: (
        {"samples": torch.zeros(batch_size, channels, height // 8, width // 8)},
    )


def _encode_sdxl(bench: Bench, clip: Any, text_g: str, text_l: str, **sizes: int) -> tuple[Any]:
    tokens = clip.balanced({"g": text_g, "l": text_l})
    features, pooled = clip.encode_tokens(tokens)
    return ([[features, {"pooled_output": pooled, **sizes}]],)


def _encode_refiner(bench: Bench, clip: Any, text: str, ascore: float, width: int, height: int) -> tuple[Any]:
    return (with_values(clip.encode(text), {"aesthetic_score": ascore, "width": width, "height": height}),)


def _encode_sd3(bench: Bench, clip: Any, clip_l: str, clip_g: str, t5xxl: str, empty_padding: str) -> tuple[Any]:
    texts = {"l": clip_l, "g": clip_g, "t5xxl": t5xxl}
    return (clip.encode_parts(texts, drop_empty=empty_padding == "none"),)


def _shape(model: Any, latent: Tensor) -> Tensor:
    channels = model.latent_format.channels
    if latent.shape[1] != channels and not latent.any():
        return latent.new_zeros(latent.shape[0], channels, *latent.shape[2:])
    return latent


def _sample(bench: Bench, model: Any, latent_image: Any, seed: int, cfg: float, **options: Any) -> tuple[Any]:
    latent = _shape(model, latent_image["samples"])
    out = sampling.sample(
        model, noise=sampling.prepare_noise(latent, seed, latent_image.get("batch_index")), latent=latent, seed=seed,
        guidance_scale=cfg, noise_mask=latent_image.get("noise_mask"), **options,
    )  # fmt: skip
    return ({**latent_image, "samples": out},)


def _ksampler(bench: Bench, sampler_name: str, scheduler: str, denoise: float, **rest: Any) -> tuple[Any]:
    return _sample(bench, sampler=sampler_name, schedule=scheduler, strength=denoise, **rest)


def _ksampler_advanced(
    bench: Bench, add_noise: str, noise_seed: int, sampler_name: str, scheduler: str, start_at_step: int,
    end_at_step: int, return_with_leftover_noise: str, **rest: Any,
) -> tuple[Any]:  # fmt: skip
    return _sample(
        bench, seed=noise_seed, sampler=sampler_name, schedule=scheduler, start_step=start_at_step,
        last_step=end_at_step, disable_noise=add_noise == "disable",
        force_full_denoise=return_with_leftover_noise == "disable", **rest,
    )  # fmt: skip


def _custom(bench: Bench, noise: int, guider: Any, sampler: str, sigmas: Tensor, latent_image: Any) -> tuple[Any, Any]:
    model, conditioning, guidance = guider
    latent = _shape(model, latent_image["samples"])
    out = sampling.integrate(
        model, noise=sampling.prepare_noise(latent, noise), latent=latent, conditioning=conditioning, guidance=guidance,
        sampler=sampler_by_name(sampler), sigmas=sigmas, seed=noise,
    )  # fmt: skip
    return {"samples": out}, {"samples": out}


def _basic_scheduler(bench: Bench, model: Any, scheduler: str, steps: int, denoise: float) -> tuple[Tensor]:
    return (sampling.schedule(scheduler, model.prediction, steps, denoise),)


def _discrete(bench: Bench, model: Any, sampling: str, zsnr: bool) -> tuple[Any]:
    kinds = {"eps": Kind.EPSILON, "v_prediction": Kind.V, "x0": Kind.X0}
    return (model.with_prediction(discrete(kinds[sampling])),)


def _upscale(bench: Bench, samples: Any, upscale_method: str, width: int, height: int, crop: str) -> tuple[Any]:
    size = (max(64, width) // 8, max(64, height) // 8)
    return ({**samples, "samples": resize(samples["samples"], *size, upscale_method, crop)},)


def _control(
    bench: Bench, positive: Any, negative: Any, control_net: Any, image: Tensor, strength: float,
    start_percent: float, end_percent: float,
) -> tuple[Any, Any]:  # fmt: skip
    applied = control_net.applied(image.movedim(-1, 1), strength, start_percent, end_percent)
    both = [with_values(one, {"control": applied, "control_apply_to_uncond": False}) for one in (positive, negative)]
    return both[0], both[1]


def _tiled(bench: Bench, samples: Any, vae: Any, tile_size: int, overlap: int, **_: int) -> tuple[Tensor]:
    tile = tile_size // vae.ratio
    return (vae.decode_tiled(samples["samples"], (tile, tile), overlap // vae.ratio),)


def _set_mask(bench: Bench, conditioning: Any, mask: Tensor, strength: float, set_cond_area: str) -> tuple[Any]:
    values = {"mask": mask, "set_area_to_bounds": set_cond_area != "default", "mask_strength": strength}
    return (with_values(conditioning, values),)


STEPS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "CheckpointLoaderSimple": _checkpoint,
    "UNETLoader": _unet,
    "DualCLIPLoader": lambda b, clip_name1, clip_name2, type, **_: _clips(b, type, clip_name1, clip_name2),
    "TripleCLIPLoader": lambda b, clip_name1, clip_name2, clip_name3: _clips(
        b, "sd3", clip_name1, clip_name2, clip_name3
    ),
    "VAELoader": _vae,
    "LoraLoader": _lora,
    "ControlNetLoader": lambda b, control_net_name: (
        load_control(b.file("controlnet", control_net_name), device="cpu"),
    ),
    "CLIPTextEncode": lambda b, clip, text: (clip.encode(text),),
    "CLIPTextEncodeSDXL": _encode_sdxl,
    "CLIPTextEncodeSDXLRefiner": _encode_refiner,
    "CLIPTextEncodeSD3": _encode_sd3,
    "CLIPSetLastLayer": lambda b, clip, stop_at_clip_layer: (clip.clip_layer(stop_at_clip_layer),),
    "ConditioningCombine": lambda b, conditioning_1, conditioning_2: (conditioning_1 + conditioning_2,),
    "ConditioningSetMask": _set_mask,
    "ConditioningSetTimestepRange": lambda b, conditioning, start, end: (
        with_values(conditioning, {"start_percent": start, "end_percent": end}),
    ),
    "ControlNetApplyAdvanced": _control,
    "EmptyLatentImage": _empty(4),
    "EmptySD3LatentImage": _empty(16),
    "LoadImage": _load_image,
    "LoadImageMask": _load_mask,
    "LoadLatent": _load_latent,
    "InvertMask": lambda b, mask: (1.0 - mask,),
    "SetLatentNoiseMask": lambda b, samples, mask: ({**samples, "noise_mask": mask.reshape(-1, 1, *mask.shape[-2:])},),
    "InpaintModelConditioning": lambda b, positive, negative, vae, pixels, mask, noise_mask: condition_on_masked(
        vae, pixels, mask, positive, negative, noise_mask=noise_mask
    ),
    "VAEEncode": lambda b, pixels, vae: ({"samples": vae.encode(pixels)},),
    "VAEEncodeForInpaint": lambda b, pixels, vae, mask, grow_mask_by: (
        encode_for_inpainting(vae, pixels, mask, grow_mask_by),
    ),
    "VAEDecode": lambda b, samples, vae: (vae.decode(samples["samples"]),),
    "VAEDecodeTiled": _tiled,
    "LatentUpscale": _upscale,
    "KSampler": _ksampler,
    "KSamplerAdvanced": _ksampler_advanced,
    "KSamplerSelect": lambda b, sampler_name: (sampler_name,),
    "RandomNoise": lambda b, noise_seed: (noise_seed,),
    "BasicScheduler": _basic_scheduler,
    "CFGGuider": lambda b, model, positive, negative, cfg: (
        (model, {"positive": positive, "negative": negative}, ClassifierFree(cfg)),
    ),
    "SamplerCustomAdvanced": _custom,
    "ModelSamplingDiscrete": _discrete,
    "ModelSamplingSD3": lambda b, model, shift: (model.with_prediction(flow(shift)),),
}


def run_case(bench: Bench, prompt: dict[str, Any]) -> dict[str, np.ndarray]:
    """Run a graph in the API format; what its Save nodes would write, in the order of their ids."""
    done: dict[str, tuple[Any, ...]] = {}

    def result(node: str) -> tuple[Any, ...]:
        if node not in done:
            entry = prompt[node]
            inputs = {k: result(v[0])[v[1]] if isinstance(v, list) else v for k, v in entry["inputs"].items()}
            done[node] = STEPS[entry["class_type"]](bench, **inputs)
        return done[node]

    found: dict[str, np.ndarray] = {}
    counts = {"image": 0, "latent": 0}
    for node in sorted(prompt, key=int):
        entry = prompt[node]
        if entry["class_type"] == "SaveLatent":
            latent = result(entry["inputs"]["samples"][0])[entry["inputs"]["samples"][1]]["samples"]
            found[f"latent_{counts['latent']}"] = latent.float().numpy()
            counts["latent"] += 1
        elif entry["class_type"] == "SaveImage":
            for picture in result(entry["inputs"]["images"][0])[entry["inputs"]["images"][1]]:
                found[f"image_{counts['image']}"] = np.clip(255.0 * picture.numpy(), 0, 255).astype(np.uint8)
                counts["image"] += 1
    return found
