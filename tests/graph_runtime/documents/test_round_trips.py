"""Whatever is written can be read again and means the same."""

import copy
import json

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from graph_runtime.documents import InvalidDocument, convert, load, to_prompt, to_saved
from graph_runtime.documents.types import from_spec
from tests.graph_runtime.documents.saved_files import text_to_image
from tests.graph_runtime.documents.test_saved_import import nested

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

NUMBERS = st.integers(0, 2**64 - 1)
VALUES = {
    "INT": NUMBERS,
    "FLOAT": st.floats(-1e9, 1e9),
    "STRING": st.text(max_size=8),
    "COMBO": st.sampled_from(["euler", "a", "ü"]),
    "BOOLEAN": st.booleans(),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)


@st.composite
def graphs(draw, catalogue, definitions=(), boundary=()):
    """Nodes of random types whose links may be of any type; `definitions` may be used, `boundary` inputs too."""
    types = [*sorted(catalogue), "Reroute", "PrimitiveNode", *(key for key, _ in definitions)]
    shapes = dict(definitions)
    nodes, outputs = {}, []
    for number in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(types))
        node_id = str(number * 3 + 1)
        spec = catalogue.get(kind)
        if spec is not None:
            sockets = [(each.name, each.type, each.widget) for each in spec.visible]
            names = [each.name for each in spec.outputs]
        elif kind in shapes:
            sockets, names = shapes[kind]
        else:
            sockets, names = [("value", "*", kind == "PrimitiveNode")], ["value"]
        inputs = {}
        for name, type_, widget in sockets:
            has_value = widget and draw(st.booleans())
            value = draw(VALUES.get(type_, NUMBERS)) if has_value else None
            source = draw(st.sampled_from([None, "link", "input"]))
            if kind == "PrimitiveNode" or (source == "link" and not outputs) or (source == "input" and not boundary):
                source = None
            if source is None:
                if has_value:
                    inputs[name] = value
                continue
            wired = (
                {"link": list(draw(st.sampled_from(outputs)))}
                if source == "link"
                else {"input": draw(st.sampled_from(boundary))}
            )
            inputs[name] = wired | ({"value": value} if has_value else {})
        node = {"type": kind, "inputs": inputs}
        if kind not in ("Reroute", "PrimitiveNode") and kind not in shapes:
            # a bypassed node may pass a control's value on, and the other format has no control without one
            bare = any(widget and isinstance(v := inputs.get(n), dict) and "value" not in v for n, _, widget in sockets)
            mode = draw(st.sampled_from([None, None, "muted", *([] if bare else ["bypassed"])]))
            node |= {"mode": mode} if mode else {}
        if draw(st.booleans()):
            node["title"] = draw(st.text(min_size=1, max_size=5))
        nodes[node_id] = node
        seen = {}
        for each in names:
            seen[each] = seen.get(each, 0) + 1
            outputs.append((node_id, each if seen[each] == 1 else f"{each}#{seen[each]}"))
    return nodes, outputs


@st.composite
def documents(draw, catalogue):
    definitions, shapes = {}, []
    for number in range(draw(st.integers(0, 2))):
        boundary = ["image", "width"]
        nodes, outputs = draw(graphs(catalogue, tuple(shapes), tuple(boundary)))
        key = f"d{number}"
        definitions[key] = {
            "name": f"Definition {number}",
            "inputs": [{"name": "image", "type": "IMAGE"}, {"name": "width", "type": "INT"}],
            "outputs": [{"name": "out", "type": "*", **({"link": list(outputs[-1])} if outputs else {})}],
            "nodes": nodes,
        }
        shapes.append((key, ([("image", "IMAGE", False), ("width", "INT", False)], ["out"])))
    nodes, _ = draw(graphs(catalogue, tuple(shapes)))
    places = {key: {"pos": [draw(st.integers(-9, 9)), 2.5]} for key in nodes if draw(st.booleans())}
    data = {"format": "heddle-workflow", "version": 1, "name": draw(st.text(max_size=5)), "nodes": nodes}
    if definitions:
        data["definitions"] = definitions
    if places:
        data["layout"] = {"nodes": places}
    return data


@FEW
@given(st.data())
def test_a_document_survives_json(catalogue, data):
    drawn = data.draw(documents(catalogue))

    document = load(drawn, catalogue)

    assert document.to_data() == drawn
    assert load(json.loads(json.dumps(document.to_data())), catalogue) == document


@FEW
@given(st.data())
def test_a_document_means_the_same_after_a_visit_to_another_editor(catalogue, data):
    document = load(data.draw(documents(catalogue)), catalogue)

    saved = json.loads(json.dumps(to_saved(document, catalogue)))
    again = convert(saved, catalogue)

    expected, found = to_prompt(document, catalogue), to_prompt(again.document, catalogue)
    assert set(found) == set(expected)
    for key, node in expected.items():
        assert found[key]["class_type"] == node["class_type"]
        assert {name: found[key]["inputs"].get(name) for name in node["inputs"]} == node["inputs"]
    assert [each for each in again.warnings if each.code == "import"] == []


@FEW
@given(st.data())
def test_a_saved_document_is_written_the_same_the_second_time(catalogue, data):
    first = to_saved(load(data.draw(documents(catalogue)), catalogue), catalogue)
    second = to_saved(load(first, catalogue), catalogue)

    assert to_saved(load(second, catalogue), catalogue) == second


@FEW
@given(st.data())
def test_a_prompt_survives_becoming_a_document(catalogue, data):
    prompt = to_prompt(load(data.draw(documents(catalogue)), catalogue), catalogue)
    assume(prompt)

    again = to_prompt(load(json.loads(json.dumps(prompt)), catalogue), catalogue)

    assert set(again) == set(prompt)
    for key, node in prompt.items():
        added = {name: value for name, value in again[key]["inputs"].items() if name not in node["inputs"]}
        assert again[key] | {"inputs": node["inputs"]} == node
        assert {name: value for name, value in again[key]["inputs"].items() if name not in added} == node["inputs"]
        assert set(added) <= {each.name for each in from_spec(catalogue[node["class_type"]]).widgets}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON)
def test_any_json_is_a_workflow_or_refused_with_a_cure(catalogue, data):
    try:
        converted = convert(data, catalogue)
    except InvalidDocument as error:
        problems = error.problems
    else:
        problems = ()
        assert converted.document.nodes is not None

    assert all(each.what and each.fix for each in problems)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_saved_document_with_anything_broken_is_read_or_refused(catalogue, data):
    broken = copy.deepcopy(data.draw(st.sampled_from([text_to_image(), nested(2)])))
    for _ in range(data.draw(st.integers(1, 3))):
        place = broken
        for _ in range(data.draw(st.integers(0, 6))):
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            inner = [key for key in keys if isinstance(place[key], (dict, list)) and place[key]]
            if not inner:
                break
            place = place[data.draw(st.sampled_from(inner))]
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        place[data.draw(st.sampled_from(keys))] = data.draw(JSON)

    try:
        document = load(broken, catalogue)
        prompt = to_prompt(document, catalogue)
        again = to_prompt(load(to_saved(document, catalogue), catalogue), catalogue)
    except InvalidDocument as error:
        problems, prompt, again = error.problems, {}, {}
    else:
        problems = ()

    assert set(again) == set(prompt)
    assert all(each.what and each.fix for each in problems)


def test_an_input_that_feeds_widgets_with_different_values_keeps_them_apart(catalogue):
    inner = {
        "1": {"type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": {"input": "name", "value": "x"}}},
        "2": {"type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": {"input": "name"}}},
    }
    definition = {"name": "Two", "inputs": [{"name": "name", "type": "COMBO"}], "nodes": inner}
    data = {"format": "heddle-workflow", "version": 1, "nodes": {"1": {"type": "d"}}, "definitions": {"d": definition}}
    document = load(data, catalogue)

    again = to_prompt(load(to_saved(document, catalogue), catalogue), catalogue)

    assert again == to_prompt(document, catalogue)
    assert [each["inputs"]["ckpt_name"] for each in again.values()] == ["x", "a.safetensors"]


def test_the_ends_of_a_subgraph_stay_where_they_were_put(catalogue):
    definition = {
        "name": "Ends",
        "nodes": {"1": {"type": "CheckpointLoaderSimple"}},
        "layout": {"nodes": {"1": {"pos": [0, 0]}, "@inputs": {"pos": [-310, 40]}, "@outputs": {"pos": [520, -15]}}},
    }
    data = {"format": "heddle-workflow", "version": 1, "nodes": {"1": {"type": "d"}}, "definitions": {"d": definition}}

    saved = to_saved(load(data, catalogue), catalogue)
    again = load(saved, catalogue).to_data()["definitions"]["d"]["layout"]["nodes"]

    stored = saved["definitions"]["subgraphs"][0]
    assert stored["inputNode"] == {"id": -10, "bounding": [-310, 40, 120, 60]}
    assert stored["outputNode"]["bounding"][:2] == [520, -15]
    assert again["@inputs"]["pos"] == [-310, 40]
    assert again["@outputs"]["pos"] == [520, -15]


def test_inputs_shown_as_sockets_are_part_of_the_looks(catalogue):
    node = {"type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}}
    place = {"pos": [0, 0], "sockets": ["ckpt_name"]}
    data = {"format": "heddle-workflow", "version": 1, "nodes": {"1": node}, "layout": {"nodes": {"1": place}}}

    assert load(data, catalogue).to_data()["layout"]["nodes"]["1"] == place
