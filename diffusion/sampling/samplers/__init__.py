"""All samplers by name: plain functions of one signature (`diffusion.sampling.contract.Sampler`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from diffusion.errors import SamplingError
from diffusion.sampling.names import SAMPLERS
from diffusion.sampling.samplers.dpmpp import (
    dpmpp_2m,
    dpmpp_2m_cfg_pp,
    dpmpp_2s_ancestral,
    dpmpp_2s_ancestral_cfg_pp,
)
from diffusion.sampling.samplers.euler import euler, euler_ancestral, euler_ancestral_cfg_pp, euler_cfg_pp

_BY_NAME: dict[str, Callable[..., Tensor]] = {
    "euler": euler,
    "euler_cfg_pp": euler_cfg_pp,
    "euler_ancestral": euler_ancestral,
    "euler_ancestral_cfg_pp": euler_ancestral_cfg_pp,
    "dpmpp_2s_ancestral": dpmpp_2s_ancestral,
    "dpmpp_2s_ancestral_cfg_pp": dpmpp_2s_ancestral_cfg_pp,
    "dpmpp_2m": dpmpp_2m,
    "dpmpp_2m_cfg_pp": dpmpp_2m_cfg_pp,
    "ddim": euler,
}


def sampler_by_name(name: str, **options: Any) -> Callable[..., Tensor]:
    """A sampler, with its options fixed.

    Raises:
        SamplingError: for a name that is not in `SAMPLERS`.
    """
    if name not in _BY_NAME:
        raise SamplingError(f"There is no sampler '{name}'. Known: {', '.join(SAMPLERS)}.")
    return partial(_BY_NAME[name], **options) if options else _BY_NAME[name]


__all__ = ["sampler_by_name"]
