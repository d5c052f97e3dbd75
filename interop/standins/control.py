"""Host module `comfy.controlnet`: control networks.

Source: pack_surface, tier 2.
"""


def load_controlnet(ckpt_path, model=None, model_options=None):
    """Load a control network.

    Raises:
        ModelFileError: if the file is damaged or of an unknown kind.
    """
    from diffusion.control import load_control
    from interop.models import lend_one

    return lend_one(load_control(ckpt_path))
