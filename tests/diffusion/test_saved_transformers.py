"""Whole checkpoints of Flux and Stable Diffusion 3 written in the layout that is published."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save_file
from torch import Tensor

from diffusion.assembly.unets import _prediction, _unet_family
from diffusion.errors import ModelFileError
from diffusion.families.flux import join_flux
from diffusion.families.sd3 import join_sd3
from diffusion.families.sdxl import SdxlFamily
from diffusion.families.unclip import UnclipFamily
from diffusion.latents import SDXL
from diffusion.loading import Checkpoint, load_checkpoint, load_text_encoders
from diffusion.sampling.model_levels import PLAYGROUND, continuous_levels
from diffusion.sampling.prediction import Kind, LogPrediction, discrete, stable_diffusion_sigmas, zero_terminal_snr
from diffusion.saving import checkpoint_tensors, encoded
from diffusion.tensor_file import TensorsInMemory
from diffusion.text.encoder import TextEncoder
from diffusion.vision.unclip import NoiseAugmentation
from tests.diffusion.assembly.test_unets import ARGUMENTS
from tests.diffusion.test_transformers import loaded


def text_files(tmp_path: Path) -> list[Path]:
    """CLIP L and T5 with few layers and words."""
    from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

    clip = CLIPTextModel(CLIPTextConfig(
        vocab_size=9, hidden_size=768, intermediate_size=8, num_hidden_layers=1, num_attention_heads=12,
        bos_token_id=0, eos_token_id=1, pad_token_id=1,
    ))  # fmt: skip
    t5 = T5EncoderModel(T5Config(
        vocab_size=9, d_model=64, d_kv=64, d_ff=16, num_layers=1, num_heads=1, feed_forward_proj="gated-gelu"
    ))  # fmt: skip
    paths = [tmp_path / "l.safetensors", tmp_path / "t5.safetensors"]
    own = {f"text_model.{name.removeprefix('text_model.')}": t for name, t in clip.state_dict().items()}
    for path, tensors in zip(paths, (own, dict(t5.state_dict())), strict=True):
        save_file({name: tensor.half().clone() for name, tensor in tensors.items()}, path)
    return paths


def weights(clip: TextEncoder) -> dict[str, Tensor]:
    return {f"{t.name}.{n}": t.network.weights[n] for t in clip.towers for n in t.network.parameter_names()}


@pytest.mark.parametrize(("kind", "joining"), [("flux", join_flux), ("sd3", join_sd3)])
def test_a_whole_checkpoint_is_read_again(tmp_path: Path, kind: str, joining: object) -> None:
    clip = load_text_encoders(text_files(tmp_path), kind, device="cpu")
    model = loaded(kind, tmp_path)
    written = encoded(checkpoint_tensors(model, clip, None), {})
    (tmp_path / "whole.safetensors").write_bytes(written)

    again = load_checkpoint(tmp_path / "whole.safetensors", device="cpu")

    assert "text_encoders.clip_l.transformer.text_model.encoder.layers.0.self_attn.q_proj.weight" in load(written)
    assert "text_encoders.t5xxl.transformer.encoder.block.0.layer.0.SelfAttention.q.weight" in load(written)
    assert again.model.family.name == kind and again.clip is not None and again.clip.joining is joining
    assert [tower.rules.shortest for tower in again.clip.towers if tower.name == "t5xxl"] == [
        256 if kind == "flux" else 77
    ]
    before, after = weights(clip), weights(again.clip)
    assert before.keys() == after.keys() and all(torch.equal(after[name], one) for name, one in before.items())


def test_flux_with_half_its_text_encoders_says_how_to_load_it(tmp_path: Path) -> None:
    clip = load_text_encoders(text_files(tmp_path), "flux", device="cpu")
    tensors = checkpoint_tensors(loaded("flux", tmp_path), clip, None)
    cut = {name: tensor.contiguous() for name, tensor in tensors.items() if ".clip_l." not in name}
    save_file(cut, tmp_path / "half.safetensors")

    with pytest.raises(ModelFileError, match="has the text encoders t5xxl; Flux reads l and t5xxl"):
        load_checkpoint(tmp_path / "half.safetensors", device="cpu")


def test_an_xl_network_that_predicts_v_is_marked(tiny: Checkpoint) -> None:
    model = replace(tiny.model, family=replace(tiny.model.family, name="sdxl"))  # type: ignore[type-var]
    sigmas = stable_diffusion_sigmas()

    def marks(prediction: object) -> set[str]:
        written = checkpoint_tensors(replace(model, prediction=prediction), None, None)  # type: ignore[arg-type]
        return {name for name in written if not name.startswith("model.diffusion_model.")}

    assert marks(discrete(Kind.EPSILON, sigmas)) == set()
    assert marks(discrete(Kind.V, sigmas)) == {"v_pred"}
    assert marks(discrete(Kind.V, zero_terminal_snr(sigmas))) == {"v_pred", "ztsnr"}
    assert marks(continuous_levels("v_prediction", 0.002, 120.0)) == {"edm_vpred.sigma_max", "edm_vpred.sigma_min"}


def test_marks_that_were_written_are_understood_again(tiny: Checkpoint) -> None:
    levels = continuous_levels("v_prediction", 0.01, 120.0)
    xl = SdxlFamily("sdxl", SDXL, 4, 2048, 1280, refiner=False)
    kinds = [
        replace(tiny.model, family=xl, prediction=levels),
        replace(tiny.model, family=replace(xl, latent_format=PLAYGROUND)),
    ]
    for model in kinds:
        file = TensorsInMemory(checkpoint_tensors(model, None, None), "written")
        family = _unet_family(ARGUMENTS, file, {})
        found = _prediction(file, "", family, {})

        assert family.latent_format == model.latent_format
        if model.latent_format is SDXL:
            assert isinstance(found, LogPrediction) and found.kind is Kind.V
            torch.testing.assert_close(found.sigmas, levels.sigmas)


def test_what_is_known_of_embeddings_goes_with_an_unclip_model(tiny: Checkpoint) -> None:
    told = NoiseAugmentation(torch.full((1, 768), 3.0), torch.full((1, 768), 2.0))
    unet = tiny.model.family
    model = replace(tiny.model, family=UnclipFamily(unet, told))  # type: ignore[arg-type]
    file = TensorsInMemory(checkpoint_tensors(model, None, None), "written")

    again = _unet_family({**ARGUMENTS, "cross_attention_dim": 1024, "projection_class_embeddings_input_dim": 1536},
                         file, {})  # fmt: skip

    assert isinstance(again, UnclipFamily) and torch.equal(again.augmentation.mean, told.mean)
    assert torch.equal(again.augmentation.deviation, told.deviation)
