"""Host module `comfy.controlnet`: control networks.

Source: pack_surface, tier 2.
"""

from typing import Any


def load_controlnet(ckpt_path: Any, model: Any = None, model_options: Any = None) -> Any:
    """Load a control network.

    Raises:
        ModelFileError: if the file is damaged or of an unknown kind.
    """
    from diffusion.control import load_control
    from interop.models import lend_one

    return lend_one(load_control(ckpt_path))
