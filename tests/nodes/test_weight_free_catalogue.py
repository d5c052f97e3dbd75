"""The nodes that need no weights declare exactly what saved workflows rely on, and never change their inputs."""

import json
from pathlib import Path

import pytest
import torch

import nodes
from graph_runtime.object_info import object_info

ESTABLISHED = json.loads((Path(__file__).parent / "fixtures" / "established_weight_free.json").read_text())
CATALOGUE = nodes.catalogue()
FOLDERS = {"input/image": ["example.png"], "input/folders": ["3d"]}
VALUES = {"INT": 1, "FLOAT": 0.5, "STRING": "a", "BOOLEAN": True}


def without_tooltips(entry):
    options = {key: value for key, value in (entry[1] if len(entry) > 1 else {}).items() if key != "tooltip"}
    return [entry[0], options] if options else [entry[0]]


@pytest.mark.parametrize("name", sorted(ESTABLISHED))
def test_ids_inputs_options_defaults_and_outputs_are_the_established_ones(name):
    expected = dict(ESTABLISHED[name])
    info = object_info(CATALOGUE[name], lambda folder: FOLDERS.get(folder, []))

    for section, entries in expected.pop("input", {}).items():
        assert list(info["input"][section]) == list(entries), "names and their order"
        for key, entry in entries.items():
            shown = info["input"][section][key]
            assert (shown if section == "hidden" else without_tooltips(shown)) == entry, key
    assert {key: info.get(key) for key in expected} == expected


@pytest.mark.parametrize("name", sorted(ESTABLISHED))
def test_every_node_says_what_it_is_for_and_what_its_inputs_mean(name):
    spec = CATALOGUE[name]

    assert spec.description.endswith(".") and spec.display_name
    assert [each.name for each in spec.visible if not each.options.get("tooltip")] == []


def sample(spec_input):
    torch.manual_seed(len(spec_input.name))
    if spec_input.choices:
        return spec_input.choices[0]
    latent = {"samples": torch.randn(2, 4, 16, 16), "noise_mask": torch.rand(1, 1, 128, 128), "batch_index": [3, 4]}
    return {
        "IMAGE": torch.rand(2, 32, 24, 3),
        "MASK": torch.rand(2, 32, 24),
        "LATENT": latent,
        "HOOKS": None,
        "AUDIO": {"waveform": torch.rand(1, 2, 400), "sample_rate": 100},
        "TIMESTEPS_RANGE": (0.1, 0.9),
        "SIGMAS": torch.linspace(10.0, 0.0, 5),
        "CONDITIONING": [[torch.rand(1, 3, 4), {"pooled_output": torch.rand(1, 4)}]],
        "LATENT_OPERATION": lambda latent: latent * 2,
    }.get(spec_input.type, VALUES.get(spec_input.type))


def copies(value):
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, list):
        return [copies(each) for each in value]
    return {key: copies(each) for key, each in value.items()} if isinstance(value, dict) else value


def same(left, right):
    if isinstance(left, torch.Tensor):
        return torch.equal(left, right)
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(same(*pair) for pair in zip(left, right, strict=True))
    return left is right or left == right


PURE = [
    name
    for name in sorted(ESTABLISHED)
    if not CATALOGUE[name].terminal and "Load" not in name and name != "WebcamCapture"
]


@pytest.mark.parametrize("name", PURE)
def test_a_node_leaves_its_inputs_as_they_are(name):
    spec = CATALOGUE[name]
    function = spec.behaviour.function
    arguments = {each.name: sample(each) for each in spec.visible}
    for each in spec.visible:
        if each.mode == "many":
            arguments[each.name] = [arguments[each.name]]
    if "ctx" in function.__annotations__:
        arguments["ctx"] = Quiet()
    if name == "LatentCut" or name == "LatentConcat":
        arguments["dim"] = "x"
    before = {key: copies(value[0] if isinstance(value, list) else value) for key, value in arguments.items()}

    function(**arguments)

    after = {key: value[0] if isinstance(value, list) else value for key, value in arguments.items()}
    assert [key for key in before if not same(before[key], after[key])] == []


class Quiet:
    """A context that nobody listens to."""

    def text(self, text):
        pass

    def warn(self, text):
        raise AssertionError(text)
