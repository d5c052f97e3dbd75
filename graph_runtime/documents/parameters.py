"""The "parameters" text of the A1111 family of tools, read as a small text-to-image graph."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from graph_runtime.documents.errors import UnreadableDocument

_PAIR: Final = re.compile(r'\s*([\w /()+.-]+?):\s*("(?:\\.|[^"\\])*"|[^,]*)(?:,|$)')
_LORA: Final = re.compile(r"<lora:([^:<>]+):?([-\d.]*)[^<>]*>")
_SAMPLERS: Final[Mapping[str, str]] = {
    "euler": "euler",
    "euler a": "euler_ancestral",
    "heun": "heun",
    "lms": "lms",
    "dpm2": "dpm_2",
    "dpm2 a": "dpm_2_ancestral",
    "dpm fast": "dpm_fast",
    "dpm adaptive": "dpm_adaptive",
    "dpm++ 2s a": "dpmpp_2s_ancestral",
    "dpm++ 2m": "dpmpp_2m",
    "dpm++ sde": "dpmpp_sde",
    "dpm++ 2m sde": "dpmpp_2m_sde",
    "dpm++ 2m sde heun": "dpmpp_2m_sde_heun",
    "dpm++ 3m sde": "dpmpp_3m_sde",
    "lcm": "lcm",
    "ddim": "ddim",
    "unipc": "uni_pc",
}
_SCHEDULES: Final[Mapping[str, str]] = {
    "karras": "karras",
    "exponential": "exponential",
    "sgm uniform": "sgm_uniform",
    "simple": "simple",
    "normal": "normal",
    "ddim": "ddim_uniform",
    "beta": "beta",
    "kl optimal": "kl_optimal",
    "automatic": "normal",
}


def parameters_prompt(text: str) -> dict[str, Any]:
    """An API prompt that does what the text describes, as far as it says.

    Raises:
        UnreadableDocument: if the text has no line of settings, or no `Steps`.
    """
    prompt, negative, settings = _split(text)
    steps = _number(settings.get("steps"))
    if steps is None:
        raise UnreadableDocument(
            "The 'parameters' text has no line of settings with 'Steps: …'.",
            "Open a picture whose settings were not removed.",
            code="no_settings",
        )
    loras = _LORA.findall(prompt)
    prompt = _LORA.sub("", prompt).strip()
    width, height = _size(settings.get("size"))
    sampler, schedule = _sampler(settings.get("sampler", "Euler"), settings.get("schedule type"))
    model = settings.get("model", "model")
    nodes: dict[str, Any] = {
        "4": _node("CheckpointLoaderSimple", ckpt_name=model if "." in model[-13:] else f"{model}.safetensors"),
        "5": _node("EmptyLatentImage", width=width, height=height, batch_size=1),
    }
    source, clip = ["4", 0], ["4", 1]
    for index, (name, weight) in enumerate(loras):
        key = str(10 + index)
        strength = _number(weight)
        strength = 1.0 if strength is None else strength
        nodes[key] = _node(
            "LoraLoader",
            lora_name=f"{name}.safetensors",
            strength_model=strength,
            strength_clip=strength,
            model=source,
            clip=clip,
        )
        source, clip = [key, 0], [key, 1]
    skip = _number(settings.get("clip skip"))
    if skip is not None and skip > 1:
        nodes["2"] = _node("CLIPSetLastLayer", stop_at_clip_layer=-int(skip), clip=clip)
        clip = ["2", 0]
    nodes["6"] = _node("CLIPTextEncode", text=prompt, clip=clip)
    nodes["7"] = _node("CLIPTextEncode", text=negative, clip=clip)
    nodes["3"] = _node(
        "KSampler",
        seed=int(_number(settings.get("seed")) or 0) % 2**64,
        steps=int(steps),
        cfg=float(_number(settings.get("cfg scale")) or 7.0),
        sampler_name=sampler,
        scheduler=schedule,
        denoise=1.0,
        model=source,
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["5", 0],
    )
    nodes["8"] = _node("VAEDecode", samples=["3", 0], vae=["4", 2])
    nodes["9"] = _node("SaveImage", filename_prefix="image", images=["8", 0])
    return nodes


def _node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def _split(text: str) -> tuple[str, str, dict[str, str]]:
    lines = text.replace("\r\n", "\n").rstrip().split("\n")
    at = next((index for index in range(len(lines) - 1, -1, -1) if re.match(r"\s*Steps:\s*\d", lines[index])), None)
    body = lines if at is None else lines[:at]
    settings = {
        name.strip().lower(): value.strip().strip('"')
        for name, value in _PAIR.findall(lines[at] if at is not None else "")
    }
    start = next((index for index, line in enumerate(body) if line.startswith("Negative prompt:")), len(body))
    negative = "\n".join(body[start:]).removeprefix("Negative prompt:").strip()
    return "\n".join(body[:start]).strip(), negative, settings


def _number(text: str | None) -> int | float | None:
    try:
        return int(text or "")
    except ValueError:
        pass
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if abs(number) < 1e18 else None


def _size(text: str | None) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text or "")
    return (int(found[1]), int(found[2])) if found else (512, 512)


def _sampler(name: str, schedule: str | None) -> tuple[str, str]:
    """Older texts name the schedule after the sampler: `DPM++ 2M Karras`."""
    wanted = name.lower().strip()
    chosen = _SCHEDULES.get((schedule or "").lower().strip())
    for word in ("karras", "exponential"):
        if wanted.endswith(f" {word}"):
            wanted = wanted.removesuffix(f" {word}")
            chosen = chosen or word
    return _SAMPLERS.get(wanted, wanted.replace(" ", "_")), chosen or "normal"
