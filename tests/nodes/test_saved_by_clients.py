"""What official web clients saved means here what it means there."""

import json
from pathlib import Path

import pytest

import nodes
from graph_runtime.documents import load, to_prompt, to_saved

FIXTURES = Path(__file__).parent / "fixtures" / "saved_by_clients"
CATALOGUE = nodes.catalogue()
CASES = [
    pytest.param(entry, id=f"{path.stem}-{name}")
    for path in sorted(FIXTURES.glob("*.json"))
    for name, entry in json.loads(path.read_text()).items()
]


def meaning(document):
    prompt = to_prompt(document, CATALOGUE)
    return {key: {"class_type": node["class_type"], "inputs": node["inputs"]} for key, node in prompt.items()}


@pytest.mark.parametrize("entry", CASES)
def test_a_saved_workflow_is_queued_as_its_client_would_queue_it(entry):
    assert meaning(load(entry["saved"], CATALOGUE)) == entry["prompt"]


@pytest.mark.parametrize("entry", CASES)
def test_it_still_is_after_it_went_through_ours(entry):
    again = to_saved(load(entry["saved"], CATALOGUE), CATALOGUE)

    assert meaning(load(again, CATALOGUE)) == entry["prompt"]
