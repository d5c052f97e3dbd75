"""Host modules `comfy.sd1_clip`, `comfy.sdxl_clip` and `comfy.text_encoders.sd3_clip`: kinds of text encoders.

Packs ask `isinstance(clip.cond_stage_model, …)`; the encoders themselves are made by loading a file.
Source: pack_surface, tier 2.
"""

from interop.models.text_stage import STAGES as _STAGES

globals().update(_STAGES)
