"""Changes inside a network while it runs: what is changed (`record`) and where it takes effect.

`ModelPatches` is the one record; it lies in `Model.hooks.inside` and is made with `Model.with_network_patches`. Without
patches the network runs as its library wrote it; with patches it is walked block by block (`unet`), so that nothing of
the shared module is changed and two models can share it.
"""

from __future__ import annotations

from diffusion.patching.attention import attend
from diffusion.patching.record import ModelPatches, Patching, Site, Step

__all__ = ["ModelPatches", "Patching", "Site", "Step", "attend"]
