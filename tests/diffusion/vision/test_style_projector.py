"""USO's style projector on random weights, beside its published formulas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from diffusion.errors import MissingWeights, SamplingError, UnknownModel
from diffusion.loading import Checkpoint
from diffusion.model import Model
from diffusion.sampling import prepare_noise, sample
from diffusion.vision.encoder import PictureEncoding
from diffusion.vision.style_projector import load_style_projector
from tests.diffusion.test_transformers import flux_module, loaded

TOKENS, WIDTH, KEPT, INNER = 9, 16, 4, 128


def projector_tensors(inner: int = INNER) -> dict[str, Tensor]:
    made = torch.Generator().manual_seed(8)
    sizes = {"embedding_linear.0": (KEPT, TOKENS), "projection": (inner, WIDTH)}
    result = {}
    for depth in ("high", "mid", "low"):
        own = f"feature_embedder.{depth}_"
        for layer, (rows, columns) in sizes.items():
            result[f"{own}{layer}.weight"] = torch.randn(rows, columns, generator=made)
            result[f"{own}{layer}.bias"] = torch.randn(rows, generator=made)
        result[f"{own}layer_norm.weight"] = torch.randn(WIDTH, generator=made)
        result[f"{own}layer_norm.bias"] = torch.randn(WIDTH, generator=made)
    return result


def encoded(seed: int = 1, *, deep: bool = True, width: int = WIDTH) -> PictureEncoding:
    made = torch.Generator().manual_seed(seed)
    last, before = (torch.randn(1, TOKENS, width, generator=made) for _ in range(2))
    return PictureEncoding(last, last, before, torch.randn(1, 2, TOKENS, width, generator=made) if deep else None)


def expected_tokens(tensors: dict[str, Tensor], picture: PictureEncoding) -> Tensor:
    assert picture.deeper_hidden_states is not None
    low, mid = picture.deeper_hidden_states.unbind(1)
    parts = []
    for depth, state in (("high", picture.penultimate_hidden_states), ("mid", mid), ("low", low)):
        own = {name.removeprefix(f"feature_embedder.{depth}_"): one for name, one in tensors.items() if depth in name}
        x = F.silu(F.linear(state.mT, own["embedding_linear.0.weight"], own["embedding_linear.0.bias"])).mT
        x = F.layer_norm(x, (WIDTH,), own["layer_norm.weight"], own["layer_norm.bias"])
        parts.append(F.linear(x, own["projection.weight"], own["projection.bias"]))
    return torch.cat(parts, dim=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_file(projector_tensors(), tmp_path / "uso.safetensors")
    return tmp_path / "uso.safetensors"


def painted(model: Model, **options: Any) -> Tensor:
    latent = torch.zeros(2, 16, 4, 6)
    text = [[torch.zeros(1, 9, 48), {"pooled_output": None, **options}]]
    return sample(
        model, noise=prepare_noise(latent, 1), latent=latent, positive=text, negative=text, guidance_scale=1.0,
        sampler="euler", schedule="simple", steps=1, seed=1,
    )  # fmt: skip


def test_a_style_is_made_of_three_depths(path: Path) -> None:
    tokens = load_style_projector(path, device="cpu").tokens(encoded())

    assert tokens.shape == (1, 3 * KEPT, INNER)
    torch.testing.assert_close(tokens, expected_tokens(projector_tensors(), encoded()))


def test_flux_reads_the_style_before_its_text(path: Path, tmp_path: Path) -> None:
    from diffusion.families.flux import patches
    from diffusion.latents import FLUX

    class WithStyle(nn.Module):
        def __init__(self, first: nn.Module, style: Tensor) -> None:
            super().__init__()
            self.first, self.style = first, style

        def forward(self, text: Tensor) -> Tensor:
            return torch.cat([self.style, self.first(text)], dim=1)

    plain, projector = loaded("flux", tmp_path), load_style_projector(path, device="cpu")

    found = painted(projector.applied(projector.applied(plain, encoded(1)), encoded(2)))

    theirs = flux_module().eval()
    style = torch.cat([expected_tokens(projector_tensors(), encoded(seed)) for seed in (2, 1)], dim=1)
    theirs.context_embedder = WithStyle(theirs.context_embedder, style.expand(2, -1, -1))
    noise, positions = patches(prepare_noise(torch.zeros(2, 16, 4, 6), 1))
    with torch.inference_mode():
        (velocity,) = theirs(
            hidden_states=noise, encoder_hidden_states=torch.zeros(2, 9, 48), pooled_projections=torch.zeros(2, 768),
            timestep=torch.ones(2), img_ids=positions, txt_ids=torch.zeros(9 + style.shape[1], 3),
            guidance=torch.full((2,), 3.5), return_dict=False,
        )  # fmt: skip
    torch.testing.assert_close(patches(FLUX.to_network(found))[0], noise - velocity, atol=1e-4, rtol=1e-4)
    module = plain.network.prepare()
    assert "forward" not in module.context_embedder.__dict__, "the network is as it was"


def test_a_mask_of_attention_leaves_the_style_to_be_seen(path: Path, tmp_path: Path) -> None:
    model = load_style_projector(path, device="cpu").applied(loaded("flux", tmp_path), encoded())
    mask = torch.zeros(1, 9 + 6, 9 + 6)

    even = painted(model, attention_mask=mask, attention_mask_img_shape=(2, 3))

    torch.testing.assert_close(even, painted(model), atol=1e-5, rtol=1e-5)


def test_what_does_not_fit_is_said(path: Path, tmp_path: Path, tiny: Checkpoint) -> None:
    projector, flux = load_style_projector(path, device="cpu"), loaded("flux", tmp_path)
    for picture in (encoded(deep=False), encoded(width=20)):
        with pytest.raises(SamplingError, match=r"reads 9 tokens of width 16 .*Encode it with the SigLIP"):
            projector.applied(flux, picture)
    with pytest.raises(SamplingError, match=r"is made for Flux of width 128; this model is a UNet2DConditionModel"):
        projector.applied(tiny.model, encoded())
    save_file(projector_tensors(inner=64), tmp_path / "narrow.safetensors")
    with pytest.raises(SamplingError, match=r"is made for Flux of width 64"):
        load_style_projector(tmp_path / "narrow.safetensors", device="cpu").applied(flux, encoded())
    save_file({"controlnet_blocks.0.y_rms.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(UnknownModel, match=r"other.safetensors' is no model patch that is known"):
        load_style_projector(tmp_path / "other.safetensors", device="cpu")
    cut = {name: one for name, one in projector_tensors().items() if "low_projection.bias" not in name}
    save_file(cut, tmp_path / "cut.safetensors")
    with pytest.raises(MissingWeights, match=r"cut.safetensors' lacks 1 of"):
        load_style_projector(tmp_path / "cut.safetensors", device="cpu")
