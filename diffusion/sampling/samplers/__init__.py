"""All samplers by name: plain functions of one signature (`diffusion.sampling.contract.Sampler`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import Tensor

from diffusion.errors import SamplingError
from diffusion.sampling.added import added_names, added_sampler
from diffusion.sampling.names import SAMPLERS
from diffusion.sampling.samplers.dpm import dpm_adaptive, dpm_fast
from diffusion.sampling.samplers.dpmpp import dpmpp_2m, dpmpp_2m_cfg_pp, dpmpp_2s_ancestral, dpmpp_2s_ancestral_cfg_pp
from diffusion.sampling.samplers.euler import euler, euler_ancestral, euler_ancestral_cfg_pp, euler_cfg_pp
from diffusion.sampling.samplers.exponential import er_sde, res_multistep, seeds_2, seeds_3
from diffusion.sampling.samplers.heun import dpm_2, dpm_2_ancestral, heun, heunpp2
from diffusion.sampling.samplers.multistep import deis, gradient_estimation, ipndm, ipndm_v, lms
from diffusion.sampling.samplers.posterior import ddpm, lcm
from diffusion.sampling.samplers.sa_solver import sa_solver
from diffusion.sampling.samplers.sde import dpmpp_2m_sde, dpmpp_3m_sde, dpmpp_sde
from diffusion.sampling.samplers.uni_pc import uni_pc

_BY_NAME: Mapping[str, Callable[..., Tensor]] = {
    "euler": euler,
    "euler_cfg_pp": euler_cfg_pp,
    "euler_ancestral": euler_ancestral,
    "euler_ancestral_cfg_pp": euler_ancestral_cfg_pp,
    "heun": heun,
    "heunpp2": heunpp2,
    "dpm_2": dpm_2,
    "dpm_2_ancestral": dpm_2_ancestral,
    "lms": lms,
    "dpm_fast": dpm_fast,
    "dpm_adaptive": dpm_adaptive,
    "dpmpp_2s_ancestral": dpmpp_2s_ancestral,
    "dpmpp_2s_ancestral_cfg_pp": dpmpp_2s_ancestral_cfg_pp,
    "dpmpp_sde": dpmpp_sde,
    "dpmpp_sde_gpu": partial(dpmpp_sde, on_cpu=False),
    "dpmpp_2m": dpmpp_2m,
    "dpmpp_2m_cfg_pp": dpmpp_2m_cfg_pp,
    "dpmpp_2m_sde": dpmpp_2m_sde,
    "dpmpp_2m_sde_gpu": partial(dpmpp_2m_sde, on_cpu=False),
    "dpmpp_2m_sde_heun": partial(dpmpp_2m_sde, solver_type="heun"),
    "dpmpp_2m_sde_heun_gpu": partial(dpmpp_2m_sde, solver_type="heun", on_cpu=False),
    "dpmpp_3m_sde": dpmpp_3m_sde,
    "dpmpp_3m_sde_gpu": partial(dpmpp_3m_sde, on_cpu=False),
    "ddpm": ddpm,
    "lcm": lcm,
    "ipndm": ipndm,
    "ipndm_v": ipndm_v,
    "deis": deis,
    "res_multistep": res_multistep,
    "res_multistep_cfg_pp": partial(res_multistep, cfg_pp=True),
    "res_multistep_ancestral": partial(res_multistep, eta=1.0),
    "res_multistep_ancestral_cfg_pp": partial(res_multistep, eta=1.0, cfg_pp=True),
    "gradient_estimation": gradient_estimation,
    "gradient_estimation_cfg_pp": partial(gradient_estimation, cfg_pp=True),
    "er_sde": er_sde,
    "seeds_2": seeds_2,
    "seeds_3": seeds_3,
    "sa_solver": sa_solver,
    "sa_solver_pece": partial(sa_solver, use_pece=True),
    "ddim": euler,
    "uni_pc": uni_pc,
    "uni_pc_bh2": partial(uni_pc, variant="bh2"),
}


def sampler_by_name(name: str, **options: Any) -> Callable[..., Tensor]:
    """A sampler, with its options fixed.

    Raises:
        SamplingError: for a name that is neither in `SAMPLERS` nor was added.
    """
    if name not in _BY_NAME:
        added = added_sampler(name, **options)
        if added is None:
            known = (*SAMPLERS, *added_names()[0])
            raise SamplingError(f"There is no sampler '{name}'. Known: {', '.join(known)}.")
        return added
    return partial(_BY_NAME[name], **options) if options else _BY_NAME[name]


__all__ = ["sampler_by_name"]
