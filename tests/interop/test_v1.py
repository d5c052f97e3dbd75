"""Node classes in the V1 convention, run by the engine."""

from __future__ import annotations

import json
from pathlib import Path

from graph_runtime.object_info import object_info
from tests.interop.conftest import Open, show


def number(value: int) -> dict[str, object]:
    return {"class_type": "Number", "inputs": {"value": value}}


async def test_values_flow_from_class_to_class(house: Open) -> None:
    sinks = house("sinks")
    prompt = {"1": number(4), "2": {"class_type": "Add", "inputs": {"a": ["1", 0], "b": 3}}, "3": show(["2", 0])}

    ran = await sinks.run({**prompt, "2": {"class_type": "Add", "inputs": {"a": ["1", 0], "b": ["1", 0]}}})

    assert ran.shown("3", "values") == [8]


async def test_an_absent_optional_input_is_not_passed(house: Open) -> None:
    sinks = house("sinks")
    add = {"class_type": "Add", "inputs": {"a": ["1", 0], "b": ["1", 0]}}

    ran = await sinks.run({"1": number(2), "2": add, "3": show(["2", 0])})

    assert ran.shown("3", "values") == [4]


async def test_a_node_is_called_once_for_every_item_of_a_list(house: Open) -> None:
    sinks = house("sinks")
    items = {"class_type": "Items", "inputs": {"count": 3, "start": 5}}
    add = {"class_type": "Add", "inputs": {"a": ["1", 0], "b": ["2", 0]}}

    ran = await sinks.run({"1": items, "2": number(1), "3": add, "4": show(["3", 0])})

    assert ran.shown("4", "values") == [6, 7, 8]


async def test_a_class_that_takes_lists_gets_every_argument_as_a_list(house: Open) -> None:
    sinks = house("sinks")
    items = {"class_type": "Items", "inputs": {"count": 4, "start": 1}}
    total = {"class_type": "Sum", "inputs": {"values": ["1", 0], "times": 2}}

    ran = await sinks.run({"1": items, "2": total, "3": show(["2", 0])})

    assert ran.shown("3", "values") == [20]


async def test_hidden_inputs_carry_the_run(house: Open) -> None:
    sinks = house("sinks")
    prompt = {"7": {"class_type": "Hidden", "inputs": {}}}

    ran = await sinks.run(prompt, extra_pnginfo={"workflow": {}})

    assert ran.shown("7", "hidden") == ["7", ["7"], {"workflow": {}}, ["7"], "Hidden"]


async def test_what_an_instance_keeps_lasts_while_its_node_is_used(house: Open) -> None:
    sinks = house("sinks")
    prompt = {"1": number(1), "2": {"class_type": "Counter", "inputs": {"any": ["1", 0]}}, "3": show(["2", 0])}

    counts = [(await sinks.run(prompt)).shown("3", "values") for _ in range(3)]
    await sinks.run({"1": number(1), "9": show(["1", 0])})
    after_absence = (await sinks.run(prompt)).shown("3", "values")

    assert counts == [[1], [2], [3]]
    assert after_absence == [1]


async def test_missing_results_read_as_none(house: Open) -> None:
    sinks = house("sinks")

    ran = await sinks.run({"1": {"class_type": "TooFew", "inputs": {}}, "2": show(["1", 0]), "3": show(["1", 1])})

    assert ran.shown("2", "values") == [1]
    assert ran.shown("3", "values") == [None]


async def test_returning_nothing_is_an_error_with_a_cure(house: Open) -> None:
    sinks = house("sinks")

    ran = await sinks.run({"1": {"class_type": "Nothing", "inputs": {}}, "2": show(["1", 0])})

    assert ran.outcome.status == "failed"
    assert "Nothing.run returned NoneType instead of a tuple." in ran.message
    assert "one item needs a comma" in ran.seen.of("run_failed")[0].fix


async def test_an_unchanged_node_comes_from_the_cache(house: Open) -> None:
    sinks = house("sinks")
    prompt = {"1": number(1), "3": show(["1", 0])}
    await sinks.run(prompt)
    made = sinks.module("sinks").Number.made

    again = await sinks.run(prompt)

    assert sinks.module("sinks").Number.made == made
    assert again.seen.of("nodes_cached")[0].nodes == ("1", "3")


def test_declarations_become_the_established_description(house: Open) -> None:
    sinks = house("sinks")
    info = object_info(sinks.engine.catalogue["Old"], sinks.folders.choices)

    assert info["input"] == {
        "required": {"choice": [["a", "b"], {"default": "b"}], "new": ["COMBO", {"options": ["x", "y"]}]}
    }
    assert info["output"] == [["a", "b"]]
    assert (info["deprecated"], info["experimental"], info["api_node"]) == (True, True, True)
    assert info["python_module"] == "custom_nodes.sinks"
    assert info["category"] == "sd"


def test_display_names_tooltips_and_lists_are_described(house: Open) -> None:
    sinks = house("sinks")
    items = object_info(sinks.engine.catalogue["Items"], sinks.folders.choices)

    assert sinks.engine.catalogue["Number"].display_name == "A Number"
    assert (items["output_name"], items["output_is_list"], items["output_tooltips"]) == (
        ["items"],
        [True],
        ["One by one."],
    )


async def test_a_careless_class_is_listed_and_fails_only_when_it_runs(house: Open) -> None:
    sinks = house("sinks")
    spec = sinks.engine.catalogue["Careless"]

    ran = await sinks.run({"1": {"class_type": "Careless", "inputs": {"a": 1}}})

    assert ([item.type for item in spec.inputs], [item.type for item in spec.outputs]) == (["INT"], ["INT"])
    assert "FUNCTION of Careless is 'no_such_method', which is no method of it." in ran.message


def test_a_class_that_cannot_be_listed_is_left_out_with_a_warning(house: Open) -> None:
    sinks = house("sinks")

    assert "Unreadable" not in sinks.engine.catalogue
    (warning,) = sinks.report("sinks").warnings
    assert warning == "Node 'Unreadable' of 'sinks' was left out: OSError: the folder of choices is gone."


async def test_a_type_that_differs_from_nothing_connects_to_everything(house: Open) -> None:
    both = house("sinks", "wildcards")
    prompt = {"1": number(6), "2": {"class_type": "PassAnything", "inputs": {"value": ["1", 0]}}, "3": show(["2", 0])}

    ran = await both.run(prompt)

    assert ran.shown("3", "values") == [6]


async def test_a_mapping_that_answers_for_every_name_receives_undeclared_inputs(house: Open) -> None:
    both = house("sinks", "wildcards")
    takes = {"class_type": "TakesAnyName", "inputs": {"known": 1, "made_up": "text", "linked": ["1", 0]}}

    ran = await both.run({"1": number(6), "2": takes})

    assert ran.shown("2", "given") == [{"known": 1, "linked": 6, "made_up": "text"}]


async def test_an_undeclared_literal_is_dropped_where_nobody_answers_for_it(house: Open) -> None:
    sinks = house("sinks")

    ran = await sinks.run({"1": {"class_type": "Number", "inputs": {"value": 6, "made_up": 1}}, "2": show(["1", 0])})

    assert ran.shown("2", "values") == [6]


async def test_a_tuple_that_answers_for_every_index_has_endless_outputs(house: Open) -> None:
    both = house("sinks", "wildcards")
    prompt = {"1": {"class_type": "ManyOutputs", "inputs": {"count": 5}}, "2": show(["1", 4])}

    ran = await both.run(prompt)

    assert ran.shown("2", "values") == [4]


async def test_only_the_chosen_lazy_branch_runs(house: Open) -> None:
    both = house("sinks", "lazy_choice")
    choose = {"class_type": "LazyChoice", "inputs": {"first": True, "a": ["1", 0], "b": ["2", 0]}}
    explode = {"class_type": "Explode", "inputs": {"text": "b"}}

    ran = await both.run({"1": number(3), "2": explode, "3": choose, "4": show(["3", 0])})

    assert ran.outcome.status == "succeeded"
    assert ran.shown("4", "values") == [3]
    assert "2" not in ran.seen.started()


async def test_a_node_runs_again_when_its_change_token_differs(house: Open) -> None:
    both = house("sinks", "changes")
    state = both.module("changes").state
    prompt = {"1": {"class_type": "Watches", "inputs": {"name": "x"}}, "2": show(["1", 0])}

    first = (await both.run(prompt)).shown("2", "values")
    same = (await both.run(prompt)).shown("2", "values")
    state["token"] = 2
    changed = (await both.run(prompt)).shown("2", "values")
    state["raise"] = True
    raised = [(await both.run(prompt)).shown("2", "values") for _ in range(2)]

    assert (first, same, changed) == ([1], [1], [2])
    assert raised == [[3], [4]]


async def test_a_pack_that_looks_who_asks_finds_the_frame_it_looks_for(house: Open) -> None:
    both = house("sinks", "changes")
    looks = {"class_type": "LooksAtTheStack", "inputs": {"input1": 1, "input2": 2, "input3": ["1", 0]}}

    ran = await both.run({"1": number(6), "2": looks})

    assert ran.shown("2", "given") == ["input1", "input2", "input3"]
    assert [item.name for item in both.engine.catalogue["LooksAtTheStack"].inputs] == ["input1"]


async def test_a_validation_hook_is_asked_with_values_and_types(house: Open) -> None:
    both = house("sinks", "changes")
    spec = both.engine.catalogue["Checks"]
    prompt = {"1": number(1), "2": {"class_type": "Checks", "inputs": {"even": 12, "linked": ["1", 0]}}}

    errors = both.errors(prompt)
    from graph_runtime.behaviour import Invocation

    good = spec.behaviour.check(Invocation({"even": 12}), {"linked": "INT"})
    odd = spec.behaviour.check(Invocation({"even": 3}), {"linked": "INT"})
    mistyped = spec.behaviour.check(Invocation({"even": 2}), {"linked": "IMAGE"})

    assert errors == {}  # the hook names `even`, so its bounds are left to the hook
    assert spec.checks_inputs == ("even", "input_types")
    assert (good, odd, mistyped) == (True, "3 is odd", "cannot take IMAGE")


def test_bounds_and_choices_are_checked_where_no_hook_does(house: Open) -> None:
    sinks = house("sinks")
    old = {"class_type": "Old", "inputs": {"choice": "z", "new": "anything"}}

    assert sinks.errors({"1": number(101), "2": show(["1", 0])}) == {"1": ["value_bigger_than_max"]}
    assert sinks.errors({"1": old, "2": show(["1", 0])}) == {"1": ["value_not_in_list"]}


async def test_a_blocker_stops_only_what_depends_on_it(house: Open) -> None:
    both = house("sinks", "blockers")
    gate = {"class_type": "Gate", "inputs": {"value": ["1", 0], "limit": 1}}
    items = {"class_type": "Items", "inputs": {"count": 3, "start": 0}}

    ran = await both.run({"1": items, "2": gate, "3": show(["2", 0]), "4": show(["2", 1])})

    assert ran.shown("3", "values") == [0, 1]
    assert ran.shown("4", "values") == [0, 1, 2]


async def test_a_blocker_with_a_message_says_it_at_the_first_node_held_back(house: Open) -> None:
    both = house("sinks", "blockers")
    for alone in (True, False):
        prompt = {"1": {"class_type": "Blocks", "inputs": {"alone": alone}}, "2": show(["1", 0])}

        ran = await both.run(prompt)

        (blocked,) = ran.seen.of("node_blocked")
        assert (blocked.node, blocked.message) == ("2", "nothing to show")
        assert "2" not in ran.outcome.outputs


async def test_async_functions_run_at_the_same_time(house: Open) -> None:
    both = house("sinks", "async_nodes")
    waits = {str(n): {"class_type": "Waits", "inputs": {"value": ["0", 0], "seconds": 0.05}} for n in range(1, 5)}
    waits = {
        key: {**node, "inputs": {**node["inputs"], "seconds": 0.05 + int(key) / 1e4}} for key, node in waits.items()
    }
    shows = {f"s{n}": show([str(n), 0]) for n in range(1, 5)}

    ran = await both.run({"0": number(1), **waits, **shows})

    assert ran.outcome.status == "succeeded"
    assert both.module("async_nodes").together["most"] == 4


async def test_a_waiting_async_node_is_stopped_by_cancelling(house: Open) -> None:
    import asyncio

    from graph_runtime.cancel import CancelToken

    both = house("sinks", "async_nodes")
    token = CancelToken()
    running = asyncio.create_task(
        both.run({"1": {"class_type": "WaitsForever", "inputs": {}}, "2": show(["1", 0])}, cancel=token)
    )
    await asyncio.to_thread(both.module("async_nodes").waiting.wait, 10)

    token.cancel()
    ran = await asyncio.wait_for(running, 10)

    assert ran.outcome.status == "cancelled"


async def test_a_pack_can_interrupt_the_run(house: Open) -> None:
    both = house("sinks", "async_nodes")
    for how in ("raise", "ask"):
        ran = await both.run({"1": {"class_type": "Interrupts", "inputs": {"how": how}}, "2": show(["1", 0])})

        assert ran.outcome.status == "cancelled", how


def test_hidden_choices_and_declarations_that_are_no_data_cost_at_most_their_class(house: Open, tmp_path: Path) -> None:
    pack = tmp_path / "custom_nodes" / "odd.py"
    pack.parent.mkdir()
    pack.write_text(
        "class Listed:\n"
        "    RETURN_TYPES, FUNCTION = ('INT',), 'run'\n"
        "    @classmethod\n"
        "    def INPUT_TYPES(cls):\n"
        "        hidden = {'saved': (['CHOOSE'],), 'odd': ('X', {'a': 1}), 'id': 'UNIQUE_ID'}\n"
        "        return {'required': {}, 'hidden': hidden}\n"
        "    def run(self, saved=None, odd=None, id=None):\n"
        "        return (saved,)\n"
        "class Numbered(Listed):\n"
        "    @classmethod\n"
        "    def INPUT_TYPES(cls):\n"
        "        return {'required': {'a': (5,), 'b': (None,), 'c': (['x', b'y', object()],)}}\n"
        "class Described(Listed):\n"
        "    CATEGORY, DESCRIPTION, RETURN_TYPES = object(), 7, (5, None)\n"
        "NODE_CLASS_MAPPINGS = {cls.__name__: cls for cls in (Listed, Numbered, Described)}\n"
    )

    opened = house()
    data = json.loads(json.dumps(opened.engine.catalogue.to_data()))

    assert {item["name"]: item["type"] for item in data["Listed"]["inputs"]} == {
        "saved": "COMBO", "odd": "X", "id": "UNIQUE_ID",
    }  # fmt: skip
    left_out = {name for name in ("Numbered", "Described") if name not in data}
    assert all(any(name in warning for warning in opened.report("odd").warnings) for name in left_out)


OWN_TYPES = """
class Everything(str):
    def __eq__(self, other):
        return True
    def __ne__(self, other):
        return False

class OneOf(str):
    def __new__(cls, name, allowed):
        made = super().__new__(cls, name)
        made.allowed = allowed
        return made
    def __ne__(self, other):
        return other not in self.allowed

class Takes:
    RETURN_TYPES, FUNCTION, OUTPUT_NODE = (Everything("*"),), "run", True
    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"any": (Everything("*"),), "frames": (OneOf("IMAGE", ["IMAGE", "LATENT"]),)},
            "optional": {"rate": (OneOf("FLOAT", ["FLOAT", "INT"]), {"default": 8})},
        }
    def run(self, any, frames, rate=8):
        return {"ui": {"told": [type(frames).__name__, rate]}, "result": (any,)}

NODE_CLASS_MAPPINGS = {"Takes": Takes}
"""


async def test_types_that_cannot_be_hashed_or_take_one_of_several_connect(house: Open, tmp_path: Path) -> None:
    pack = tmp_path / "custom_nodes" / "own_types.py"
    pack.parent.mkdir()
    pack.write_text(OWN_TYPES)
    opened = house("sinks")
    latent = {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}}
    picture = {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}}

    def takes(**inputs: object) -> dict[str, object]:
        return {"class_type": "Takes", "inputs": {"any": ["n", 0], **inputs}}

    prompt = {"n": number(3), "l": latent, "p": picture, "t": takes(frames=["l", 0], rate=["n", 0])}
    ran = await opened.run({**prompt, "s": show(["t", 0]), "u": takes(frames=["p", 0])})

    assert ran.shown("t", "told") == ["dict", 3]
    assert ran.shown("u", "told") == ["Tensor", 8]
    assert ran.shown("s", "values") == [3]
    assert opened.errors({**prompt, "t": takes(frames=["n", 0])}) == {"t": ["return_type_mismatch"]}
    info = object_info(opened.engine.catalogue["Takes"], opened.folders.choices)
    assert info["input"]["required"]["frames"] == ["IMAGE"]
