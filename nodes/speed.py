"""Faster sampling, where it is asked for: each node says what it costs (docs/speed.md has the measured table)."""

from __future__ import annotations

from typing import Annotated

from graph_runtime.api import Choice, Range, node
from nodes.sockets import Model

__all__ = [
    "attention_kernel",
    "easy_cache",
    "first_block_cache",
    "lazy_cache",
    "model_channels_last",
    "model_compute_dtype",
    "model_float8",
    "torch_compile_model",
]

OURS = "advanced/speed"
DEBUG = "advanced/debug/model"
Threshold = Annotated[float, Range(0.0, 3.0, step=0.01)]
Share = Annotated[float, Range(0.0, 1.0, step=0.01)]


@node("TorchCompileModel", title="TorchCompileModel", category="_for_testing", experimental=True)
def torch_compile_model(
    *, model: Model, backend: Annotated[str, Choice("inductor", "cudagraphs", form="new")]
) -> Model:
    """Compile the blocks that a network repeats: the first picture of a size takes long, later ones are faster.

    Args:
        model: the diffusion model.
        backend: "inductor" writes fused kernels (on a CPU it needs a C++ compiler); "cudagraphs" records the whole
            network and needs an NVIDIA device.
    """
    from diffusion.patching.compiled import compiled

    return compiled(model, backend)


@node("EasyCache", title="EasyCache", category=DEBUG, experimental=True)
def easy_cache(
    *,
    model: Model,
    reuse_threshold: Threshold = 0.2,
    start_percent: Share = 0.15,
    end_percent: Share = 0.95,
    verbose: bool = False,
) -> Model:
    """Skip calls of the network while its output is expected to change little; changes the picture.

    Args:
        model: the diffusion model.
        reuse_threshold: how far the output may have moved, relative to its size; higher is faster and coarser.
        start_percent: share of the schedule at which skipping begins.
        end_percent: share of the schedule at which it ends.
        verbose: write a line to the log for every call.
    """
    from diffusion.patching import reuse

    return reuse.easy_cache(model, reuse_threshold, start_percent, end_percent, verbose=verbose)


@node("LazyCache", title="LazyCache", category=DEBUG, experimental=True)
def lazy_cache(
    *,
    model: Model,
    reuse_threshold: Threshold = 0.2,
    start_percent: Share = 0.15,
    end_percent: Share = 0.95,
    verbose: bool = False,
) -> Model:
    """Skip whole guided steps while their result is expected to change little; coarser than EasyCache, fits any model.

    Args:
        model: the diffusion model.
        reuse_threshold: how far the result may have moved, relative to its size; higher is faster and coarser.
        start_percent: share of the schedule at which skipping begins.
        end_percent: share of the schedule at which it ends.
        verbose: write a line to the log for every step.
    """
    from diffusion.patching import reuse

    return reuse.lazy_cache(model, reuse_threshold, start_percent, end_percent, verbose=verbose)


@node("FirstBlockCache", title="First-Block Cache", category=OURS)
def first_block_cache(
    *,
    model: Model,
    threshold: Threshold = 0.1,
    start_percent: Share = 0.15,
    end_percent: Share = 0.95,
    verbose: bool = False,
) -> Model:
    """Compute the first block of the network in every step, and the rest only when that has changed.

    Args:
        model: the diffusion model.
        threshold: relative change of the first block's result up to which the rest is used again.
        start_percent: share of the schedule at which that begins.
        end_percent: share of the schedule at which it ends.
        verbose: write a line to the log for every call.
    """
    from diffusion.patching import reuse

    return reuse.first_block_cache(model, threshold, start_percent, end_percent, verbose=verbose)


@node("ModelComputeDtype", title="ModelComputeDtype", category=DEBUG)
def model_compute_dtype(*, model: Model, dtype: Annotated[str, Choice("default", "fp32", "fp16", "bf16")]) -> Model:
    """Choose the format of a network's arithmetic.

    Args:
        model: the diffusion model.
        dtype: "default" is what the device and the file suggest.
    """
    from diffusion.variants import with_compute_dtype

    return with_compute_dtype(model, dtype)


@node("ModelChannelsLast", title="Channels-Last Convolutions", category=OURS)
def model_channels_last(*, model: Model) -> Model:
    """Lay out a U-Net's convolutions as most accelerators prefer; the picture stays the same up to rounding.

    Args:
        model: a diffusion model with a U-Net.
    """
    from diffusion.variants import with_channels_last

    return with_channels_last(model)


@node("ModelFloat8", title="Eight-Bit Arithmetic", category=OURS)
def model_float8(*, model: Model) -> Model:
    """Multiply in eight-bit floating point inside the network's blocks; changes the picture a little.

    Args:
        model: the diffusion model; it needs an NVIDIA device of compute capability 8.9 or newer, or a CPU, where it
            saves memory but no time.
    """
    from diffusion.variants import with_float8

    return with_float8(model)


@node("AttentionKernel", title="Attention Kernel", category=OURS)
def attention_kernel(
    *, model: Model, kernel: Annotated[str, Choice("flash", "memory efficient", "cudnn", "math")] = "flash"
) -> Model:
    """Choose the kernel that computes attention instead of leaving it to torch.

    Args:
        model: the diffusion model.
        kernel: "math" is plain sums and works everywhere; the others are fused, and refuse what they cannot compute.
    """
    from diffusion.patching.kernels import with_attention_kernel

    return with_attention_kernel(model, kernel)
