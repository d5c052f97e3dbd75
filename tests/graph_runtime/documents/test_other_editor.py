"""Saved documents mean to us what they mean to the editor that wrote them, and those that we write as well."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph_runtime.documents import load, to_prompt, to_saved
from tests.graph_runtime.documents.other_editor import OtherEditor
from tests.graph_runtime.documents.saved_files import document, link, node, subgraph
from tests.graph_runtime.documents.saved_strategies import saved_documents
from tests.graph_runtime.documents.test_round_trips import documents

FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def bare(prompt: dict[str, Any]) -> dict[str, Any]:
    """Classes and inputs of a prompt, lists unwrapped."""
    return {
        key: {
            "class_type": each["class_type"],
            "inputs": {
                name: value["__value__"] if isinstance(value, dict) and "__value__" in value else value
                for name, value in each["inputs"].items()
            },
        }
        for key, each in prompt.items()
    }


@FEW
@given(st.data())
def test_a_saved_document_makes_the_prompt_that_its_own_editor_makes(catalogue, data):
    saved = data.draw(saved_documents(catalogue))

    assert bare(to_prompt(load(saved, catalogue), catalogue)) == OtherEditor(saved, catalogue).prompt()


@FEW
@given(st.data())
def test_a_saved_document_that_we_write_again_means_the_same_to_its_own_editor(catalogue, data):
    saved = data.draw(saved_documents(catalogue))

    again = json.loads(json.dumps(to_saved(load(saved, catalogue), catalogue)))

    assert OtherEditor(again, catalogue).prompt() == OtherEditor(saved, catalogue).prompt()


@FEW
@given(st.data())
def test_a_document_of_ours_means_the_same_to_another_editor(catalogue, data):
    ours = load(data.draw(documents(catalogue)), catalogue)

    found = OtherEditor(json.loads(json.dumps(to_saved(ours, catalogue))), catalogue).prompt()

    for key, each in bare(to_prompt(ours, catalogue)).items():
        assert {name: found[key]["inputs"].get(name) for name in each["inputs"]} == each["inputs"]


def test_the_sockets_of_an_instance_stand_in_the_order_of_its_definition(catalogue):
    inner = node(1, "ImageScale", [("image", "IMAGE", 2), ("width", "INT", 1, "w")], [("IMAGE", "IMAGE", [3])], [64])
    links = [link(1, -10, 0, 1, 1, "INT"), link(2, -10, 1, 1, 0, "IMAGE"), link(3, 1, 0, -20, 0, "IMAGE")]
    scale = subgraph("d", [("width", "INT", [1]), ("image", "IMAGE", [2])], [("IMAGE", "IMAGE", [3])], [inner], links)
    saved = document(
        [
            node(1, "LoadImage", outputs=[("IMAGE", "IMAGE", [1]), ("MASK", "MASK", [])], values=["a.png", "image"]),
            node(2, "d", [("width", "INT", None, "w"), ("image", "IMAGE", 1)], [("IMAGE", "IMAGE", [])], [77]),
        ],
        [(1, 1, 0, 2, 1, "IMAGE")],
        definitions={"subgraphs": [scale]},
    )

    again = to_saved(load(saved, catalogue), catalogue)

    instance = next(each for each in again["nodes"] if each["id"] == 2)
    assert [each["name"] for each in instance["inputs"]] == ["width", "image"]
    assert again["links"] == [[1, 1, 0, 2, 1, "IMAGE"]]


def test_a_promoted_widget_without_a_value_shows_its_default_to_another_editor(catalogue):
    inner = {
        "1": {"type": "CLIPTextEncode", "inputs": {"text": {"input": "text"}}},
        "2": {"type": "ImageScale", "inputs": {"image": {"input": "text"}, "width": {"input": "width"}}},
    }
    inputs = [{"name": "text", "type": "STRING"}, {"name": "width", "type": "INT"}]
    definition = {"name": "Two", "inputs": inputs, "nodes": inner}
    data = {"format": "heddle-workflow", "version": 1, "nodes": {"9": {"type": "d"}}, "definitions": {"d": definition}}

    saved = to_saved(load(data, catalogue), catalogue)

    assert saved["nodes"][0]["widgets_values"] == ["", 64]
    assert OtherEditor(saved, catalogue).prompt()["9:2"]["inputs"]["width"] == 64
