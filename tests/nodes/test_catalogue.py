"""Built-in nodes declare exactly what saved workflows of the established tool rely on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import nodes
from graph_runtime.object_info import object_info

ROOT = Path(__file__).resolve().parents[2]
ESTABLISHED = json.loads((Path(__file__).parent / "fixtures" / "established_nodes.json").read_text())
CATALOGUE = nodes.catalogue()


def listing(folder):
    return {"input/image": ["example.png"]}.get(folder, [])


def without_tooltips(entry):
    if len(entry) == 1:
        return list(entry)
    options = {key: value for key, value in entry[1].items() if key != "tooltip"}
    return [entry[0], options] if options else [entry[0]]


@pytest.mark.parametrize("name", sorted(ESTABLISHED))
def test_ids_inputs_options_defaults_and_outputs_are_the_established_ones(name):
    expected = dict(ESTABLISHED[name])
    info = object_info(CATALOGUE[name], listing)
    inputs = expected.pop("input", {})

    for section, entries in inputs.items():
        assert list(info["input"][section]) == list(entries), "names and their order"
        assert list(info["input_order"][section]) == list(entries)
        for input_name, entry in entries.items():
            given = info["input"][section][input_name]
            assert (given if section == "hidden" else without_tooltips(given)) == entry, input_name
    assert {key: info.get(key) for key in expected} == expected


@pytest.mark.parametrize("name", sorted(ESTABLISHED))
def test_every_node_says_what_it_is_for_and_what_its_inputs_mean(name):
    spec = CATALOGUE[name]

    assert spec.description.endswith(".") and spec.display_name
    assert [item.name for item in spec.visible if not item.options.get("tooltip")] == []


def test_declaring_every_node_is_quick_and_brings_neither_torch_nor_pictures():
    program = (
        "import sys, nodes; nodes.catalogue();"
        "print(sorted(set(sys.modules) & {'torch', 'numpy', 'PIL', 'diffusers', 'transformers', 'scipy'}))"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert result.stdout.strip() == "[]", result.stderr
