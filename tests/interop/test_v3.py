"""Node classes in the V3 convention, run by the engine."""

from __future__ import annotations

import aiohttp
import pytest

from graph_runtime.object_info import object_info
from interop.routes import KEY_HEADER
from tests.interop.conftest import House, Open, show

EVERYTHING = {"count": 3, "share": 0.5, "text": "t", "on": True, "flavour": "sour"}


def test_the_classes_of_an_extension_become_nodes_and_a_broken_one_is_named(house: Open) -> None:
    v3 = house("schema_nodes")
    report = v3.report("schema_nodes")

    assert report.ok
    assert "Everything" in v3.engine.catalogue
    (warning,) = report.warnings
    assert "Broken" in warning
    assert "several inputs called same" in warning


def test_a_schema_becomes_the_established_description(house: Open) -> None:
    v3 = house("schema_nodes")
    info = object_info(v3.engine.catalogue["Everything"], v3.folders.choices)

    required, optional = info["input"]["required"], info["input"]["optional"]
    assert required["count"] == [
        "INT",
        {"tooltip": "How many.", "default": 3, "min": 1, "max": 9, "step": 2, "control_after_generate": True},
    ]
    assert required["share"] == ["FLOAT", {"default": 0.5, "display": "slider", "round": 0.01}]
    assert required["text"] == ["STRING", {"multiline": True, "dynamicPrompts": True}]
    assert required["on"] == ["BOOLEAN", {"default": True, "label_on": "yes"}]
    assert required["flavour"] == ["COMBO", {"default": "sour", "multiselect": False, "options": ["sweet", "sour"]}]
    assert optional["several"][1]["multi_select"] is True
    assert optional["either"] == ["INT,FLOAT,STRING", {"default": 1, "widgetType": "INT"}]
    assert optional["own"][0] == "SPECIMEN"
    assert info["output"] == ["STRING", "INT"]
    assert info["output_name"] == ["said", "INT"]
    assert info["output_is_list"] == [False, True]
    assert info["output_tooltips"] == ["All of it.", None]
    assert info["input"]["hidden"] == {
        "unique_id": ["UNIQUE_ID"],
        "prompt": ["PROMPT"],
        "extra_pnginfo": ["EXTRA_PNGINFO"],
    }
    assert (info["experimental"], info["deprecated"], info["display_name"]) == (True, False, "Every Input")


async def test_execute_is_given_inputs_and_hidden_values(house: Open) -> None:
    v3 = house("schema_nodes", "sinks")

    ran = await v3.run({"1": {"class_type": "Everything", "inputs": EVERYTHING}, "2": show(["1", 1])})

    assert ran.shown("1", "told") == [3, 0.5, "t", True, "sour", [], "1", None]
    assert ran.shown("2", "values") == [0, 1, 2]


async def test_nothing_can_be_set_on_the_class(house: Open) -> None:
    v3 = house("schema_nodes")

    ran = await v3.run({"1": {"class_type": "SetsItself", "inputs": {}}})

    assert ran.outcome.status == "failed"
    assert "Cannot set 'kept' on SetsItself" in ran.message


@pytest.mark.parametrize(
    ("form", "first", "second"), [("output", 1, 2), ("tuple", 1, 2), ("none", None, None), ("dict", 1, 2)]
)
async def test_every_form_of_result_is_understood(house: Open, form: str, first: object, second: object) -> None:
    v3 = house("schema_nodes", "sinks")
    prompt = {"1": {"class_type": "Returns", "inputs": {"form": form}}, "2": show(["1", 0]), "3": show(["1", 1])}

    ran = await v3.run(prompt)

    assert (ran.shown("2", "values"), ran.shown("3", "values")) == ([first], [second])


@pytest.mark.parametrize("form", ["blocker", "block"])
async def test_both_ways_to_block_hold_back_what_depends(house: Open, form: str) -> None:
    v3 = house("schema_nodes", "sinks")
    prompt = {"1": {"class_type": "Returns", "inputs": {"form": form}}, "2": show(["1", 1])}

    ran = await v3.run(prompt)

    assert [event.message for event in ran.seen.of("node_blocked")] == ["held back"]
    assert "2" not in ran.outcome.outputs


async def test_any_other_result_is_an_error(house: Open) -> None:
    v3 = house("schema_nodes", "sinks")

    ran = await v3.run({"1": {"class_type": "Returns", "inputs": {"form": "wrong"}}, "2": show(["1", 0])})

    assert "Returns.execute returned int." in ran.message


async def test_expansion_async_and_progress_work_together(house: Open) -> None:
    v3 = house("schema_nodes", "sinks")
    prompt = {
        "0": {"class_type": "Number", "inputs": {"value": 21}},
        "1": {"class_type": "ExpandsV3", "inputs": {"value": ["0", 0]}},
        "2": show(["1", 0]),
    }

    ran = await v3.run(prompt)

    assert ran.shown("2", "values") == [42]
    progress = ran.seen.of("node_progress")
    assert [(event.display, event.value, event.max) for event in progress if event.node == "1.0.0.1"][:1] == [
        ("1", 1, 2)
    ]


async def test_only_the_lazy_input_asked_for_is_evaluated(house: Open) -> None:
    v3 = house("schema_nodes", "sinks", "lazy_choice")
    prompt = {
        "1": {"class_type": "Number", "inputs": {"value": 4}},
        "2": {"class_type": "Explode", "inputs": {"text": "b"}},
        "3": {"class_type": "LazyV3", "inputs": {"first": True, "a": ["1", 0], "b": ["2", 0]}},
        "4": show(["3", 0]),
    }

    ran = await v3.run(prompt)

    assert ran.shown("4", "values") == [4]


async def test_a_fingerprint_decides_whether_a_node_runs_again(house: Open) -> None:
    v3 = house("schema_nodes", "sinks")
    cls = v3.module("schema_nodes").Fingerprinted
    prompt = {"1": {"class_type": "Fingerprinted", "inputs": {}}, "2": show(["1", 0])}

    values = []
    for token in (1, 1, 2):
        cls.token[0] = token
        values.append((await v3.run(prompt)).shown("2", "values"))

    assert values == [[1], [1], [2]]


async def test_inputs_that_appear_with_others_arrive_as_one_dict(house: Open) -> None:
    v3 = house("schema_nodes")
    inputs = {"numbers.n0": 5, "numbers.n2": 7, "size": "fixed", "size.width": 9}

    ran = await v3.run({"1": {"class_type": "Grows", "inputs": inputs}})

    assert ran.shown("1", "told") == [{"n0": 5, "n2": 7}, {"size": "fixed", "width": 9}]


async def test_helpers_show_texts_and_pictures(house: Open) -> None:
    v3 = house("schema_nodes")
    text = {"class_type": "ShowsText", "inputs": {"text": "words"}}

    ran = await v3.run({"1": text, "2": {"class_type": "ShowsPicture", "inputs": {}}})

    assert ran.shown("1", "text") == ["words"]
    preview, saved = ran.shown("2", "images")
    assert preview["type"] == "temp"
    assert (saved["filename"], saved["subfolder"], saved["type"]) == ("pic_00001_.png", "v3", "output")
    assert (v3.folders.output / "v3" / "pic_00001_.png").is_file()


async def test_a_validation_hook_is_asked(house: Open) -> None:
    from graph_runtime.behaviour import Invocation

    v3: House = house("schema_nodes")
    behaviour = v3.engine.catalogue["Everything"].behaviour

    assert behaviour.check(Invocation({"count": 4}), {}) is True
    assert behaviour.check(Invocation({"count": 5}), {}) == "five is refused"


def test_a_v3_class_answers_like_a_v1_class(house: Open) -> None:
    cls = house("schema_nodes").module("schema_nodes").Everything

    assert cls.RETURN_TYPES[0] == "STRING"
    assert (cls.OUTPUT_NODE, cls.CATEGORY, cls.FUNCTION) == (True, "specimen/v3", "EXECUTE_NORMALIZED")
    assert cls.INPUT_TYPES()["required"]["count"][0] == "INT"
    assert cls.EXECUTE_NORMALIZED.__self__ is cls


def test_types_of_newer_hosts_are_types(house: Open) -> None:
    v3 = house("schema_nodes")
    info = object_info(v3.engine.catalogue["FieldFromTheFuture"], v3.folders.choices)

    assert info["input"]["optional"]["field"][0] == "DEPTH_FIELD"
    assert info["output"] == ["DEPTH_FIELD", "FILE_3D_GLB"]


async def test_what_an_extension_registers_when_it_loads_is_served(house: Open) -> None:
    report = house("schema_nodes").report("schema_nodes")
    prompt = {
        "1": {"class_type": "ReturnsOnce", "inputs": {"how": "tuple", "gone": 2}},
        "2": {"class_type": "Show", "inputs": {"value": ["1", 1], "kept": ["1", 0]}},
        "3": {"class_type": "Show", "inputs": {}},
    }
    headers = {KEY_HEADER: str(report.routes_key)}

    async with aiohttp.ClientSession(f"http://127.0.0.1:{report.routes_port}", headers=headers) as session:
        async with session.get("/schema_nodes/loaded") as answer:
            assert await answer.json() == {"loaded": True}
        async with session.post("/heddle/on_prompt", json={"prompt": prompt}) as answer:
            changed = (await answer.json())["prompt"]

    assert changed["1"] == {"class_type": "Returns", "inputs": {"form": "tuple", "extra": 1}}
    assert changed["2"]["inputs"] == {"value": ["1", 0], "kept": ["1", 0]}
    assert changed["3"] == prompt["3"]
