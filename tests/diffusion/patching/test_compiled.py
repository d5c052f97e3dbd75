"""Compiled blocks take the place of a network's own for one call, and say clearly when they cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from diffusion.errors import SamplingError
from diffusion.loading import load_checkpoint
from diffusion.model import Model
from diffusion.patching.compiled import Regions, compiled
from diffusion.patching.kernels import with_attention_kernel
from diffusion.sampling import prepare_noise, sample
from diffusion.testing import tiny_checkpoint


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path: Path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    return load_checkpoint(tiny_checkpoint(path)).model


def run(model: Model) -> torch.Tensor:
    latent, text = torch.zeros(1, 4, 8, 8), [[torch.ones(1, 5, 32), {}]]
    return sample(
        model, noise=prepare_noise(latent, 1), latent=latent, positive=text, negative=text, guidance_scale=1.0,
        sampler="euler", schedule="normal", steps=2, seed=1,
    )  # fmt: skip


def test_compiled_functions_stand_for_the_blocks_only_inside_the_body(model: Model) -> None:
    module = model.network.prepare()
    regions = [one for one in module.modules() if type(one).__name__ in ("BasicTransformerBlock", "ResnetBlock2D")]
    with Regions(module, "eager").in_place():
        assert all("forward" in one.__dict__ for one in regions) and len(regions) > 6
    assert not any("forward" in one.__dict__ for one in module.modules())


def test_the_compiler_writes_kernels_that_compute_the_same() -> None:
    from diffusers.models.attention import BasicTransformerBlock

    torch.manual_seed(0)
    network = torch.nn.Sequential(BasicTransformerBlock(16, 2, 8)).eval()
    x = torch.randn(1, 4, 16)
    with torch.inference_mode():
        plain = network(x)
        with Regions(network, "inductor").in_place():
            torch.testing.assert_close(network(x), plain)


def test_a_backend_that_cannot_work_is_refused_when_the_node_runs(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SamplingError, match="needs an NVIDIA device; this model computes on 'cpu'"):
        compiled(model, "cudagraphs")
    with pytest.raises(SamplingError, match=r"no compiler backend 'fast'. Known: inductor, cudagraphs"):
        compiled(model, "fast")

    def none_found() -> str:
        raise RuntimeError("No working C++ compiler found")

    monkeypatch.setattr("torch._inductor.cpp_builder.get_cpp_compiler", none_found)
    with pytest.raises(SamplingError, match=r"needs a C\+\+ compiler, and none was found\. Install g\+\+"):
        compiled(model, "inductor")


def test_kernels_of_attention_agree_and_impossible_ones_say_so(model: Model) -> None:
    plain = run(model)
    for kernel in ("math", "flash"):
        torch.testing.assert_close(run(with_attention_kernel(model, kernel)), plain, atol=1e-3, rtol=1e-3)
    with pytest.raises(SamplingError, match="attention kernel 'cudnn' cannot be used on 'cpu' with float32"):
        run(with_attention_kernel(model, "cudnn"))
    with pytest.raises(SamplingError, match="no attention kernel 'quick'"):
        with_attention_kernel(model, "quick")
