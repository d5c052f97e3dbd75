"""Documents that were made to break readers are refused with a reason, in good time."""

import pytest

from graph_runtime.documents import InvalidDocument, UnreadableDocument, convert, load, read_json, to_prompt, to_saved
from tests.graph_runtime.documents.saved_files import document, link, node, subgraph


def codes(error):
    return [each.code for each in error.value.problems]


def ours(nodes, **more):
    return {"format": "heddle-workflow", "version": 1, "nodes": nodes, **more}


def deep(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [200, 900, 10_000, 200_000])
def test_deep_nesting_is_refused_as_text_and_as_data(catalogue, depth):
    with pytest.raises(UnreadableDocument) as text:
        read_json("[" * depth + "]" * depth)
    with pytest.raises(UnreadableDocument) as data:
        load({"1": {"class_type": "MakeInt", "inputs": {"value": deep(depth)}}}, catalogue)

    assert codes(text) == codes(data) == ["too_deep"]


def test_data_that_contains_itself_is_refused(catalogue):
    data = ours({})
    data["meta"] = {"again": data}

    with pytest.raises(UnreadableDocument, match="nested more than 100"):
        load(data, catalogue)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "unreadable"),
        (b"\xff\xfe", "unreadable"),
        (b"{", "unreadable"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b"9" * 5000, "unreadable"),
        (b'{"nodes": {"1": {"x": 1}, "1": {}}}', "duplicate_key"),
    ],
)
def test_text_that_is_no_clear_json_is_refused(text, code):
    with pytest.raises(UnreadableDocument) as caught:
        read_json(text)

    assert codes(caught) == [code]


def test_nan_and_infinity_are_refused_in_our_own_format(catalogue):
    data = read_json(
        '{"format": "heddle-workflow", "version": 1,'
        ' "nodes": {"1": {"type": "X", "inputs": {"a": NaN, "b": -Infinity}}}}'
    )

    with pytest.raises(InvalidDocument) as caught:
        load(data, catalogue)

    assert {(each.code, each.path) for each in caught.value.problems} == {
        ("not_finite", "nodes.1.inputs.a"),
        ("not_finite", "nodes.1.inputs.b"),
    }


@pytest.mark.parametrize("data", [None, 5, "text", [], {}, {"a": 1}, {"format": "other"}, {"nodes": {}}])
def test_what_is_no_workflow_is_refused_with_the_known_formats(catalogue, data):
    with pytest.raises(UnreadableDocument, match="heddle-workflow") as caught:
        load(data, catalogue)

    assert codes(caught) == ["unknown_format"]


def test_a_newer_version_is_refused(catalogue):
    with pytest.raises(UnreadableDocument, match="version 2; this program reads version 1"):
        load(ours({}) | {"version": 2}, catalogue)


def test_unknown_keys_are_refused_all_at_once_with_the_nearest_known_key(catalogue):
    data = ours({"3": {"type": "X", "input": {}, "inputs": {"m": {"lnk": 1}}}}, layuot={})

    with pytest.raises(InvalidDocument) as caught:
        load(data, catalogue)

    assert [(each.path, each.fix) for each in caught.value.problems] == [
        ("nodes.3.inputs.m.lnk", "Did you mean 'link'?"),
        ("nodes.3.input", "Did you mean 'inputs'?"),
        ("layuot", "Did you mean 'layout'?"),
    ]


def test_definitions_that_contain_each_other_are_refused(catalogue):
    definitions = {
        "a": {"name": "A", "nodes": {"1": {"type": "b"}}},
        "b": {"name": "B", "nodes": {"1": {"type": "a"}}},
    }

    with pytest.raises(InvalidDocument, match="A → B → A"):
        load(ours({"1": {"type": "a"}}, definitions=definitions), catalogue)


def test_saved_subgraphs_that_contain_themselves_are_refused(catalogue):
    inner = subgraph("d", [], [], [node(1, "d")], [])

    with pytest.raises(InvalidDocument) as caught:
        load(document([node(1, "d")], [], definitions={"subgraphs": [inner]}), catalogue)

    assert codes(caught) == ["definition_cycle"]


def test_subgraphs_that_multiply_are_refused_before_they_are_opened(catalogue):
    definitions = {"d0": {"name": "d0", "nodes": {"1": {"type": "MakeInt"}}}}
    for level in range(1, 60):
        definitions[f"d{level}"] = {"name": "d", "nodes": {str(i): {"type": f"d{level - 1}"} for i in range(10)}}
    workflow = load(ours({"1": {"type": "d59"}}, definitions=definitions), catalogue)

    with pytest.raises(InvalidDocument) as caught:
        to_prompt(workflow, catalogue)

    assert codes(caught) == ["too_many_nodes"]


def test_subgraphs_nested_a_thousand_deep_work_and_deeper_ones_are_refused(catalogue):
    def nested(depth):
        definitions = {"d0": {"name": "d", "nodes": {"1": {"type": "MakeInt"}}}}
        for level in range(1, depth):
            definitions[f"d{level}"] = {"name": "d", "nodes": {"1": {"type": f"d{level - 1}"}}}
        return load(ours({"1": {"type": f"d{depth - 1}"}}, definitions=definitions), catalogue)

    assert list(to_prompt(nested(1000), catalogue)) == ["1" + ":1" * 1000]
    with pytest.raises(InvalidDocument, match="more than 1000 levels"):
        to_prompt(nested(5000), catalogue)


def test_a_chain_of_ten_thousand_reroutes_is_followed(catalogue):
    nodes = {"0": {"type": "MakeInt"}}
    for index in range(1, 10_001):
        nodes[str(index)] = {
            "type": "Reroute",
            "inputs": {"value": {"link": [str(index - 1), "value" if index > 1 else "INT"]}},
        }
    nodes["end"] = {"type": "EmptyLatentImage", "inputs": {"width": {"link": ["10000", "value"]}}}

    workflow = load(ours(nodes), catalogue)

    assert to_prompt(workflow, catalogue)["end"]["inputs"]["width"] == ["0", 0]
    assert len(to_saved(workflow, catalogue)["nodes"]) == 10_002


def test_a_circle_of_reroutes_is_reported(catalogue):
    nodes = {
        "1": {"type": "Reroute", "inputs": {"value": {"link": ["2", "value"]}}},
        "2": {"type": "Reroute", "inputs": {"value": {"link": ["1", "value"]}}},
        "3": {"type": "EmptyLatentImage", "inputs": {"width": {"link": ["1", "value"]}}},
    }

    with pytest.raises(InvalidDocument) as caught:
        to_prompt(load(ours(nodes), catalogue), catalogue)

    assert codes(caught) == ["link_loop"]


def test_links_to_nothing_are_reported_together(catalogue):
    nodes = {
        "1": {"type": "MakeInt"},
        "3": {
            "type": "EmptyLatentImage",
            "inputs": {
                "width": {"link": ["99", "INT"]},
                "height": {"link": ["1", "INTT"]},
                "batch_size": {"input": "count"},
            },
        },
    }

    with pytest.raises(InvalidDocument) as caught:
        to_prompt(load(ours(nodes), catalogue), catalogue)

    assert [(each.code, each.node, each.input) for each in caught.value.problems] == [
        ("unknown_node", "3", "width"),
        ("unknown_output", "3", "height"),
        ("unknown_input", "3", "batch_size"),
    ]
    assert "Did you mean 'INT'?" in str(caught.value)


def test_an_inner_node_that_would_take_another_id_is_reported(catalogue):
    definitions = {"d": {"name": "d", "nodes": {"3": {"type": "MakeInt"}}}}
    nodes = {"12": {"type": "d"}, "12:3": {"type": "MakeInt"}}

    with pytest.raises(InvalidDocument) as caught:
        to_prompt(load(ours(nodes, definitions=definitions), catalogue), catalogue)

    assert codes(caught) == ["duplicate_id"]


def test_a_long_chain_goes_through_every_conversion(catalogue):
    nodes = {"0": {"type": "LoadImage", "inputs": {"image": "a.png"}}}
    for index in range(1, 3_000):
        nodes[str(index)] = {"type": "ImageScale", "inputs": {"image": {"link": [str(index - 1), "IMAGE"]}}}
    workflow = load(ours(nodes), catalogue)

    prompt = to_prompt(workflow, catalogue)

    assert len(prompt) == 3_000
    assert to_prompt(load(to_saved(workflow, catalogue), catalogue), catalogue) == prompt


def test_links_that_lie_about_their_slots_do_no_harm(catalogue):
    saved = document(
        [node(1, "MakeInt"), node(2, "EmptyLatentImage", [("width", "INT", 1, "w")])],
        [(1, 1, 999_999_999_999, 2, -5, "INT")],
    )

    assert "width" in to_prompt(load(saved, catalogue), catalogue)["2"]["inputs"]


def test_subgraph_links_to_inputs_that_do_not_exist_are_dropped(catalogue):
    inner = subgraph(
        "d", [], [("o", "IMAGE", [])], [node(1, "ImageScale", [("image", "IMAGE", 1)])], [link(1, -10, 7, 1, 0)]
    )
    saved = document([node(1, "d")], [], definitions={"subgraphs": [inner]})

    assert to_prompt(load(saved, catalogue), catalogue)["1:1"]["inputs"] == {"width": 64}


def test_thousands_of_unknown_types_and_broken_links_are_reported_without_delay(catalogue):
    nodes = {
        str(index): {"type": f"Unknown{index}", "inputs": {"a": {"link": [f"gone{index}", "OUT"]}}}
        for index in range(5_000)
    }

    converted = convert(ours(nodes), catalogue)

    assert len(converted.warnings) == 5_000
    with pytest.raises(InvalidDocument) as caught:
        to_prompt(converted.document, catalogue)
    assert len(caught.value.problems) == 5_000
