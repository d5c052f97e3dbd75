"""GLIGEN on a tiny model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from diffusion.errors import MissingWeights, SamplingError, UnknownModel
from diffusion.grounding import Gligen, load_gligen, phrase_vector
from diffusion.loading import Checkpoint
from diffusion.patching.record import Site, Step
from diffusion.sampling import prepare_noise, sample

# The tiny model's transformers in order: where they lie in the original layout, and how wide they are.
PLACES = [("input_blocks.1.1", 32), ("input_blocks.3.1", 64), ("middle_block.1", 64), ("output_blocks.0.1", 64),
          ("output_blocks.1.1", 64), ("output_blocks.2.1", 32), ("output_blocks.3.1", 32)]  # fmt: skip
KEY = 32


def tensors() -> dict[str, Tensor]:
    """A random GLIGEN model for the tiny one, in the published layout."""
    made = torch.Generator().manual_seed(3)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=made) * 0.2

    result = {
        "position_net.null_positive_feature": noise(KEY), "position_net.null_position_feature": noise(64),
        "position_net.linears.0.weight": noise(512, KEY + 64), "position_net.linears.0.bias": noise(512),
        "position_net.linears.2.weight": noise(512, 512), "position_net.linears.2.bias": noise(512),
        "position_net.linears.4.weight": noise(KEY, 512), "position_net.linears.4.bias": noise(KEY),
    }  # fmt: skip
    for place, width in PLACES:
        fuser = f"{place}.transformer_blocks.0.fuser"
        shapes = {
            "linear.weight": (width, KEY), "linear.bias": (width,), "attn.to_q.weight": (width, width),
            "attn.to_k.weight": (width, width), "attn.to_v.weight": (width, width),
            "attn.to_out.0.weight": (width, width), "attn.to_out.0.bias": (width,),
            "ff.net.0.proj.weight": (8 * width, width), "ff.net.0.proj.bias": (8 * width,),
            "ff.net.2.weight": (width, 4 * width), "ff.net.2.bias": (width,),
            "norm1.weight": (width,), "norm1.bias": (width,), "norm2.weight": (width,), "norm2.bias": (width,),
        }  # fmt: skip
        result |= {f"{fuser}.{name}": noise(*shape) for name, shape in shapes.items()}
        result |= {f"{fuser}.alpha_attn": torch.tensor(1.0), f"{fuser}.alpha_dense": torch.tensor(-0.5)}
    return result


@pytest.fixture(scope="module")
def gligen(tmp_path_factory: pytest.TempPathFactory) -> Gligen:
    path: Path = tmp_path_factory.mktemp("gligen") / "gligen.safetensors"
    save_file(tensors(), path)
    return load_gligen(path, device="cpu")


def painted(tiny: Checkpoint, options: dict[str, Any], negative: dict[str, Any] | None = None) -> Tensor:
    assert tiny.clip is not None
    latent, text = torch.zeros(1, 4, 8, 8), tiny.clip.encode("red")[0][0]
    return sample(
        tiny.model, noise=prepare_noise(latent, 1), latent=latent, positive=[[text, options]],
        negative=[[text, negative or {}]], guidance_scale=3.0, sampler="euler", schedule="normal", steps=1, seed=1,
    )  # fmt: skip


def boxed(gligen: Gligen, *boxes: Any) -> dict[str, Any]:
    return {"gligen": ("position", gligen, list(boxes))}


PHRASE = torch.randn(1, KEY, generator=torch.Generator().manual_seed(8))


def test_boxes_change_the_picture_by_place_and_phrase(tiny: Checkpoint, gligen: Gligen) -> None:
    left, right = (painted(tiny, boxed(gligen, (PHRASE, 4, 4, 0, x))) for x in (0, 4))
    other = painted(tiny, boxed(gligen, (-PHRASE, 4, 4, 0, 0)))

    assert not torch.allclose(left, right, atol=1e-4) and not torch.allclose(left, other, atol=1e-4)
    assert not torch.allclose(left, painted(tiny, {}), atol=1e-4)


def test_the_negative_side_sees_the_boxes_too(tiny: Checkpoint, gligen: Gligen) -> None:
    options = boxed(gligen, (PHRASE, 4, 4, 0, 0))

    assert torch.allclose(painted(tiny, options), painted(tiny, options, options))


def test_a_box_is_sines_and_cosines_of_its_corners_beside_its_phrase(gligen: Gligen) -> None:
    weights = tensors()
    step = Step(torch.tensor(1.0), torch.tensor([1.0, 0.0]), (0,), (1, 4, 8, 16))
    tokens = torch.randn(1, 6, 32, generator=torch.Generator().manual_seed(2))

    found = gligen.prepared([(PHRASE, 4, 8, 2, 4)])(tokens, Site(step, "input", 1))

    corners = torch.tensor([4 / 16, 2 / 8, 12 / 16, 6 / 8])
    waves = torch.cat([f(100 ** (i / 8) * corners) for i in range(8) for f in (torch.sin, torch.cos)])
    rows = [torch.cat([PHRASE[0], waves])]
    rows += [
        torch.cat([weights["position_net.null_positive_feature"], weights["position_net.null_position_feature"]])
    ] * 29
    h = torch.stack(rows)
    for i in (0, 2, 4):
        h = torch.nn.functional.silu(h) if i else h
        h = h @ weights[f"position_net.linears.{i}.weight"].T + weights[f"position_net.linears.{i}.bias"]
    torch.testing.assert_close(found[0], _fused(weights, "input_blocks.1.1.transformer_blocks.0.fuser", tokens[0], h))


def _fused(weights: dict[str, Tensor], fuser: str, x: Tensor, objects: Tensor) -> Tensor:
    """The layer as the paper states it; one head."""
    own = {name.removeprefix(f"{fuser}."): tensor for name, tensor in weights.items() if name.startswith(fuser)}
    norm = torch.nn.functional.layer_norm
    objects = objects @ own["linear.weight"].T + own["linear.bias"]
    both = norm(torch.cat([x, objects]), (32,), own["norm1.weight"], own["norm1.bias"])
    q, k, v = (both @ own[f"attn.to_{part}.weight"].T for part in "qkv")
    seen = (q @ k.T / math.sqrt(32)).softmax(-1) @ v
    seen = seen @ own["attn.to_out.0.weight"].T + own["attn.to_out.0.bias"]
    x = x + math.tanh(1.0) * seen[: x.shape[0]]
    h = norm(x, (32,), own["norm2.weight"], own["norm2.bias"])
    h, gate = (h @ own["ff.net.0.proj.weight"].T + own["ff.net.0.proj.bias"]).chunk(2, dim=-1)
    h = (h * torch.nn.functional.gelu(gate)) @ own["ff.net.2.weight"].T + own["ff.net.2.bias"]
    return x + math.tanh(-0.5) * h


def test_phrases_are_read_without_the_projection(tiny: Checkpoint) -> None:
    from dataclasses import replace

    assert tiny.clip is not None
    tower = replace(tiny.clip.towers[0], projection=torch.zeros(32, 32))
    clip = replace(tiny.clip, towers=(tower,))

    found, expected = phrase_vector(clip, "red"), tiny.clip.encode("red")[0][1]["pooled_output"]
    assert found is not None and torch.equal(found, expected)


def test_what_does_not_fit_is_said(tiny: Checkpoint, gligen: Gligen, tmp_path: Path) -> None:
    with pytest.raises(SamplingError, match="reads phrases of width 32, not 7"):
        gligen.prepared([(torch.zeros(1, 7), 4, 4, 0, 0)])
    with pytest.raises(SamplingError, match="at most 30 texts; 31"):
        gligen.prepared([(PHRASE, 4, 4, 0, 0)] * 31)
    with pytest.raises(SamplingError, match="'batched' is not known"):
        painted(tiny, {"gligen": ("batched", gligen, [])})
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(UnknownModel, match=r"other.safetensors' is no GLIGEN model"):
        load_gligen(tmp_path / "other.safetensors", device="cpu")
    cut = tensors()
    cut.pop("middle_block.1.transformer_blocks.0.fuser.norm2.bias")
    save_file(cut, tmp_path / "cut.safetensors")
    with pytest.raises(MissingWeights, match="lacks 1 of"):
        load_gligen(tmp_path / "cut.safetensors", device="cpu")
