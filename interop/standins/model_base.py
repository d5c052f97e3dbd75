"""Host module `comfy.model_base`: what is inside of models.

Source: pack_surface, tier 2.
"""

from interop.models.inner import KINDS as _KINDS
from interop.models.inner import BaseModel, ModelType

globals().update(_KINDS)

__all__ = ["BaseModel", "ModelType"]
