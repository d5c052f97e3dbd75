"""Models written to files: what comes back is what was written."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load, load_file, save_file
from torch import Tensor

from diffusion.extraction import factors, network_difference, text_difference
from diffusion.layouts.clip import read_clip
from diffusion.loading import Checkpoint, load_autoencoder, load_checkpoint
from diffusion.lora import apply_lora, read_lora
from diffusion.merging import merged, subtracted, text_merged
from diffusion.model import Model
from diffusion.network import Patches
from diffusion.saving import _open_clip, autoencoder_tensors, checkpoint_tensors, described, encoded, text_tensors
from diffusion.tensor_file import open_tensors
from diffusion.testing import tiny_checkpoint


def weights(model: Model) -> dict[str, Tensor]:
    return {name: model.network.patched_weight(name, model.patches) for name in model.network.parameter_names()}


def test_a_checkpoint_written_again_is_the_file_it_came_from(tiny: Checkpoint, tiny_path: Path) -> None:
    written, original = checkpoint_tensors(tiny.model, tiny.clip, tiny.vae), load_file(tiny_path)

    assert written.keys() == original.keys()
    for name, tensor in original.items():  # text encoders are kept in half precision
        assert torch.equal(written[name].reshape(tensor.shape), tensor.to(written[name].dtype)), name


def test_a_merged_checkpoint_can_be_loaded_and_is_the_merge(tiny: Checkpoint, tmp_path: Path) -> None:
    other = load_checkpoint(tiny_checkpoint(tmp_path / "other.safetensors", seed=7))
    blend = merged(tiny.model, other.model, 0.5)
    path = tmp_path / "merged.safetensors"
    path.write_bytes(encoded(checkpoint_tensors(blend, tiny.clip, tiny.vae), described(blend)))
    again = load_checkpoint(path)

    assert again.clip is not None and tiny.clip is not None
    expected = weights(blend)
    for name, weight in weights(again.model).items():
        torch.testing.assert_close(weight, expected[name])
    assert torch.equal(again.clip.encode("a red circle")[0][0], tiny.clip.encode("a red circle")[0][0])


def test_an_autoencoder_written_alone_decodes_the_same(tiny: Checkpoint, tmp_path: Path) -> None:
    assert tiny.vae is not None
    path = tmp_path / "vae.safetensors"
    path.write_bytes(encoded(autoencoder_tensors(tiny.vae), {**tiny.metadata}))
    latent = torch.randn(1, 4, 8, 8)

    torch.testing.assert_close(load_autoencoder(path).decode(latent), tiny.vae.decode(latent))


def test_the_layout_of_open_clip_is_written_as_it_is_read(tiny: Checkpoint) -> None:
    assert tiny.clip is not None
    (tower,) = tiny.clip.towers
    layout = read_clip({f"x.{name}": tensor for name, tensor in _open_clip(tower, Patches()).items()}, "x.", heads=2)

    for name, tensor in layout.tensors.items():
        assert torch.equal(tensor, tower.network.weights[name].to(tensor.dtype)), name
    assert layout.tensors.keys() >= set(tower.network.parameter_names()) - {"embeddings.position_ids"}


def test_text_encoders_are_written_under_their_library_names(tiny: Checkpoint) -> None:
    assert tiny.clip is not None
    (tensors,) = text_tensors(tiny.clip).values()

    assert "text_model.encoder.layers.0.self_attn.q_proj.weight" in tensors


def test_a_low_rank_difference_is_recovered_exactly() -> None:
    made = torch.Generator().manual_seed(0)
    for shape in [(12, 9), (8, 6, 3, 3), (8, 6, 1, 1)]:
        rows = torch.randn(shape[0], 2, generator=made) @ torch.randn(2, torch.Size(shape[1:]).numel(), generator=made)
        up, down = factors(rows.reshape(shape), 2)
        torch.testing.assert_close(up.flatten(1) @ down.flatten(1), rows, rtol=1e-4, atol=1e-4)


def test_a_difference_extracted_as_a_lora_turns_one_model_into_the_other(tiny: Checkpoint, tmp_path: Path) -> None:
    other = load_checkpoint(tiny_checkpoint(tmp_path / "other.safetensors", seed=7))
    assert tiny.clip is not None and other.clip is not None
    path = tmp_path / "lora.safetensors"
    tensors = network_difference(subtracted(other.model, tiny.model, 1.0), 4096, whole=False, biases=True)
    tensors |= text_difference(text_merged(other.clip, tiny.clip, 1.0, -1.0), 4096, whole=False, biases=True)
    save_file(tensors, path)
    model, clip = apply_lora(read_lora(path), tiny.model, tiny.clip, 1.0, 1.0)
    assert clip is not None

    expected = weights(other.model)
    for name, weight in weights(model).items():
        torch.testing.assert_close(weight, expected[name], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(
        clip.encode("a red circle")[0][0], other.clip.encode("a red circle")[0][0], rtol=0, atol=0.02
    )


def test_bytes_that_are_written_hold_the_metadata(tiny: Checkpoint) -> None:
    data = encoded({"a": torch.zeros(2)}, {"prompt": "{}"})

    assert load(data)["a"].tolist() == [0, 0] and b'"prompt":"{}"' in data


def test_a_file_is_written_as_the_format_says(tmp_path: Path) -> None:
    kinds = (torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.int64, torch.uint8, torch.bool)
    tensors = {f"größe.{kind}": torch.arange(5).to(kind) for kind in kinds}
    tensors |= {"number": torch.tensor(3.0), "nothing": torch.zeros(0), "turned": torch.arange(6.0).reshape(2, 3).T}
    path = tmp_path / "all.safetensors"
    path.write_bytes(encoded(tensors, {"prompt": "{}"}))

    found = load_file(path)

    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype and found[name].tolist() == tensor.tolist(), name
    assert open_tensors(path).metadata == {"prompt": "{}"}
    header = open_tensors(path).header
    assert all(entry["data_offsets"][0] % found[name].element_size() == 0 for name, entry in header.items())
