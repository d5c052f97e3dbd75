"""Models blended part by part."""

import nodes
from graph_runtime.behaviour import Invocation
from nodes.part_merging import model_merge_sd1

CATALOGUE = nodes.catalogue()


def weights(model):
    return {name: model.network.patched_weight(name, model.patches) for name in model.network.parameter_names()}


def other(tiny_files, name):
    from diffusion.loading import load_checkpoint
    from diffusion.testing import tiny_checkpoint

    return load_checkpoint(tiny_checkpoint(tiny_files.folders.temp / name, seed=7), device="cpu").model


def test_each_part_takes_its_share_and_the_rest_takes_the_first(tiny, tiny_files):
    second = other(tiny_files, "second.safetensors")
    shares = {"time_embed.": 1.0, "input_blocks.1.": 0.25, "out.": 0.0}

    merged = weights(model_merge_sd1(model1=tiny.MODEL, model2=second, **shares))

    own, foreign = weights(tiny.MODEL), weights(second)
    name = "down_blocks.0.resnets.0.conv1.weight"
    assert ((merged[name] - (0.25 * own[name] + 0.75 * foreign[name])).abs() < 1e-6).all()
    assert (merged["conv_out.weight"] == foreign["conv_out.weight"]).all()
    assert (merged["conv_in.weight"] == own["conv_in.weight"]).all()


def test_the_catalogue_runs_it_with_the_inputs_that_files_name(tiny, tiny_files):
    spec, second = CATALOGUE["ModelMergeSD1"], other(tiny_files, "third.safetensors")
    shares = {item.name: 0.0 for item in spec.inputs[2:]}

    (merged,) = spec.behaviour.call(Invocation({"model1": tiny.MODEL, "model2": second, **shares})).values

    assert all((one == weights(second)[name]).all() for name, one in weights(merged).items())
