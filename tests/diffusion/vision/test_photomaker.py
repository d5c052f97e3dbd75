"""PhotoMaker on random weights, beside its published formulas."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from diffusion.errors import MissingWeights, ModelFileError, SamplingError, UnknownModel
from diffusion.loading import Checkpoint
from diffusion.text.chunks import Token
from diffusion.vision.photomaker import load_photomaker

TEXT = 32  # width of the tiny text encoder


def photomaker_tensors(text: int = TEXT) -> dict[str, Tensor]:
    """A tiny PhotoMaker under its published names."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 16}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        vision = CLIPVisionModelWithProjection(
            CLIPVisionConfig(**sizes, image_size=28, patch_size=14, projection_dim=12)
        )
        tensors = {name: tensor.clone() for name, tensor in vision.state_dict().items()}
        tensors["visual_projection_2.weight"] = torch.randn(text - 12, 32) * 0.2
        for layer, inputs in (("mlp1", 2 * text), ("mlp2", text)):
            own = f"fuse_module.{layer}"
            tensors |= {
                f"{own}.layernorm.weight": 1 + 0.1 * torch.randn(inputs), f"{own}.layernorm.bias": torch.randn(inputs),
                f"{own}.fc1.weight": torch.randn(text, inputs) * 0.2, f"{own}.fc1.bias": torch.randn(text),
                f"{own}.fc2.weight": torch.randn(text, text) * 0.2, f"{own}.fc2.bias": torch.randn(text),
            }  # fmt: skip
        tensors |= {"fuse_module.layer_norm.weight": torch.randn(text), "fuse_module.layer_norm.bias": torch.ones(text)}
    return tensors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_file(photomaker_tensors(), tmp_path / "photomaker.safetensors")
    return tmp_path / "photomaker.safetensors"


def merged(tensors: dict[str, Tensor], token: Tensor, person: Tensor) -> Tensor:
    """The published formulas, written out."""

    def layers(name: str, x: Tensor) -> Tensor:
        own = {key.rpartition("fuse_module." + name + ".")[2]: value for key, value in tensors.items() if name in key}
        x = F.layer_norm(x, x.shape[-1:], own["layernorm.weight"], own["layernorm.bias"])
        return F.linear(F.gelu(F.linear(x, own["fc1.weight"], own["fc1.bias"])), own["fc2.weight"], own["fc2.bias"])

    x = layers("mlp1", torch.cat([token, person], dim=-1)) + token
    x = layers("mlp2", x) + x
    return F.layer_norm(
        x, x.shape[-1:], tensors["fuse_module.layer_norm.weight"], tensors["fuse_module.layer_norm.bias"]
    )


def photographs(count: int = 1) -> Tensor:
    return torch.rand(count, 40, 30, 3, generator=torch.Generator().manual_seed(2))


def test_the_token_before_the_trigger_becomes_the_person(path: Path, tiny: Checkpoint) -> None:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    from diffusion.vision.encoder import CLIP_COLOURS, prepared_pixels

    assert tiny.clip is not None
    ((plain, said),) = tiny.clip.encode("a b photomaker")
    ((changed, options),) = load_photomaker(path, device="cpu").encode(tiny.clip, "a b photomaker", photographs())

    tensors = photomaker_tensors()
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 16}
    vision = CLIPVisionModelWithProjection(CLIPVisionConfig(**sizes, image_size=28, patch_size=14, projection_dim=12))
    vision.load_state_dict(tensors, strict=False)
    with torch.inference_mode():
        pixels = prepared_pixels(photographs(), 28, CLIP_COLOURS, crop=True)
        seen = vision.vision_model(pixels).pooler_output
        projections = torch.cat([tensors["visual_projection.weight"], tensors["visual_projection_2.weight"]])
        expected = merged(tensors, plain[:, 2], seen @ projections.T)
    torch.testing.assert_close(changed[:, 2], expected, atol=2e-3, rtol=2e-3)  # its encoder keeps float16 weights
    others = [place for place in range(77) if place != 2]
    assert torch.equal(changed[:, others], plain[:, others])
    assert torch.equal(options["pooled_output"], said["pooled_output"])


def test_only_the_first_photograph_is_read(path: Path, tiny: Checkpoint) -> None:
    assert tiny.clip is not None
    photomaker, pictures = load_photomaker(path, device="cpu"), photographs(3)

    both, first = (photomaker.encode(tiny.clip, "a photomaker", part)[0][0] for part in (pictures, pictures[:1]))

    assert torch.equal(both, first)


def test_without_the_trigger_the_prompt_is_read_as_usual(path: Path, tiny: Checkpoint) -> None:
    assert tiny.clip is not None

    ((changed, _),) = load_photomaker(path, device="cpu").encode(tiny.clip, "a photomakers", photographs())

    assert torch.equal(changed, tiny.clip.encode("a photomakers")[0][0])


def test_the_stretch_of_text_with_the_triggers_number_is_left_out(path: Path, tiny: Checkpoint) -> None:
    assert tiny.clip is not None
    ((changed, _),) = load_photomaker(path, device="cpu").encode(tiny.clip, "(x:1.2) photomaker(y:1.3)", photographs())
    assert torch.equal(changed, tiny.clip.encode("(x:1.2) photomaker(y:1.3)")[0][0]), "no word is the trigger alone"

    ((changed, _),) = load_photomaker(path, device="cpu").encode(tiny.clip, "(x:1.2) photomaker (y:1.3)", photographs())

    tokens = tiny.clip.tokenize("(x:1.2) photomaker (y:1.3)")
    ((chunk,),) = tokens.values()
    kept: list[Token] = [token for token in chunk if token.word != 2]
    ((expected, _),) = tiny.clip.conditioning({"l": [kept + [chunk[-1]] * (77 - len(kept))]})
    assert len(kept) < 77
    assert torch.equal(changed[:, 2:], expected[:, 2:]) and not torch.equal(changed[:, 1], expected[:, 1])


def test_text_of_another_width_is_refused(tmp_path: Path, tiny: Checkpoint) -> None:
    assert tiny.clip is not None
    save_file(photomaker_tensors(text=24), tmp_path / "wide.safetensors")

    with pytest.raises(SamplingError, match=r"reads text of width 24; the text encoder gives 32. Use the text enc"):
        load_photomaker(tmp_path / "wide.safetensors", device="cpu").encode(tiny.clip, "a photomaker", photographs())


@pytest.mark.parametrize("prefix", ["", "id_encoder."])
def test_files_with_and_without_the_encoders_prefix_are_read(tmp_path: Path, prefix: str) -> None:
    tensors = {prefix + name: tensor for name, tensor in photomaker_tensors().items()}
    if prefix:
        tensors["lora_weights.unet.some.down.weight"] = torch.zeros(1)
    save_file(tensors, tmp_path / "p.safetensors")

    assert load_photomaker(tmp_path / "p.safetensors", device="cpu").encoder.size == 28


def test_the_published_pickle_is_read_where_pickles_are_permitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diffusion.pickled.is_permitted", lambda: True)
    torch.save({"id_encoder": photomaker_tensors(), "lora_weights": {"a": torch.zeros(1)}}, tmp_path / "p.bin")

    assert load_photomaker(tmp_path / "p.bin", device="cpu").encoder.size == 28


def test_files_of_other_kinds_are_refused_by_name(tmp_path: Path) -> None:
    broken = photomaker_tensors()
    del broken["fuse_module.mlp2.fc2.bias"]
    cases: list[tuple[str, dict[str, Tensor], type[Exception], str]] = [
        ("other", {"a.b.c": torch.zeros(1)}, UnknownModel, r"other.safetensors' is no PhotoMaker.*tensors are a.b"),
        ("v2", {"qformer_perceiver.latents": torch.zeros(1)}, ModelFileError, r"version 2.*face recogniser"),
        ("part", broken, MissingWeights, r"part.safetensors' lacks 1 of .* mlp2.fc2"),
    ]
    for name, tensors, kind, message in cases:
        save_file(tensors, tmp_path / f"{name}.safetensors")
        with pytest.raises(kind, match=message):
            load_photomaker(tmp_path / f"{name}.safetensors", device="cpu")
