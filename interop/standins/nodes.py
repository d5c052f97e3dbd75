"""Host module `nodes`, as packs see it: every node by id, and the classes that packs subclass.

Source: protocol §5.6.
"""

import os
import random
import string
from typing import Any

from interop import saving as _saving
from interop.classes import BuiltInNode as _BuiltInNode
from interop.classes import NodeClasses as _NodeClasses
from interop.classes import class_for as _class_for
from interop.host import current as _current

MAX_RESOLUTION = 16384
EXTENSION_WEB_DIRS = _current().extension_dirs
LOADED_MODULE_DIRS: dict[str, str] = {}
NODE_DISPLAY_NAME_MAPPINGS = {id: spec.display_name for id, spec in _current().catalogue.items()}


class SaveImage(_BuiltInNode):
    """Writes pictures into the output folder.

    Subclasses change `output_dir`, `type`, `prefix_append` and `compress_level` and call `save_images`.
    """

    RETURN_TYPES = ()
    FUNCTION = "save_images"
    OUTPUT_NODE = True
    CATEGORY = "image"

    def __init__(self) -> None:
        self.output_dir = str(_current().folders.output)
        self.type = "output"
        self.prefix_append = ""
        self.compress_level = 4

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        """The inputs."""
        return {
            "required": {"images": ("IMAGE",), "filename_prefix": ("STRING", {"default": "ComfyUI"})},
            "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
        }

    def save_images(
        self, images: Any, filename_prefix: Any = "ComfyUI", prompt: Any = None, extra_pnginfo: Any = None
    ) -> Any:
        """Write one PNG file an image, with the workflow in it."""
        prefix = filename_prefix + self.prefix_append
        chunks = _saving.texts(prompt, extra_pnginfo)
        own = {"output": _current().folders.output, "temp": _current().folders.temp}.get(self.type)
        if own is not None and os.path.abspath(self.output_dir) == str(own):
            saved = _saving.save_pictures(
                images, prefix, folder=self.type, chunks=chunks, compress_level=self.compress_level
            )
            return {"ui": {"images": [file.to_data() for file in saved]}}
        return {"ui": {"images": _save_elsewhere(self, images, prefix, chunks)}}


def _save_elsewhere(node: Any, images: Any, prefix: Any, chunks: Any) -> Any:
    """Write into a folder that is none of the engine's."""
    import folder_paths

    from nodes.pictures import encode_png, to_bytes

    height, width = images[0].shape[0], images[0].shape[1]
    folder, name, counter, subfolder, _ = folder_paths.get_save_image_path(prefix, node.output_dir, width, height)
    results = []
    for index, image in enumerate(images):
        file = f"{name.replace('%batch_num%', str(index))}_{counter + index:05}_.png"
        with open(os.path.join(folder, file), "wb") as opened:
            opened.write(encode_png(to_bytes(image), chunks, node.compress_level))
        results.append({"filename": file, "subfolder": subfolder, "type": node.type})
    return results


class PreviewImage(SaveImage):
    """Writes pictures into the temp folder."""

    def __init__(self) -> None:
        self.output_dir = str(_current().folders.temp)
        self.type = "temp"
        self.prefix_append = "_temp_" + "".join(random.choices(string.ascii_lowercase, k=5))
        self.compress_level = 1

    @classmethod
    def INPUT_TYPES(cls) -> Any:
        """The inputs."""
        return {
            "required": {"images": ("IMAGE",)},
            "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
        }


def _own_classes() -> Any:
    own: dict[str, Any] = {"SaveImage": SaveImage, "PreviewImage": PreviewImage}
    for id, cls in own.items():
        spec = _current().catalogue.get(id)
        if spec is not None:
            cls.SPEC, cls.CATEGORY, cls.DESCRIPTION = spec, spec.category, spec.description
    if "VAEEncode" in _current().catalogue:
        own["VAEEncode"] = _class_for(_current().catalogue["VAEEncode"])
        own["VAEEncode"].vae_encode_crop_pixels = staticmethod(vae_encode_crop_pixels)
    for id, method in (("KSampler", _sample_all), ("KSamplerAdvanced", _sample_part)):
        if id in _current().catalogue:
            own[id] = _class_for(_current().catalogue[id])
            own[id].sample = method
    return own


def _sample_all(
    self: Any, model: Any, seed: Any, steps: Any, cfg: Any, sampler_name: Any, scheduler: Any, positive: Any,
    negative: Any, latent_image: Any, denoise: Any = 1.0,
) -> Any:  # fmt: skip
    """Run a whole schedule, or its last part."""
    return common_ksampler(
        model, seed, steps, cfg, sampler_name, scheduler, positive, negative, latent_image, denoise=denoise
    )


def _sample_part(
    self: Any,
    model: Any,
    add_noise: Any,
    noise_seed: Any,
    steps: Any,
    cfg: Any,
    sampler_name: Any,
    scheduler: Any,
    positive: Any,
    negative: Any,
    latent_image: Any,
    start_at_step: Any,
    end_at_step: Any,
    return_with_leftover_noise: Any,
    denoise: Any = 1.0,
) -> Any:
    """Run some steps of a schedule; the method takes `denoise`, which the node's inputs lack."""
    return common_ksampler(
        model,
        noise_seed,
        steps,
        cfg,
        sampler_name,
        scheduler,
        positive,
        negative,
        latent_image,
        denoise=denoise,
        disable_noise=add_noise == "disable",
        start_step=start_at_step,
        last_step=end_at_step,
        force_full_denoise=return_with_leftover_noise != "enable",
    )


def vae_encode_crop_pixels(pixels: Any) -> Any:
    """Cut a picture [batch, height, width, channels], centred, to sides that are multiples of 8."""
    height, width = pixels.shape[1] // 8 * 8, pixels.shape[2] // 8 * 8
    top, left = (pixels.shape[1] % 8) // 2, (pixels.shape[2] % 8) // 2
    return pixels[:, top : top + height, left : left + width, :]


NODE_CLASS_MAPPINGS = _NodeClasses(_current().catalogue, _own_classes())


def __getattr__(name: Any) -> Any:
    if name in NODE_CLASS_MAPPINGS:
        return NODE_CLASS_MAPPINGS[name]
    if name in ("folder_paths", "node_helpers", "comfy", "latent_preview"):
        import importlib

        return importlib.import_module(name)
    raise AttributeError(name)


def common_ksampler(
    model: Any,
    seed: Any,
    steps: Any,
    cfg: Any,
    sampler_name: Any,
    scheduler: Any,
    positive: Any,
    negative: Any,
    latent: Any,
    denoise: Any = 1.0,
    disable_noise: Any = False,
    start_step: Any = None,
    last_step: Any = None,
    force_full_denoise: Any = False,
) -> Any:
    """Sample a latent dictionary; returns a tuple with the new one."""
    import comfy.sample as host
    import latent_preview
    import torch

    samples = host.fix_empty_latent_channels(model, latent["samples"])
    if disable_noise:
        noise = torch.zeros_like(samples, device="cpu")
    else:
        noise = host.prepare_noise(samples, seed, latent.get("batch_index"))
    found = host.sample(
        model, noise, steps, cfg, sampler_name, scheduler, positive, negative, samples, denoise=denoise,
        disable_noise=disable_noise, start_step=start_step, last_step=last_step, force_full_denoise=force_full_denoise,
        noise_mask=latent.get("noise_mask"), callback=latent_preview.prepare_callback(model, steps), disable_pbar=True,
        seed=seed,
    )  # fmt: skip
    return ({**latent, "samples": found},)


def interrupt_processing(value: Any = True) -> None:
    """Ask the running job to stop at its next step, or take the request back."""
    _current().interrupted = bool(value)


def before_node_execution() -> None:
    """Stop here if the running job was cancelled."""
    from comfy.model_management import throw_exception_if_processing_interrupted

    throw_exception_if_processing_interrupted()


def get_module_name(module_path: Any) -> Any:
    """The name of a pack, from its path."""
    name = os.path.basename(os.path.normpath(module_path))
    return name.removesuffix(".py")
