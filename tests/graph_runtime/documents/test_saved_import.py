"""Saved editor documents, 0.4 and 1, become our document and the prompt they always made."""

import copy
import json

import pytest

from graph_runtime.documents import InvalidDocument, convert, load, to_prompt, to_saved
from tests.graph_runtime.documents.saved_files import (
    TEXT_TO_IMAGE_PROMPT,
    document,
    link,
    node,
    subgraph,
    text_to_image,
)


def prompt_of(data, catalogue):
    return to_prompt(load(data, catalogue), catalogue)


def inputs_of(data, catalogue, node_id):
    return prompt_of(data, catalogue)[str(node_id)]["inputs"]


def as_version_1(data):
    data = copy.deepcopy(data)
    data["links"] = [link(*each) for each in data["links"]]
    data["state"] = {"lastGroupId": 0, "lastNodeId": data.pop("last_node_id"), "lastLinkId": data.pop("last_link_id")}
    data["version"] = 1
    return data


def test_a_saved_document_makes_the_prompt_it_always_made_in_order(catalogue):
    prompt = prompt_of(text_to_image(), catalogue)

    assert json.dumps(prompt) == json.dumps(TEXT_TO_IMAGE_PROMPT)


def test_version_1_means_the_same_as_version_0_4(catalogue):
    assert load(as_version_1(text_to_image()), catalogue) == load(text_to_image(), catalogue)


def test_values_controls_titles_and_places_are_named(catalogue):
    data = load(text_to_image(), catalogue).to_data()

    assert data["nodes"]["3"]["inputs"]["seed"] == 2**64 - 1
    assert data["nodes"]["3"]["controls"] == {"seed": "randomize"}
    assert data["nodes"]["3"]["inputs"]["model"] == {"link": ["4", "MODEL"]}
    assert data["nodes"]["6"]["title"] == "Positive"
    assert "title" not in data["nodes"]["7"]
    assert data["layout"]["nodes"]["3"] == {"pos": [10, 20], "size": [210, 100]}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5, "fixed", 20], {"seed": 5, "steps": 20, "cfg": 8.0}),
        ([5, True, 30, 1.5], {"seed": 5, "steps": 30, "cfg": 1.5}),
        ([], {"seed": 0, "steps": 20, "cfg": 8.0, "sampler_name": "euler", "denoise": 1.0}),
        (
            [1, "increment", 2, 3, "sample_dpmpp_2m", "karras", 0.5, "surplus"],
            {"sampler_name": "dpmpp_2m", "denoise": 0.5},
        ),
        ({"seed": 7, "steps": 9, "nonsense": 1}, {"seed": 7, "steps": 9}),
        (None, {"seed": 0}),
    ],
)
def test_widget_values_are_read_in_order_with_their_companions(catalogue, values, expected):
    saved = document([node(1, "KSampler", values=values)], [])

    inputs = inputs_of(saved, catalogue, 1)

    assert {name: inputs[name] for name in expected} == expected
    assert "nonsense" not in inputs


def test_a_legacy_boolean_control_is_read(catalogue):
    saved = document([node(1, "KSampler", values=[5, True]), node(2, "KSampler", values=[5, False])], [])

    nodes = load(saved, catalogue).to_data()["nodes"]

    assert nodes["1"]["controls"] == {"seed": "randomize"}
    assert nodes["2"]["controls"] == {"seed": "fixed"}


def test_a_controlled_combo_has_two_companions(catalogue):
    saved = document([node(1, "PickFile", values=["y", "increment-wrap", "fil", 12])], [])

    data = load(saved, catalogue).to_data()["nodes"]["1"]

    assert data["inputs"] == {"file": "y", "n": 12}
    assert data["controls"] == {"file": "increment-wrap"}


def test_upload_buttons_and_trailing_holes_are_no_values(catalogue):
    saved = document(
        [node(1, "LoadImage", values=["photo.png", "image"]), node(2, "LoadImage", values=["b.png", None])], []
    )

    prompt = prompt_of(saved, catalogue)

    assert [prompt[key]["inputs"] for key in "12"] == [{"image": "photo.png"}, {"image": "b.png"}]


def test_widgets_of_unusual_types_have_their_place(catalogue):
    saved = document([node(1, "Webcam", values=["shot.png [temp]", 64]), node(2, "Either", values=[5, 6])], [])

    prompt = prompt_of(saved, catalogue)

    assert prompt["1"]["inputs"] == {"image": "shot.png [temp]", "width": 64}
    assert prompt["2"]["inputs"] == {"a": 5, "b": 6}


@pytest.mark.parametrize(
    ("kind", "values", "text"),
    [
        ("Forced", [0, "hello"], "hello"),
        ("Forced", ["hello"], "hello"),
        ("ForcedSeed", [0, "fixed", "hello"], "hello"),
        ("ForcedSeed", ["hello"], "hello"),
    ],
)
def test_dummy_values_of_socket_only_inputs_are_dropped(catalogue, kind, values, text):
    assert inputs_of(document([node(1, kind, values=values)], []), catalogue, 1) == {"text": text}


def test_a_converted_widget_keeps_its_value_but_the_link_wins(catalogue):
    saved = document(
        [
            node(1, "MakeInt", outputs=[("INT", "INT", [1])], values=[4]),
            node(2, "EmptyLatentImage", [("height", "INT", 1, "widget")], values=[100, 200, 3]),
        ],
        [(1, 1, 0, 2, 0, "INT")],
    )

    data = load(saved, catalogue).to_data()["nodes"]["2"]["inputs"]

    assert data == {"width": 100, "height": {"link": ["1", "INT"], "value": 200}, "batch_size": 3}
    assert inputs_of(saved, catalogue, 2) == {"width": 100, "height": ["1", 0], "batch_size": 3}


def test_a_primitive_gives_its_value_to_every_widget_it_is_linked_to(catalogue):
    saved = document(
        [
            node(1, "PrimitiveNode", outputs=[("INT", "INT", [1, 2])], values=[77, "increment"]),
            node(2, "EmptyLatentImage", [("width", "INT", 1, "w"), ("height", "INT", 2, "w")], values=[1, 2, 3]),
        ],
        [(1, 1, 0, 2, 0, "INT"), (2, 1, 0, 2, 1, "INT")],
    )

    prompt = prompt_of(saved, catalogue)

    assert list(prompt) == ["2"]
    assert prompt["2"]["inputs"] == {"width": 77, "height": 77, "batch_size": 3}
    assert load(saved, catalogue).to_data()["nodes"]["1"]["controls"] == {"value": "increment"}


def test_reroute_nodes_are_followed_and_never_run(catalogue):
    saved = document(
        [
            node(1, "LoadImage", outputs=[("IMAGE", "IMAGE", [1]), ("MASK", "MASK", [])], values=["a.png", "image"]),
            node(2, "Reroute", [("", "*", 1)], [("", "IMAGE", [2])]),
            node(3, "Reroute", [("", "*", 2)], [("", "IMAGE", [3])]),
            node(4, "SaveImage", [("images", "IMAGE", 3)], values=["x"]),
        ],
        [(1, 1, 0, 2, 0, "IMAGE"), (2, 2, 0, 3, 0, "IMAGE"), (3, 3, 0, 4, 0, "IMAGE")],
    )

    assert prompt_of(saved, catalogue)["4"]["inputs"] == {"filename_prefix": "x", "images": ["1", 0]}
    assert set(prompt_of(saved, catalogue)) == {"1", "4"}


@pytest.mark.parametrize("version", [0.4, 1])
def test_native_reroutes_become_waypoints(catalogue, version):
    saved = text_to_image()
    points = [
        {"id": 1, "parentId": 2, "pos": [5, 6], "linkIds": [9]},
        {"id": 2, "pos": [1, 2], "linkIds": [9], "floating": {"slotType": "input"}},
    ]
    if version == 1:
        saved = as_version_1(saved) | {"reroutes": points}
        saved["links"][8]["parentId"] = 1
    else:
        saved["extra"] = {"reroutes": points, "linkExtensions": [{"id": 9, "parentId": 1}]}

    document_ = load(saved, catalogue)

    assert document_.to_data()["layout"]["reroutes"] == [
        {"id": "1", "pos": [5, 6], "after": "2", "links": [["9", "images"]]},
        {"id": "2", "pos": [1, 2], "floating": "input"},
    ]
    assert to_prompt(document_, catalogue) == TEXT_TO_IMAGE_PROMPT


@pytest.mark.parametrize("version", [0.4, 1])
def test_links_that_end_at_a_waypoint_are_kept_and_come_back(catalogue, version):
    points = [
        {"id": 1, "pos": [5, 6], "linkIds": [], "floating": {"slotType": "output"}},
        {"id": 2, "pos": [1, 2], "linkIds": [], "floating": {"slotType": "input"}},
    ]
    ends = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type", "parentId")
    floating = [
        dict(zip(ends, (1, 4, 1, -1, -1, "CLIP", 1), strict=True)),
        dict(zip(ends, (2, -1, -1, 9, 0, "IMAGE", 2), strict=True)),
    ]
    saved = text_to_image()
    saved["links"] = [link for link in saved["links"] if link[3] != 9]
    next(each for each in saved["nodes"] if each["id"] == 9)["inputs"][0]["link"] = None
    if version == 1:
        saved = as_version_1(saved) | {"reroutes": points}
    else:
        saved["extra"] = {"reroutes": points}
    saved["floatingLinks"] = floating

    document_ = load(saved, catalogue)

    assert document_.to_data()["layout"]["reroutes"] == [
        {"id": "1", "pos": [5, 6], "floating": "output", "source": ["4", "CLIP"]},
        {"id": "2", "pos": [1, 2], "floating": "input", "targets": [["9", "images"]]},
    ]
    assert to_saved(document_, catalogue)["floatingLinks"] == floating
    assert (
        load(to_saved(document_, catalogue), catalogue).to_data()["layout"]["reroutes"]
        == (document_.to_data()["layout"]["reroutes"])
    )
    assert "images" not in to_prompt(document_, catalogue)["9"]["inputs"]


def test_what_needs_a_muted_node_loses_its_input(catalogue):
    saved = text_to_image()
    saved["nodes"][5]["mode"] = 2

    prompt = prompt_of(saved, catalogue)

    assert "8" not in prompt
    assert prompt["9"]["inputs"] == {"filename_prefix": "out"}


def bypassed(kind, inputs, slot, target_kind="SaveImage", target_input=("images", "IMAGE")):
    """Sources 1 (LATENT), 2 (IMAGE), 3 (MASK via slot 1) around a bypassed node 5 and a target 6."""
    sources = {"LATENT": (1, 0), "IMAGE": (2, 0), "MASK": (2, 1)}
    links = [(20, 5, slot, 6, 0, "*")]
    sockets = []
    for index, (name, kind_, linked) in enumerate(inputs):
        sockets.append((name, kind_, 10 + index if linked else None))
        if linked:
            links.append((10 + index, *sources[linked], 5, index, kind_))
    return document(
        [
            node(1, "EmptyLatentImage", outputs=[("LATENT", "LATENT", [])], values=[1, 1, 1]),
            node(2, "LoadImage", outputs=[("IMAGE", "IMAGE", []), ("MASK", "MASK", [])], values=["a.png"]),
            node(5, kind, sockets, mode=4),
            node(6, target_kind, [(*target_input, 20)], values=["p"]),
        ],
        links,
    )


def test_a_bypassed_node_passes_on_the_input_of_the_same_place_if_it_fits(catalogue):
    saved = bypassed(
        "ImageBlend", [("image1", "IMAGE", "IMAGE"), ("image2", "IMAGE", None), ("mask", "MASK", "MASK")], 0
    )

    assert prompt_of(saved, catalogue)["6"]["inputs"] == {"filename_prefix": "p", "images": ["2", 0]}


def test_a_bypassed_node_passes_on_the_first_input_of_the_wanted_type(catalogue):
    saved = bypassed("Swap", [("a", "LATENT", "LATENT"), ("b", "IMAGE", "IMAGE")], 0)

    assert prompt_of(saved, catalogue)["6"]["inputs"]["images"] == ["2", 0]


def test_a_bypassed_node_without_a_fitting_input_passes_on_nothing(catalogue):
    saved = bypassed("VAEDecode", [("samples", "LATENT", "LATENT"), ("vae", "VAE", None)], 0)

    assert prompt_of(saved, catalogue)["6"]["inputs"] == {"filename_prefix": "p"}


@pytest.mark.parametrize(("slot", "expected"), [(0, ["1", 0]), (1, ["2", 0]), (2, ["1", 0])])
def test_for_a_wildcard_the_place_alone_decides(catalogue, slot, expected):
    saved = bypassed("Swap", [("a", "LATENT", "LATENT"), ("b", "IMAGE", "IMAGE")], slot, "ListTaker", ("items", "*"))

    assert prompt_of(saved, catalogue)["6"]["inputs"] == {"items": expected}


def test_notes_and_groups_become_layout_and_come_back(catalogue):
    saved = text_to_image()
    saved["nodes"] += [node(20, "Note", values=["remember"], title="To do"), node(21, "MarkdownNote", values=["# Big"])]
    saved["groups"] = [
        {"id": 1, "title": "Inputs", "bounding": [0, 0, 300, 200], "color": "#3f789e", "font_size": 24, "flags": {}}
    ]
    saved["extra"] = {"ds": {"scale": 0.5, "offset": [3, 4]}, "info": {"author": "me"}}

    document_ = load(saved, catalogue)
    layout = document_.to_data()["layout"]

    assert layout["notes"] == [
        {"id": "20", "text": "remember", "box": [10, 20, 210, 100], "title": "To do"},
        {"id": "21", "text": "# Big", "box": [10, 20, 210, 100], "markdown": True},
    ]
    assert layout["groups"][0]["box"] == [0, 0, 300, 200]
    assert layout["view"] == {"offset": [3, 4], "scale": 0.5}
    again = to_saved(document_, catalogue)
    assert [each["widgets_values"] for each in again["nodes"] if "Note" in each["type"]] == [["remember"], ["# Big"]]
    assert again["groups"] == saved["groups"]
    assert again["extra"] == {"info": {"author": "me"}, "ds": {"scale": 0.5, "offset": [3, 4]}}


def test_names_that_a_person_gave_to_sockets_come_back(catalogue):
    saved = text_to_image()
    saved["nodes"][4]["inputs"][1]["label"] = "what to paint"
    saved["nodes"][0]["outputs"][2]["label"] = "painter"

    again = {each["id"]: each for each in to_saved(load(saved, catalogue), catalogue)["nodes"]}

    assert [each.get("label") for each in again[3]["inputs"]] == [None, "what to paint", None, None]
    assert [each.get("label") for each in again[4]["outputs"]] == [None, None, "painter"]


def test_former_class_names_are_renamed(catalogue):
    saved = document([node(1, "T2IAdapterLoader", values=["c"]), node(2, "MakeInt  ", values=[9])], [])

    prompt = prompt_of(saved, catalogue)

    assert [each["class_type"] for each in prompt.values()] == ["ControlNetLoader", "MakeInt"]


def test_an_unknown_node_type_loses_nothing_and_still_runs_through_its_links(catalogue):
    saved = document(
        [
            node(1, "LoadImage", outputs=[("IMAGE", "IMAGE", [1])], values=["a.png"]),
            node(
                2,
                "Mystery",
                [("picture", "IMAGE", 1)],
                [("IMAGE", "IMAGE", []), ("IMAGE", "IMAGE", [2])],
                [1, "two", [3]],
                color="#123",
            ),
            node(3, "SaveImage", [("images", "IMAGE", 2)], values=["x"]),
        ],
        [(1, 1, 0, 2, 0, "IMAGE"), (2, 2, 1, 3, 0, "IMAGE")],
    )

    converted = convert(saved, catalogue)
    data = converted.document.to_data()

    assert data["nodes"]["3"]["inputs"]["images"] == {"link": ["2", "IMAGE#2"]}
    assert data["nodes"]["2"]["kept"]["widgets_values"] == [1, "two", [3]]
    assert [each.code for each in converted.warnings] == ["unknown_type"]
    assert to_prompt(converted.document, catalogue)["2"]["inputs"] == {"picture": ["1", 0]}
    assert to_prompt(converted.document, catalogue)["3"]["inputs"]["images"] == ["2", 1]
    again = {each["id"]: each for each in to_saved(converted.document, catalogue)["nodes"]}
    assert again[2]["widgets_values"] == [1, "two", [3]]
    assert [each["name"] for each in again[2]["inputs"]] == ["picture"]


def test_stored_values_get_their_names_once_the_type_is_installed(catalogue):
    from graph_runtime.catalogue import Catalogue

    saved = document([node(1, "KSampler", values=[5, "increment", 33])], [])
    unknown = load(saved, Catalogue()).to_data()

    data = load(unknown, catalogue).to_data()["nodes"]["1"]

    assert (data["inputs"]["seed"], data["inputs"]["steps"]) == (5, 33)
    assert data["controls"] == {"seed": "increment"}
    assert "kept" not in data and "sockets" not in data


def test_positions_stored_as_objects_are_read(catalogue):
    saved = document([node(1, "MakeInt") | {"pos": {"0": 7, "1": 8}, "size": {"0": 1, "1": 2}}], [])

    assert load(saved, catalogue).to_data()["layout"]["nodes"]["1"] == {"pos": [7, 8], "size": [1, 2]}


def test_nodes_without_id_or_type_and_repeated_ids_are_reported_together(catalogue):
    saved = document([{"type": "MakeInt"}, {"id": 2}, "text", node(3, "MakeInt"), node(3, "MakeInt")], [])

    with pytest.raises(InvalidDocument) as caught:
        load(saved, catalogue)

    assert [each.path for each in caught.value.problems] == ["nodes.0", "nodes.1", "nodes.2", "nodes.4.id"]


def test_a_link_from_nowhere_is_dropped_with_a_warning(catalogue):
    saved = document([node(1, "SaveImage", [("images", "IMAGE", 5)], values=["x"])], [(5, 99, 0, 1, 0, "IMAGE")])

    converted = convert(saved, catalogue)

    assert [(each.node, each.input) for each in converted.warnings] == [("1", "images")]
    assert to_prompt(converted.document, catalogue)["1"]["inputs"] == {"filename_prefix": "x"}


def test_a_legacy_group_node_becomes_a_definition_with_the_values_of_the_instance(catalogue):
    inner = [
        node(-1, "EmptyLatentImage", outputs=[("LATENT", "LATENT", [])], values=[1, 1, 1], index=0),
        node(
            -1,
            "KSampler",
            [
                ("model", "MODEL", None),
                ("positive", "CONDITIONING", None),
                ("negative", "CONDITIONING", None),
                ("latent_image", "LATENT", None),
            ],
            [("LATENT", "LATENT", [])],
            [0, "fixed", 20, 8, "euler", "normal", 1],
            index=1,
        ),
    ]
    saved = document(
        [
            node(
                1,
                "CheckpointLoaderSimple",
                outputs=[("MODEL", "MODEL", [1]), ("CLIP", "CLIP", []), ("VAE", "VAE", [3])],
                values=["a.safetensors"],
            ),
            node(
                2,
                "workflow>Draw",
                [("model", "MODEL", 1)],
                [("LATENT", "LATENT", [2])],
                [640, 480, 2, 42, "increment", 30, 5.5, "dpmpp_2m", "karras", 0.7],
            ),
            node(3, "VAEDecode", [("samples", "LATENT", 2), ("vae", "VAE", 3)]),
        ],
        [(1, 1, 0, 2, 0, "MODEL"), (2, 2, 0, 3, 0, "LATENT"), (3, 1, 2, 3, 1, "VAE")],
        extra={
            "groupNodes": {"Draw": {"nodes": inner, "links": [[0, 0, 1, 3, "LATENT"]], "external": [], "config": {}}}
        },
    )

    prompt = prompt_of(saved, catalogue)

    assert prompt["2:0"]["inputs"] == {"width": 640, "height": 480, "batch_size": 2}
    assert prompt["2:1"]["inputs"] == {
        "seed": 42,
        "steps": 30,
        "cfg": 5.5,
        "sampler_name": "dpmpp_2m",
        "scheduler": "karras",
        "denoise": 0.7,
        "model": ["1", 0],
        "latent_image": ["2:0", 0],
    }
    assert prompt["3"]["inputs"]["samples"] == ["2:1", 0]
    again = load(to_saved(load(saved, catalogue), catalogue), catalogue)
    assert to_prompt(again, catalogue) == prompt


def nested(depth):
    """`depth` subgraphs inside each other around one ImageScale whose width is promoted all the way."""
    definitions = []
    for level in range(depth):
        inner = (
            node(1, "ImageScale", [("image", "IMAGE", 1), ("width", "INT", 2, "w")], [("IMAGE", "IMAGE", [3])], [64])
            if level == 0
            else node(
                1,
                f"d{level - 1}",
                [("image", "IMAGE", 1), ("width", "INT", 2, "w")],
                [("IMAGE", "IMAGE", [3])],
                [level],
            )
        )
        definitions.append(
            subgraph(
                f"d{level}",
                [("image", "IMAGE", [1]), ("width", "INT", [2])],
                [("IMAGE", "IMAGE", [3])],
                [inner],
                [link(1, -10, 0, 1, 0), link(2, -10, 1, 1, 1), link(3, 1, 0, -20, 0)],
            )
        )
    return document(
        [
            node(1, "LoadImage", outputs=[("IMAGE", "IMAGE", [1])], values=["a.png"]),
            node(
                12,
                f"d{depth - 1}",
                [("image", "IMAGE", 1), ("width", "INT", None, "w")],
                [("IMAGE", "IMAGE", [2])],
                [321],
            ),
            node(3, "SaveImage", [("images", "IMAGE", 2)], values=["x"]),
        ],
        [(1, 1, 0, 12, 0, "IMAGE"), (2, 12, 0, 3, 0, "IMAGE")],
        definitions={"subgraphs": definitions},
    )


@pytest.mark.parametrize("depth", [1, 2, 3, 40])
def test_subgraphs_of_any_depth_are_opened_under_path_ids(catalogue, depth):
    path = "12" + ":1" * depth

    prompt = prompt_of(nested(depth), catalogue)

    assert list(prompt) == ["1", path, "3"]
    assert prompt[path]["inputs"] == {"width": 321, "image": ["1", 0]}
    assert prompt["3"]["inputs"]["images"] == [path, 0]


def test_definitions_inside_definitions_are_found(catalogue):
    saved = nested(3)
    first, second, third = saved["definitions"]["subgraphs"]
    second["definitions"] = {"subgraphs": [first]}
    third["definitions"] = {"subgraphs": [second]}
    saved["definitions"] = {"subgraphs": [third]}

    assert prompt_of(saved, catalogue) == prompt_of(nested(3), catalogue)


def test_every_instance_has_its_own_promoted_values(catalogue):
    saved = nested(1)
    saved["nodes"].append(
        node(13, "d0", [("image", "IMAGE", None), ("width", "INT", None, "w")], [("IMAGE", "IMAGE", [])], [99])
    )

    prompt = prompt_of(saved, catalogue)

    assert (prompt["12:1"]["inputs"]["width"], prompt["13:1"]["inputs"]["width"]) == (321, 99)
    assert "image" not in prompt["13:1"]["inputs"]


def test_a_promoted_widget_that_is_linked_takes_the_link(catalogue):
    saved = nested(2)
    saved["nodes"].append(node(5, "MakeInt", outputs=[("INT", "INT", [7])], values=[8]))
    saved["nodes"][1]["inputs"][1]["link"] = 7
    saved["links"].append([7, 5, 0, 12, 1, "INT"])

    assert prompt_of(saved, catalogue)["12:1:1"]["inputs"]["width"] == ["5", 0]


def test_proxy_widgets_are_tolerated(catalogue):
    saved = nested(1)
    saved["nodes"][1]["properties"]["proxyWidgets"] = [["-1", "width"], ["1", "width"]]
    saved["nodes"][1]["widgets_values"] = [55, 66]

    assert prompt_of(saved, catalogue)["12:1"]["inputs"]["width"] == 55


def test_a_bypassed_instance_is_resolved_like_a_bypassed_node(catalogue):
    saved = nested(1)
    saved["nodes"][1]["mode"] = 4
    saved["definitions"]["subgraphs"][0]["nodes"][0]["mode"] = 4

    prompt = prompt_of(saved, catalogue)

    assert set(prompt) == {"1", "3"}
    assert prompt["3"]["inputs"]["images"] == ["1", 0]


def test_a_bypassed_instance_whose_nodes_are_not_bypassed_still_runs_them(catalogue):
    saved = nested(1)
    saved["nodes"][1]["mode"] = 4

    document_ = load(saved, catalogue)
    prompt = to_prompt(document_, catalogue)

    assert set(prompt) == {"1", "12:1", "3"}
    assert prompt["3"]["inputs"]["images"] == ["1", 0]
    assert to_saved(document_, catalogue)["nodes"][1]["mode"] == 4


def test_a_muted_instance_whose_nodes_are_not_muted_still_runs_them(catalogue):
    saved = nested(1)
    saved["nodes"][1]["mode"] = 2

    prompt = prompt_of(saved, catalogue)

    assert "12:1" in prompt
    assert to_saved(load(saved, catalogue), catalogue)["nodes"][1]["mode"] == 2


def test_a_muted_instance_of_muted_nodes_runs_nothing(catalogue):
    saved = nested(1)
    saved["nodes"][1]["mode"] = 2
    saved["definitions"]["subgraphs"][0]["nodes"][0]["mode"] = 2

    prompt = prompt_of(saved, catalogue)

    assert set(prompt) == {"1", "3"}
    assert prompt["3"]["inputs"] == {"filename_prefix": "x"}
