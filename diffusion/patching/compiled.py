"""Networks whose repeated blocks are compiled: slow the first time, faster afterwards.

Only the blocks that a network repeats are compiled ("regional" compilation), so that equal blocks share one result. The
compiled functions take the blocks' place for the time of one call; other models with the same network are not touched.
Compiled sums are added in another order, so pictures differ by rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from diffusion.errors import SamplingError
from diffusion.model import Model
from diffusion.patching.record import CallNetwork, Step

BACKENDS = ("inductor", "cudagraphs")
REGIONS = frozenset(
    {"BasicTransformerBlock", "ResnetBlock2D", "JointTransformerBlock", "FluxTransformerBlock"}
    | {"FluxSingleTransformerBlock", "TemporalBasicTransformerBlock", "TemporalResnetBlock"}
)
MOST_VERSIONS = 256  # of one block's code: each combination of channels and picture size is compiled by itself


def compiled(model: Model, backend: str) -> Model:
    """The model with compiled blocks; compiling happens when it is first used.

    Args:
        backend: `inductor`, or `cudagraphs`, which records the whole network on an NVIDIA device instead.
    Raises:
        SamplingError: where the backend cannot work: an unknown name, no C++ compiler, no NVIDIA device.
    """
    _require(backend, model.network.device)
    regions = Regions(model.network.module, backend)

    def around(network: CallNetwork, x: Tensor, timestep: Tensor, inputs: Mapping[str, Any], step: Step) -> Tensor:
        with regions.in_place():
            return network(x, timestep, inputs)

    return model.with_network_patches(network=(around,))


class Regions:
    """The compiled blocks of one network.

    Args:
        module: whose blocks they are; it is only changed inside `in_place`.
    """

    def __init__(self, module: nn.Module, backend: str) -> None:
        self._module, self._backend = module, backend

    @cached_property
    def _functions(self) -> list[tuple[nn.Module, Callable[..., Any]]]:
        if self._backend == "cudagraphs":
            found = [self._module]
        else:
            found = [one for one in self._module.modules() if type(one).__name__ in REGIONS]
        return [(one, torch.compile(one.forward, backend=self._backend, dynamic=False)) for one in found]

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the compiled functions stand for the blocks within the body.

        Raises:
            SamplingError: if compiling fails.
        """
        from torch._dynamo.exc import BackendCompilerFailed

        if self._backend == "cudagraphs":
            torch.compiler.cudagraph_mark_step_begin()
        functions = self._functions
        try:
            for region, function in functions:
                region.forward = function  # type: ignore[method-assign]
            with torch._dynamo.config.patch(recompile_limit=MOST_VERSIONS):
                yield
        except BackendCompilerFailed as error:
            raise SamplingError(
                f"Compiling the network with '{self._backend}' failed: {str(error).splitlines()[0]} "
                "Remove the node that compiles the model; everything else works without it."
            ) from error
        finally:
            for region, _ in functions:
                region.__dict__.pop("forward", None)


def _require(backend: str, device: torch.device) -> None:
    if backend not in BACKENDS:
        raise SamplingError(f"There is no compiler backend '{backend}'. Known: {', '.join(BACKENDS)}.")
    if backend == "cudagraphs" and device.type != "cuda":
        raise SamplingError(
            f"The backend 'cudagraphs' needs an NVIDIA device; this model computes on '{device.type}'. "
            "Choose 'inductor'."
        )
    if backend == "inductor" and device.type == "cpu":
        from torch._inductor.cpp_builder import get_cpp_compiler
        from torch._inductor.exc import InvalidCxxCompiler

        try:
            get_cpp_compiler()
        except (InvalidCxxCompiler, RuntimeError) as error:
            raise SamplingError(
                "Compiling for the CPU needs a C++ compiler, and none was found. Install g++ or clang "
                "(Debian and Ubuntu: apt install g++), or remove the node that compiles the model."
            ) from error


__all__ = ["BACKENDS", "Regions", "compiled"]
