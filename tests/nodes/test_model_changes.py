"""Nodes that guide, patch, merge and save models: what they declare, and that their files can be loaded again."""

import json
from pathlib import Path

import pytest
import torch

import nodes
from graph_runtime.object_info import object_info
from nodes.guidance_changes import _numbers, differential_diffusion, rescale_cfg
from nodes.merging import model_merge_simple, model_merge_subtract
from nodes.network_changes import unet_temporal_attention_multiply
from nodes.saving import checkpoint_save, clip_save, lora_save, model_save, vae_save
from tests.nodes.calling import call

ESTABLISHED = json.loads((Path(__file__).parent / "fixtures" / "established_model_changes.json").read_text())
CATALOGUE = nodes.catalogue()


def without_tooltips(entry):
    options = {key: value for key, value in (entry[1] if len(entry) > 1 else {}).items() if key != "tooltip"}
    return [entry[0], options] if options else [entry[0]]


@pytest.mark.parametrize("name", sorted(ESTABLISHED))
def test_ids_inputs_options_defaults_and_outputs_are_the_established_ones(name):
    expected = dict(ESTABLISHED[name])
    info = object_info(CATALOGUE[name], lambda folder: [])

    for section, entries in expected.pop("input").items():
        assert list(info["input"][section]) == list(entries), "names and their order"
        if section != "hidden":
            shown = {key: without_tooltips(entry) for key, entry in info["input"][section].items()}
            assert shown == {key: without_tooltips(entry) for key, entry in entries.items()}
    assert {key: info.get(key) for key in expected} == expected


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    from diffusion.loading import load_checkpoint
    from diffusion.testing import tiny_checkpoint

    return load_checkpoint(tiny_checkpoint(tmp_path_factory.mktemp("models") / "tiny.safetensors"))


def test_a_saved_checkpoint_loads_again_and_carries_its_workflow(checkpoint, tmp_path):
    from diffusion.loading import load_checkpoint

    model, clip, vae = checkpoint.model, checkpoint.clip, checkpoint.vae
    call(checkpoint_save, tmp_path, prompt={"7": {}}, model=model, clip=clip, vae=vae, filename_prefix="x/mine")
    path = tmp_path / "output" / "x" / "mine_00001_.safetensors"
    again = load_checkpoint(path)

    assert json.loads(again.metadata["prompt"]) == {"7": {}}
    assert torch.equal(again.clip.encode("red")[0][0], clip.encode("red")[0][0])


def test_parts_are_saved_one_file_each(checkpoint, tmp_path):
    call(model_save, tmp_path, model=checkpoint.model, filename_prefix="m")
    call(clip_save, tmp_path, clip=checkpoint.clip, filename_prefix="c")
    call(vae_save, tmp_path, vae=checkpoint.vae, filename_prefix="v")

    names = {path.name for path in (tmp_path / "output").iterdir()}
    assert names == {"m_00001_.safetensors", "c_clip_l_00001_.safetensors", "v_00001_.safetensors"}


@pytest.mark.parametrize("kind", ["standard", "full_diff"])
def test_a_saved_lora_has_a_layer_for_every_weight_that_differs(checkpoint, tmp_path, kind):
    from safetensors.torch import load_file

    difference = model_merge_subtract(model1=checkpoint.model, model2=checkpoint.model)
    call(lora_save, tmp_path, filename_prefix="l", rank=4, lora_type=kind, bias_diff=False, model_diff=difference)
    tensors = load_file(tmp_path / "output" / "l_00001_.safetensors")

    name = "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q"
    assert (f"{name}.lora_up.weight" if kind == "standard" else f"{name}.diff") in tensors
    assert not any(key.endswith("diff_b") for key in tensors)


def test_changes_are_made_to_clones(checkpoint):
    model = checkpoint.model
    assert rescale_cfg(model=model, multiplier=0.7).hooks.cfg is not None and model.hooks.cfg is None
    assert differential_diffusion(model=model).hooks.mask is not None
    assert model_merge_simple(model1=model, model2=model, ratio=0.5).patches != model.patches


def test_numbers_of_layers_are_found_however_they_are_written():
    assert _numbers("7, 8,9 and 12") == (7, 8, 9, 12) and _numbers("none") == ()


def test_what_attention_over_places_gives_is_multiplied(checkpoint):
    changed = unet_temporal_attention_multiply(
        model=checkpoint.model, self_structural=0.5, self_temporal=9.0, cross_structural=2.0, cross_temporal=9.0
    )
    network = checkpoint.model.network
    before, after = dict(network.weights), changed.network.prepare(changed.patches).state_dict()

    for name in network.parameter_names():
        factor = {"attn1.to_out.0": 0.5, "attn2.to_out.0": 2.0}.get(".".join(name.split(".")[-4:-1]), 1.0)
        torch.testing.assert_close(after[name], before[name].reshape(after[name].shape) * factor)
