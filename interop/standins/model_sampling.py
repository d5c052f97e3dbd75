"""Host module `comfy.model_sampling`: noise levels and kinds of prediction.

Source: protocol §6.2.
"""

import math

import torch

from interop.models.noise_levels import (
    ModelSamplingContinuousEDM,
    ModelSamplingContinuousV,
    ModelSamplingDiscrete,
    ModelSamplingDiscreteFlow,
    ModelSamplingFlux,
    flux_time_shift,
    rescale_zero_terminal_snr_sigmas,
    time_snr_shift,
)
from interop.models.prediction_kinds import CONST, COSMOS_RFLOW, EDM, EPS, IMG_TO_IMG, V_PREDICTION, X0

__all__ = [
    "CONST",
    "COSMOS_RFLOW",
    "EDM",
    "EPS",
    "IMG_TO_IMG",
    "V_PREDICTION",
    "X0",
    "ModelSamplingContinuousEDM",
    "ModelSamplingContinuousV",
    "ModelSamplingDiscrete",
    "ModelSamplingDiscreteFlow",
    "ModelSamplingFlux",
    "flux_time_shift",
    "math",
    "rescale_zero_terminal_snr_sigmas",
    "time_snr_shift",
    "torch",
]
