"""Style models on random weights."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from diffusion.errors import ModelFileError, UnknownModel
from diffusion.families.flux import sized_mask
from diffusion.vision.encoder import PictureEncoding
from diffusion.vision.style import load_style_model, with_style


def encoded(width: int, batch: int = 1) -> PictureEncoding:
    state = torch.randn(batch, 5, width, generator=torch.Generator().manual_seed(1))
    return PictureEncoding(state, state[:, 0], state)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape))) * 0.3


def test_redux_widens_the_tokens_of_siglip_as_diffusers_does(tmp_path: Path) -> None:
    from diffusers.pipelines.flux.modeling_flux import ReduxImageEncoder

    theirs = ReduxImageEncoder(redux_dim=24, txt_in_features=16)
    save_file(dict(theirs.state_dict()), tmp_path / "redux.safetensors")
    picture = encoded(24, batch=2)

    tokens = load_style_model(tmp_path / "redux.safetensors", device="cpu").tokens(picture)

    with torch.inference_mode():
        expected = theirs(picture.last_hidden_state).image_embeds
    assert tokens.shape == (1, 10, 16)
    torch.testing.assert_close(tokens[0], expected.flatten(0, 1))


def test_a_style_adapter_reads_tokens_through_its_own(tmp_path: Path) -> None:
    width = 16
    tensors = {"style_embedding": noise(1, 8, width), "proj": noise(width, 12)}
    for norm in ("ln_pre", "ln_post"):
        tensors |= {f"{norm}.weight": torch.ones(width), f"{norm}.bias": torch.zeros(width)}
    for i in range(3):
        block = f"transformer_layes.{i}"
        tensors |= {
            f"{block}.attn.in_proj_weight": noise(3 * width, width), f"{block}.attn.in_proj_bias": noise(3 * width),
            f"{block}.attn.out_proj.weight": noise(width, width), f"{block}.attn.out_proj.bias": noise(width),
            f"{block}.mlp.c_fc.weight": noise(4 * width, width), f"{block}.mlp.c_fc.bias": noise(4 * width),
            f"{block}.mlp.c_proj.weight": noise(width, 4 * width), f"{block}.mlp.c_proj.bias": noise(width),
        }  # fmt: skip
        for norm in ("ln_1", "ln_2"):
            tensors |= {f"{block}.{norm}.weight": torch.ones(width), f"{block}.{norm}.bias": torch.zeros(width)}
    save_file(tensors, tmp_path / "style.safetensors")
    model = load_style_model(tmp_path / "style.safetensors", device="cpu")

    tokens = model.tokens(encoded(width))

    assert tokens.shape == (1, 8, 12) and not torch.allclose(tokens[:, 0], tokens[:, 1])
    with pytest.raises(ModelFileError, match=r"reads tokens of width 16; the encoded picture has 20"):
        model.tokens(encoded(20))


def test_another_file_is_no_style_model(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")

    with pytest.raises(UnknownModel, match=r"other.safetensors' is no style model"):
        load_style_model(tmp_path / "other.safetensors", device="cpu")


TEXT: list[list[Any]] = [[torch.zeros(1, 3, 4), {}]]
TOKENS = torch.ones(1, 2, 4)


def test_tokens_follow_the_text_multiplied_by_their_strength() -> None:
    ((text, options),) = with_style(TEXT, TOKENS, 0.5, bias=False)

    assert torch.equal(text[0, :, 0], torch.tensor([0, 0, 0, 0.5, 0.5])) and options == {}
    assert torch.equal(TOKENS, torch.ones(1, 2, 4))


def test_a_bias_makes_all_others_look_at_them_less() -> None:
    ((text, options),) = with_style(TEXT, TOKENS, 0.5, bias=True)

    mask = options["attention_mask"].float()
    log = math.log(0.5)
    row, own = [0, 0, 0, log, log, 0], [0.0] * 6
    torch.testing.assert_close(mask[0], torch.tensor([row, row, row, own, own, row]), rtol=1e-3, atol=1e-3)
    assert torch.equal(text[0, :, 0], torch.tensor([0.0, 0, 0, 1, 1]))


def test_a_second_style_keeps_the_bias_of_the_first() -> None:
    first = with_style(TEXT, TOKENS, 0.5, bias=True)
    ((text, options),) = with_style(first, TOKENS, 1.0, bias=False)

    mask = options["attention_mask"].float()
    assert text.shape[1] == 7 and mask.shape == (1, 8, 8)
    row = [0, 0, 0, math.log(0.5), math.log(0.5), 0, 0, 0]
    torch.testing.assert_close(mask[0, 0], torch.tensor(row), rtol=1e-3, atol=1e-3)


def test_a_mask_is_stretched_to_the_places_of_a_picture_and_keeps_what_is_forbidden() -> None:
    ((_, options),) = with_style(TEXT, TOKENS, 0.0, bias=True)

    mask = sized_mask(options["attention_mask"], (1, 1), (2, 3))

    assert mask.shape == (1, 11, 11) and not mask.isnan().any()
    assert (mask[0, 5:, 3:5] == -torch.inf).all() and (mask[0, 5:, 5:] == 0).all() and (mask[0, 3:5] == 0).all()


def test_a_mask_of_places_is_interpolated() -> None:
    mask = torch.zeros(1, 5, 5)
    mask[0, 0, 1:] = torch.tensor([0.0, 1.0, 0.0, 1.0])

    found = sized_mask(mask, (2, 2), (2, 4))

    torch.testing.assert_close(found[0, 0, 1:5], torch.tensor([0.0, 0.25, 0.75, 1.0]))
    assert (found[0, 1:] == 0).all()
