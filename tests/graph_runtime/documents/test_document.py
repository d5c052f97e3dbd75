"""Our own format: what its page promises, and what a document becomes."""

import json
import re
from pathlib import Path

import pytest

from graph_runtime.documents import InvalidDocument, convert, load, to_prompt, to_saved
from graph_runtime.graph import Link

PAGE = Path(__file__).parents[3] / "docs" / "workflow-format.md"


def ours(nodes, **more):
    return {"format": "heddle-workflow", "version": 1, "nodes": nodes, **more}


def test_the_samples_on_the_page_are_documents(catalogue):
    first, definitions, form = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)

    assert load(json.loads(first), catalogue).name == "A red circle"
    instance = {"1": {"type": "0b1c6a52-…", "inputs": {"width": 32}}, "2": {"type": "0b1c6a52-…"}}
    document = load(ours(instance, **json.loads("{" + definitions + "}")), catalogue)
    load(ours(instance, **json.loads("{" + definitions + "," + form + "}")), catalogue)
    prompt = to_prompt(document, catalogue)
    assert (prompt["1:1"]["inputs"], prompt["2:1"]["inputs"]) == ({"width": 32}, {"width": 512})


def test_a_form_goes_through_the_saved_format_and_changes_nothing_that_runs(catalogue):
    nodes = {"1": {"type": "LoadImage", "inputs": {"image": "x.png"}}}
    form = {"title": "T", "inputs": [{"node": "1", "input": "image", "label": "Photo"}], "outputs": [{"node": "1"}]}
    document = load(ours(nodes, form=form), catalogue)

    again = load(to_saved(document, catalogue), catalogue)

    assert again.to_data()["form"] == form
    assert to_prompt(again, catalogue) == to_prompt(load(ours(nodes), catalogue), catalogue)


@pytest.mark.parametrize(("form", "path"), [({"inputz": []}, "form"), ({"inputs": [{"node": "1"}]}, "form.inputs")])
def test_a_wrong_form_is_refused_with_its_path(catalogue, form, path):
    with pytest.raises(InvalidDocument) as caught:
        load(ours({}, form=form), catalogue)

    assert any(problem.path.startswith(path) for problem in caught.value.problems)


def test_a_document_becomes_a_graph(catalogue):
    document = load(
        ours(
            {
                "a": {"type": "LoadImage", "inputs": {"image": "x.png"}},
                "b": {"type": "SaveImage", "title": "Keep", "inputs": {"images": {"link": ["a", "IMAGE"]}}},
            }
        ),
        catalogue,
    )

    graph = document.to_graph(catalogue)

    assert graph["b"].inputs == {"filename_prefix": "pic", "images": Link("a", 0)}
    assert graph["b"].title == "Keep"


def test_lists_and_objects_are_values_again_in_the_graph(catalogue):
    inputs = {"items": {"value": [1, 2]}, "more": {"value": {"__value__": 3}}, "plain": {"value": {"a": 1}}}
    document = load(ours({"1": {"type": "ListTaker", "inputs": inputs}}), catalogue)

    assert to_prompt(document, catalogue)["1"]["inputs"] == {
        "items": {"__value__": [1, 2]},
        "more": {"__value__": {"__value__": 3}},
        "plain": {"a": 1},
    }
    assert document.to_graph(catalogue)["1"].inputs == {"items": [1, 2], "more": {"__value__": 3}, "plain": {"a": 1}}


def test_repeated_output_names_are_told_apart(catalogue):
    nodes = {
        "1": {"type": "Swap"},
        "2": {"type": "ImageBlend", "inputs": {"image1": {"link": ["1", "IMAGE#2"]}, "mask": {"link": ["1", "other"]}}},
    }

    prompt = to_prompt(load(ours(nodes), catalogue), catalogue)

    assert prompt["2"]["inputs"] == {"image1": ["1", 1], "mask": ["1", 2]}


def test_an_input_under_its_former_name_is_read(catalogue):
    document = load(ours({"1": {"type": "Renamed", "inputs": {"weight": 0.25}}}), catalogue)

    assert document.to_data()["nodes"]["1"]["inputs"] == {"strength": 0.25}


def test_a_misspelt_input_is_named_with_its_neighbour(catalogue):
    converted = convert(ours({"1": {"type": "KSampler", "inputs": {"sed": 4}}}), catalogue)

    assert [(each.code, each.node, each.input, each.fix) for each in converted.warnings] == [
        ("unknown_input", "1", "sed", "Did you mean 'seed'?")
    ]


def test_a_muted_instance_of_our_own_runs_nothing_inside(catalogue):
    definitions = {"d": {"name": "d", "nodes": {"1": {"type": "MakeInt"}}}}

    document = load(ours({"5": {"type": "d", "mode": "muted"}, "6": {"type": "d"}}, definitions=definitions), catalogue)

    assert list(to_prompt(document, catalogue)) == ["6:1"]


def test_a_prompt_gets_places_from_left_to_right_without_overlap(catalogue):
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "a"}},
        "2": {"class_type": "LoadImage", "inputs": {"image": "b"}},
        "3": {"class_type": "ImageBlend", "inputs": {"image1": ["1", 0], "image2": ["2", 0]}},
    }

    places = load(prompt, catalogue).to_data()["layout"]["nodes"]

    assert places["1"]["pos"][0] == places["2"]["pos"][0] < places["3"]["pos"][0]
    assert places["2"]["pos"][1] >= places["1"]["pos"][1] + 100


def test_a_schema_reference_for_text_editors_is_allowed_and_kept(catalogue):
    data = {"$schema": "https://example.org/workflow.json", **ours({})}

    assert load(data, catalogue).to_data() == data


def test_a_primitive_without_a_value_leaves_its_targets_as_they_are(catalogue):
    nodes = {
        "1": {"type": "PrimitiveNode"},
        "2": {"type": "EmptyLatentImage", "inputs": {"width": {"link": ["1", "value"], "value": 7}}},
    }
    document = load(ours(nodes), catalogue)

    assert to_prompt(document, catalogue)["2"]["inputs"]["width"] == 7
    assert to_prompt(load(to_saved(document, catalogue), catalogue), catalogue)["2"]["inputs"]["width"] == 7
