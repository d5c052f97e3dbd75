"""Host module `comfy.utils`: progress bars, weights in files, resizing, tiles.

Source: protocol §5.6.
"""

import struct
from typing import Any

from interop import progress as _progress

PROGRESS_BAR_ENABLED = True
PROGRESS_BAR_HOOK = None

__all__ = [
    "ProgressBar",
    "bislerp",
    "common_upscale",
    "lanczos",
    "load_torch_file",
    "save_torch_file",
    "tiled_scale",
    "tiled_scale_multidim",
]


def common_upscale(samples: Any, width: Any, height: Any, upscale_method: Any, crop: Any) -> Any:
    """Resize [batch, channels, …, height, width]; crop "center" first trims to the new proportions."""
    from diffusion.resize import resize

    if samples.ndim == 4:
        return resize(samples, width, height, upscale_method, crop or "disabled")
    flat = samples.movedim(1, -3).reshape(-1, samples.shape[1], *samples.shape[-2:])
    result = resize(flat, width, height, upscale_method, crop or "disabled")
    return result.reshape(samples.shape[0], *samples.shape[2:-2], *result.shape[1:]).movedim(-3, 1)


def lanczos(samples: Any, width: Any, height: Any) -> Any:
    """Resize pictures in 0..1, through 8 bits."""
    return common_upscale(samples, width, height, "lanczos", "disabled")


def bislerp(samples: Any, width: Any, height: Any) -> Any:
    """Resize latents: directions turn evenly, lengths change linearly."""
    return common_upscale(samples, width, height, "bislerp", "disabled")


def set_progress_bar_enabled(enabled: Any) -> None:
    """Turn the bars of packs in the terminal on or off; clients are told in any case."""
    global PROGRESS_BAR_ENABLED
    PROGRESS_BAR_ENABLED = enabled


def set_progress_bar_global_hook(function: Any) -> None:
    """Let a function take every progress of packs instead of the clients; None undoes it."""
    global PROGRESS_BAR_HOOK
    PROGRESS_BAR_HOOK = function


class ProgressBar:
    """How far a node is.

    Args:
        total: steps altogether.
        node_id: the node it belongs to; by default the one that runs.
    """

    def __init__(self, total: Any, node_id: Any = None) -> None:
        self.total = total
        self.current = 0
        self.hook = PROGRESS_BAR_HOOK
        self.node_id = node_id

    def update_absolute(self, value: Any, total: Any = None, preview: Any = None) -> None:
        """Say how many steps are done.

        Args:
            preview: ("JPEG" or "PNG", picture, largest side or None).
        Raises:
            InterruptProcessingException: if the run was cancelled.
        """
        self.total = self.total if total is None else total
        self.current = min(value, self.total)
        if self.hook is not None:
            self.hook(self.current, self.total, preview, node_id=self.node_id)
        else:
            _progress.report(self.current, self.total, preview)

    def update(self, value: Any) -> None:
        """Say that so many more steps are done."""
        self.update_absolute(self.current + value)


def model_trange(*args: Any, **kwargs: Any) -> Any:
    """Count through a range; the bar in the terminal follows `PROGRESS_BAR_ENABLED`."""
    from tqdm.auto import trange

    return trange(*args, **{"disable": not PROGRESS_BAR_ENABLED} | kwargs)


def load_torch_file(ckpt: Any, safe_load: Any = False, device: Any = None, return_metadata: Any = False) -> Any:
    """Read the tensors of a file; formats that could run code are read without running it.

    Raises:
        ValueError: naming the file, if it is damaged or contains more than tensors.
    """
    state, metadata = _progress.load_tensors(str(ckpt), device)
    return (state, metadata) if return_metadata else state


def save_torch_file(sd: Any, ckpt: Any, metadata: Any = None) -> None:
    """Write tensors as a safetensors file."""
    from safetensors.torch import save_file

    tensors = {name: tensor.contiguous() for name, tensor in sd.items()}
    save_file(tensors, str(ckpt), metadata={key: str(value) for key, value in (metadata or {}).items()} or None)


def safetensors_header(safetensors_path: Any, max_size: Any = 100 * 1024 * 1024) -> Any:
    """The header of a safetensors file as bytes; None if it is longer than `max_size`."""
    with open(safetensors_path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        return None if length > max_size else file.read(length)


def calculate_parameters(sd: Any, prefix: Any = "") -> Any:
    """How many values the tensors with a prefix have."""
    return sum(tensor.nelement() for name, tensor in sd.items() if name.startswith(prefix))


def weight_dtype(sd: Any, prefix: Any = "") -> Any:
    """The dtype that most values of the tensors with a prefix have; None without tensors."""
    counts: dict[Any, int] = {}
    for name, tensor in sd.items():
        if name.startswith(prefix):
            counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.numel()
    return max(counts, key=lambda dtype: counts[dtype]) if counts else None


def state_dict_key_replace(state_dict: Any, keys_to_replace: Any) -> Any:
    """Rename tensors in place."""
    for old, new in keys_to_replace.items():
        if old in state_dict:
            state_dict[new] = state_dict.pop(old)
    return state_dict


def state_dict_prefix_replace(state_dict: Any, replace_prefix: Any, filter_keys: Any = False) -> Any:
    """Rename the tensors with certain prefixes; with `filter_keys` into a new dict of these alone."""
    result = {} if filter_keys else state_dict
    for old, new in replace_prefix.items():
        for name in [name for name in state_dict if name.startswith(old)]:
            result[new + name[len(old) :]] = state_dict.pop(name)
    return result


def convert_sd_to(state_dict: Any, dtype: Any) -> Any:
    """Turn all tensors into a dtype, in place."""
    for name in list(state_dict):
        state_dict[name] = state_dict[name].to(dtype)
    return state_dict


def repeat_to_batch_size(tensor: Any, batch_size: Any, dim: Any = 0) -> Any:
    """Repeat or cut a tensor along an axis to a length."""
    length = tensor.shape[dim]
    if length > batch_size:
        return tensor.narrow(dim, 0, batch_size)
    if length < batch_size:
        times = [1] * tensor.ndim
        times[dim] = -(-batch_size // length)
        return tensor.repeat(times).narrow(dim, 0, batch_size)
    return tensor


def resize_to_batch_size(tensor: Any, batch_size: Any) -> Any:
    """Pick entries along the batch axis, evenly spread, to get a length."""
    import torch

    length = tensor.shape[0]
    if length == batch_size:
        return tensor
    if batch_size <= 1:
        return tensor[:batch_size]
    if batch_size < length:
        step = (length - 1) / (batch_size - 1)
        picks = [min(round(index * step), length - 1) for index in range(batch_size)]
    else:
        picks = [min(int((index + 0.5) * (length / batch_size)), length - 1) for index in range(batch_size)]
    return tensor[torch.tensor(picks, device=tensor.device)]


def resize_list_to_batch_size(values: Any, batch_size: Any) -> Any:
    """Pick items of a list, evenly spread, to get a length."""
    length = len(values)
    if length == batch_size or length == 0:
        return values
    if batch_size <= 1:
        return values[:batch_size]
    if batch_size < length:
        step = (length - 1) / (batch_size - 1)
        return [values[min(round(index * step), length - 1)] for index in range(batch_size)]
    return [values[min(int((index + 0.5) * (length / batch_size)), length - 1)] for index in range(batch_size)]


def get_attr(obj: Any, attr: Any) -> Any:
    """The attribute at a dotted path."""
    for name in attr.split("."):
        obj = getattr(obj, name)
    return obj


def set_attr(obj: Any, attr: Any, value: Any) -> Any:
    """Set the attribute at a dotted path; returns what was there."""
    path, _, name = attr.rpartition(".")
    owner = get_attr(obj, path) if path else obj
    before = getattr(owner, name)
    setattr(owner, name, value)
    return before


def set_attr_param(obj: Any, attr: Any, value: Any) -> Any:
    """Set the parameter at a dotted path to a tensor; returns what was there."""
    import torch

    return set_attr(obj, attr, torch.nn.Parameter(value, requires_grad=False))


def copy_to_param(obj: Any, attr: Any, value: Any) -> None:
    """Copy a tensor into the parameter at a dotted path."""
    get_attr(obj, attr).data.copy_(value)


def get_tiled_scale_steps(width: Any, height: Any, tile_x: Any, tile_y: Any, overlap: Any) -> Any:
    """How many tiles cover a picture."""
    from interop.tiling import tile_count

    return tile_count(height, tile_y, overlap) * tile_count(width, tile_x, overlap)


def tiled_scale_multidim(
    samples: Any,
    function: Any,
    tile: Any = (64, 64),
    overlap: Any = 8,
    upscale_amount: Any = 4,
    out_channels: Any = 3,
    output_device: Any = "cpu",
    downscale: Any = False,
    index_formulas: Any = None,
    pbar: Any = None,
) -> Any:
    """Compute a function tile by tile along any number of axes.

    Args:
        upscale_amount: how much longer results are: a number, a function of the length, or one of these per axis.
        downscale: results are so much shorter instead.
        index_formulas: like `upscale_amount`, for positions; by default the same.
    """
    from interop.tiling import tiled

    axes = samples.ndim - 2

    def per_axis(value: Any) -> Any:
        return list(value) if isinstance(value, tuple | list) else [value] * axes

    amounts, formulas = per_axis(upscale_amount), per_axis(upscale_amount if index_formulas is None else index_formulas)

    def scale(axis: Any, length: Any) -> Any:
        amount = amounts[axis] if length in (samples.shape[axis + 2],) else formulas[axis]
        if callable(amount):
            return amount(length)
        return length / amount if downscale else length * amount

    done = (lambda: None) if pbar is None else (lambda: pbar.update(1))
    return tiled(samples, function, list(tile), per_axis(overlap), scale, out_channels, output_device, done)


def tiled_scale(
    samples: Any,
    function: Any,
    tile_x: Any = 64,
    tile_y: Any = 64,
    overlap: Any = 8,
    upscale_amount: Any = 4,
    out_channels: Any = 3,
    output_device: Any = "cpu",
    pbar: Any = None,
) -> Any:
    """Compute a function on a picture tile by tile."""
    return tiled_scale_multidim(
        samples, function, (tile_y, tile_x), overlap, upscale_amount, out_channels, output_device, pbar=pbar
    )


def pack_latents(latents: Any) -> Any:
    """Several latents as one row of numbers, and their shapes."""
    import torch

    return torch.cat([one.reshape(one.shape[0], 1, -1) for one in latents], dim=-1), [one.shape for one in latents]


def unpack_latents(combined_latent: Any, latent_shapes: Any) -> Any:
    """What `pack_latents` packed."""
    if len(latent_shapes) == 1:
        return [combined_latent]
    result, start = [], 0
    for shape in latent_shapes:
        length = 1
        for size in shape[1:]:
            length *= size
        part = combined_latent[:, :, start : start + length]
        result.append(part.reshape(part.shape[0], *shape[1:]))
        start += length
    return result


def reshape_mask(input_mask: Any, output_shape: Any) -> Any:
    """Resize a mask to a latent's shape, with as many channels and batch entries."""
    import torch

    axes = len(output_shape) - 2
    if axes == 1:
        mask, mode = input_mask.reshape(-1, 1, input_mask.shape[-1]), "linear"
    elif axes == 2:
        mask, mode = input_mask.reshape(-1, 1, *input_mask.shape[-2:]), "bilinear"
    else:
        mask = input_mask if input_mask.ndim >= 5 else input_mask.reshape(1, 1, -1, *input_mask.shape[-2:])
        mode = "trilinear"
    mask = torch.nn.functional.interpolate(mask, size=tuple(output_shape[2:]), mode=mode)
    if mask.shape[1] < output_shape[1]:
        mask = mask.repeat((1, output_shape[1], *[1] * axes))[:, : output_shape[1]]
    return repeat_to_batch_size(mask, output_shape[0])


def string_to_seed(data: Any) -> Any:
    """A 32-bit number that follows from bytes or text."""
    import zlib

    return zlib.crc32(data if isinstance(data, bytes) else data.encode("utf-8"))
