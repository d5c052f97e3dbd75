"""Host module `node_helpers`: small functions around conditioning and pictures.

Source: protocol §5.6.
"""

from typing import Any


def conditioning_set_values(conditioning: Any, values: Any = None, append: Any = False) -> Any:
    """Copy a conditioning with other values in each dictionary.

    Args:
        conditioning: list of [embedding, dict].
        values: what to set.
        append: add lists to the lists that are there instead of replacing them.
    """
    result = []
    for embedding, options in conditioning:
        options = dict(options)
        for key, value in (values or {}).items():
            options[key] = [*options[key], *value] if append and options.get(key) is not None else value
        result.append([embedding, options])
    return result


def pillow(fn: Any, arg: Any) -> Any:
    """Call a Pillow function, once more accepting damaged files if it refuses one."""
    from PIL import ImageFile, UnidentifiedImageError

    before = ImageFile.LOAD_TRUNCATED_IMAGES
    try:
        return fn(arg)
    except (OSError, UnidentifiedImageError, ValueError):
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        return fn(arg)
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def hasher() -> Any:
    """The hash function for file contents."""
    import hashlib

    return hashlib.sha256


def string_to_torch_dtype(string: Any) -> Any:
    """The dtype called "fp32", "fp16" or "bf16"; None for other words."""
    import torch

    return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}.get(string)


def image_alpha_fix(destination: Any, source: Any) -> Any:
    """Give two images [batch, height, width, channels] the same number of channels; a missing alpha is opaque."""
    import torch

    if source.shape[-1] < destination.shape[-1]:
        destination = destination[..., : source.shape[-1]]
    elif source.shape[-1] > destination.shape[-1]:
        destination = torch.nn.functional.pad(destination, (0, source.shape[-1] - destination.shape[-1]), value=1.0)
    return destination, source
