"""Host module `comfy.controlnet`: control networks.

Source: pack_surface, tier 2.
"""

from typing import Any

from interop.late_names import late_names as _late_names

__getattr__ = _late_names(
    {
        "ControlBase": "control_base.ControlBase",
        "ControlNet": "control.ControlHandle",
        "StrengthType": "control_base.StrengthType",
    }
)


def broadcast_image_to(tensor: Any, target_batch_size: Any, batched_number: Any) -> Any:
    """A picture for each sample of a batch that `batched_number` conditionings share."""
    import torch

    if tensor.shape[0] == 1:
        return tensor
    each = target_batch_size // batched_number
    tensor = tensor[:each]
    if each > tensor.shape[0]:
        tensor = torch.cat([tensor] * (each // tensor.shape[0]) + [tensor[: each % tensor.shape[0]]], dim=0)
    return tensor if tensor.shape[0] == target_batch_size else torch.cat([tensor] * batched_number, dim=0)


def load_controlnet(ckpt_path: Any, model: Any = None, model_options: Any = None) -> Any:
    """Load a control network.

    Args:
        model: what a file of differences is added to.
    Raises:
        ModelFileError: if the file is damaged or of an unknown kind.
    """
    from diffusion.control_loading import load_control
    from interop.models import lend_one, take_back

    return lend_one(load_control(ckpt_path, base=None if model is None else take_back(model).network))
