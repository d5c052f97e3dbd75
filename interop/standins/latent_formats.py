"""Host module `comfy.latent_formats`: latent spaces by name.

Source: pack_surface, tier 2.
"""

from interop.models.latent_spaces import FORMATS as _FORMATS
from interop.models.latent_spaces import LatentSpace as LatentFormat

globals().update(_FORMATS)

__all__ = ["LatentFormat"]
