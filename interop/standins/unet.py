"""Host module `comfy.ldm.modules.diffusionmodules.openaimodel`: the network of U-Net models, for questions of kind.

Source: pack_surface, tier 3.
"""

from interop.models.denoiser import UNetModel

__all__ = ["UNetModel"]
