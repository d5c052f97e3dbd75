"""Every rule of validation, with its established type, message, details and extra."""

from __future__ import annotations

import math
from typing import Annotated, Any

import pytest

from graph_runtime.api import Alias, AnyType, Catalogue, Choice, FileIn, InputSpec, NodeSpec, OutputSpec, Range, Socket
from graph_runtime.api import node as declare
from graph_runtime.declare import spec_of
from graph_runtime.prompt import parse_prompt, to_prompt
from graph_runtime.validate import Problem, Validation, node_errors, prompt_error, validate

Image = Annotated[Any, Socket("IMAGE")]
Mask = Annotated[Any, Socket("MASK")]


@declare("Make")
def make(*, width: Annotated[int, Range(16, 64)] = 32) -> Image: ...


@declare("Mix")
def mix(
    *,
    image: Image,
    amount: Annotated[float, Range(0, 1)] = 0.5,
    text: str = "",
    flag: bool = False,
    mode: Annotated[str, Choice("add", "mul")] = "add",
    later: Annotated[str, Choice("x", form="new")] = "x",
    file: Annotated[str, FileIn("input")],
    renamed: Annotated[int, Alias("former")] = 1,
    mask: Mask | None = None,
) -> tuple[Image, Mask]: ...


@declare("Save", terminal=True)
def save(*, image: Image, prefix: str = "x") -> None: ...


@declare("Checked", terminal=True, validate=lambda value: None)
def checked(*, value: Annotated[int, Range(0, 1)], other: Annotated[int, Range(0, 1)] = 0) -> None: ...


def _specs() -> list[NodeSpec]:
    return [spec_of(function) for function in (make, mix, save, checked)]


CATALOGUE = Catalogue(_specs())
FILES = {"input": ["a.png", "b.png"]}
MIX = {"amount": 0.5, "text": "", "flag": True, "mode": "add", "later": "x", "file": "a.png", "renamed": 1}


def check(prompt: dict[str, Any], targets: list[str] | None = None, catalogue: Catalogue = CATALOGUE) -> Validation:
    nodes = {node_id: {"class_type": kind, "inputs": inputs} for node_id, (kind, inputs) in prompt.items()}
    return validate(parse_prompt(nodes), catalogue, lambda folder: FILES[folder], targets)


def mixed(**changes: Any) -> Validation:
    inputs = {**MIX, "image": ["1", 0], **changes}
    return check(
        {
            "1": ("Make", {"width": 32}),
            "2": ("Mix", {name: value for name, value in inputs.items() if value is not ...}),
            "3": ("Save", {"image": ["2", 0], "prefix": "x"}),
        }
    )


def only(validation: Validation) -> Problem:
    assert len(validation.problems) == 1, validation.problems
    assert validation.good_outputs == () and validation.bad_outputs != ()
    problem = validation.problems[0]
    assert problem.fix or problem.code == "custom_validation_failed"
    return problem


def shape(problem: Problem) -> tuple[Any, ...]:
    return problem.code, problem.node, problem.what, problem.details, dict(problem.extra)


def test_a_good_graph_has_no_problems() -> None:
    validation = mixed()

    assert validation.problems == () and validation.good_outputs == ("3",) and prompt_error(validation) is None


def test_rule_1_a_required_input_is_missing_even_if_it_has_a_default() -> None:
    assert shape(only(mixed(amount=...))) == (
        "required_input_missing",
        "2",
        "Required input is missing",
        "amount",
        {"input_name": "amount"},
    )


def test_rule_1_an_optional_input_may_be_missing() -> None:
    assert mixed().good_outputs == ("3",)


@pytest.mark.parametrize("value", [[], ["1"], ["1", 0, 0], [1, 0], ["1", "0"], ["1", True], [["1", 0]]])
def test_rule_2_a_list_that_is_no_link_is_a_bad_link(value: Any) -> None:
    assert shape(only(mixed(image=value))) == (
        "bad_linked_input",
        "2",
        "Bad linked input, must be a length-2 list of [node_id, slot_index]",
        "image",
        {"input_name": "image", "input_config": ["IMAGE"], "received_value": value},
    )


@pytest.mark.parametrize(
    ("link", "kind"), [(["99", 0], "KeyError"), (["1", 7], "IndexError"), (["1", -1], "IndexError")]
)
def test_rule_3_a_missing_source_is_reported_on_the_node_that_holds_the_link(link: Any, kind: str) -> None:
    problem = only(mixed(image=link))

    assert (problem.code, problem.node, problem.what) == (
        "exception_during_inner_validation",
        "2",
        "Exception when validating inner node",
    )
    assert problem.extra["input_name"] == "image" and problem.extra["linked_node"] == ["2", 0]
    assert problem.extra["exception_type"] == kind and problem.extra["input_config"] == ["IMAGE"]
    assert "Connect it again." in problem.fix


def test_rule_3_on_an_output_node_it_is_its_own_exception() -> None:
    problem = only(check({"3": ("Save", {"image": ["99", 0], "prefix": "x"})}))

    assert (problem.code, problem.node, problem.what) == (
        "exception_during_validation",
        "3",
        "Exception when validating node",
    )
    assert problem.extra["exception_type"] == "KeyError"


def test_rule_4_types_must_match() -> None:
    validation = check(
        {
            "1": ("Make", {"width": 32}),
            "2": ("Mix", {**MIX, "image": ["1", 0]}),
            "3": ("Save", {"image": ["2", 1], "prefix": "x"}),
        }
    )

    assert shape(only(validation)) == (
        "return_type_mismatch",
        "3",
        "Return type mismatch between linked nodes",
        "image, received_type(MASK) mismatch input_type(IMAGE)",
        {"input_name": "image", "input_config": ["IMAGE"], "received_type": "MASK", "linked_node": ["2", 1]},
    )


def test_rule_5_a_node_below_an_invalid_one_has_no_error_of_its_own() -> None:
    assert only(mixed(amount=...)).node == "2"


@pytest.mark.parametrize(
    ("name", "value", "kind", "reason"),
    [
        ("amount", "much", "FLOAT", "could not convert string to float: 'much'"),
        ("amount", {"a": 1}, "FLOAT", "float() argument must be a string or a real number, not 'dict'"),
        ("amount", math.nan, "FLOAT", "not a number (NaN) cannot be used as an input"),
        ("renamed", "", "INT", "invalid literal for int() with base 10: ''"),
        ("renamed", "1.5", "INT", "invalid literal for int() with base 10: '1.5'"),
        ("renamed", math.inf, "INT", "cannot convert float infinity to integer"),
    ],
)
def test_rule_7_a_literal_that_cannot_be_converted(name: str, value: Any, kind: str, reason: str) -> None:
    problem = only(mixed(**{name: value}))

    assert (problem.code, problem.what) == (
        "invalid_input_type",
        f"Failed to convert an input value to a {kind} value",
    )
    assert problem.details == f"{name}, {value}, {reason}"
    assert problem.extra["exception_message"] == reason and problem.extra["input_name"] == name
    assert problem.extra["input_config"][0] == kind


def test_none_is_no_number() -> None:
    problem = only(mixed(renamed={"__value__": None}))

    assert problem.code == "invalid_input_type" and problem.details.startswith("renamed, None, int() argument")


@pytest.mark.parametrize(
    ("value", "code", "what"),
    [
        (-0.25, "value_smaller_than_min", "Value -0.25 smaller than min of 0.0"),
        (1.5, "value_bigger_than_max", "Value 1.5 bigger than max of 1.0"),
        (math.inf, "value_bigger_than_max", "Value inf bigger than max of 1.0"),
    ],
)
def test_rules_8_and_9_bounds(value: float, code: str, what: str) -> None:
    config = ["FLOAT", {"default": 0.5, "min": 0.0, "max": 1.0}]

    assert shape(only(mixed(amount=value))) == (
        code,
        "2",
        what,
        "amount",
        {"input_name": "amount", "input_config": config, "received_value": value},
    )


def test_bounds_are_inclusive() -> None:
    assert mixed(amount=0).good_outputs == mixed(amount=1).good_outputs == ("3",)


def test_rule_10_a_value_that_is_not_offered() -> None:
    problem = only(mixed(mode="ad"))

    assert shape(problem) == (
        "value_not_in_list",
        "2",
        "Value not in list",
        "mode: 'ad' not in ['add', 'mul']",
        {"input_name": "mode", "input_config": [["add", "mul"], {"default": "add"}], "received_value": "ad"},
    )
    assert "Did you mean 'add'?" in problem.fix


def test_rule_10_lists_files_as_they_are_now() -> None:
    assert only(mixed(file="c.png")).details == "file: 'c.png' not in ['a.png', 'b.png']"


def test_rule_10_long_lists_are_not_spelled_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FILES, "input", [f"{index}.png" for index in range(21)])

    problem = only(mixed(file="c.png"))

    assert problem.details == "file: 'c.png' not in (list of length 21)" and problem.extra["input_config"] is None


def test_rule_10_values_that_cannot_be_hashed_are_not_in_the_list() -> None:
    assert only(mixed(mode={"__value__": ["add"]})).code == "value_not_in_list"


def test_new_lists_are_never_checked() -> None:
    assert mixed(later="anything").good_outputs == ("3",)


def test_inputs_that_a_hook_names_are_left_to_it() -> None:
    validation = check({"1": ("Checked", {"value": 9, "other": 9})})

    assert [(problem.code, problem.input) for problem in validation.problems] == [("value_bigger_than_max", "other")]


def test_a_hook_with_any_keyword_takes_charge_of_all_inputs() -> None:
    spec = NodeSpec("K", (InputSpec("n", "INT", options={"max": 1}),), terminal=True, checks_inputs="*")

    assert check({"1": ("K", {"n": 9})}, catalogue=Catalogue([spec])).good_outputs == ("1",)


def test_a_hook_that_takes_input_types_decides_about_links() -> None:
    loose = NodeSpec("L", (InputSpec("n", "MASK"),), terminal=True, checks_inputs=("input_types",))
    catalogue = Catalogue([*_specs(), loose])

    assert check({"1": ("Make", {"width": 32}), "2": ("L", {"n": ["1", 0]})}, catalogue=catalogue).problems == ()


def test_values_are_coerced_as_the_protocol_has_it() -> None:
    validation = mixed(amount="0.25", text=7, flag="false", renamed=3.9, mode="mul")

    kept = to_prompt(validation.graph)["2"]["inputs"]
    assert (kept["amount"], kept["text"], kept["flag"], kept["renamed"]) == (0.25, "7", True, 3)
    assert type(kept["renamed"]) is int
    assert to_prompt(mixed(text={"__value__": None}).graph)["2"]["inputs"]["text"] == "None"
    assert to_prompt(mixed(renamed=" 12 ").graph)["2"]["inputs"]["renamed"] == 12


def test_wrapped_lists_are_unwrapped() -> None:
    spec = NodeSpec("Any", (InputSpec("value", "*"),), terminal=True)
    validation = check({"1": ("Any", {"value": {"__value__": ["a", 1]}})}, catalogue=Catalogue([spec]))

    assert validation.problems == ()
    assert to_prompt(validation.graph, wrap=False)["1"]["inputs"] == {"value": ["a", 1]}
    assert to_prompt(validation.graph)["1"]["inputs"] == {"value": {"__value__": ["a", 1]}}


def test_former_names_of_inputs_still_work() -> None:
    validation = mixed(renamed=..., former="5")

    assert validation.problems == () and validation.graph["2"].inputs["renamed"] == 5
    assert "former" not in validation.graph["2"].inputs


def test_unknown_types_are_refused_wherever_they_are() -> None:
    validation = check(
        {"7": ("Mixx", {}), "1": ("Make", {"width": 32}), "3": ("Save", {"image": ["1", 0], "prefix": ""})}
    )

    assert validation.good_outputs == ()
    assert prompt_error(validation) == {
        "type": "invalid_prompt",
        "message": "Cannot execute because node Mixx does not exist.",
        "details": "Node ID '#7'",
        "extra_info": {},
    }
    assert "Did you mean 'Mix'?" in validation.problems[0].fix


@pytest.mark.parametrize("targets", [None, [], ["1"], ["no such node"]])
def test_a_graph_without_a_selected_output_is_refused(targets: list[str] | None) -> None:
    prompt = {"1": ("Make", {"width": 32})}
    if targets is not None:
        prompt["3"] = ("Save", {"image": ["1", 0], "prefix": ""})

    assert prompt_error(check(prompt, targets)) == {
        "type": "prompt_no_outputs",
        "message": "Prompt has no outputs",
        "details": "",
        "extra_info": {},
    }


def test_only_what_selected_outputs_depend_on_is_checked() -> None:
    prompt = {
        "1": ("Make", {"width": 32}),
        "2": ("Make", {"width": 9999}),
        "3": ("Save", {"image": ["1", 0], "prefix": ""}),
        "4": ("Save", {"image": ["2", 0], "prefix": ""}),
    }

    assert check(prompt, ["3"]).problems == ()
    both = check(prompt)
    assert (both.good_outputs, both.bad_outputs) == (("3",), ("4",))
    assert prompt_error(both) is None
    assert node_errors(both, CATALOGUE)["2"]["dependent_outputs"] == ["4"]


def test_node_errors_have_the_established_shape() -> None:
    validation = mixed(amount=7)

    assert node_errors(validation, CATALOGUE) == {
        "2": {
            "errors": [
                {
                    "type": "value_bigger_than_max",
                    "message": "Value 7.0 bigger than max of 1.0",
                    "details": "amount",
                    "extra_info": {
                        "input_name": "amount",
                        "received_value": 7.0,
                        "input_config": ["FLOAT", {"default": 0.5, "min": 0.0, "max": 1.0}],
                    },
                }
            ],
            "dependent_outputs": ["3"],
            "class_type": "Mix",
        }
    }
    assert prompt_error(validation) == {
        "type": "prompt_outputs_failed_validation",
        "message": "Prompt outputs failed validation",
        "details": "",
        "extra_info": {},
    }


def test_errors_on_output_nodes_are_in_the_details() -> None:
    validation = check({"3": ("Save", {"prefix": "x"})})

    assert prompt_error(validation)["details"] == "Required input is missing: image"  # type: ignore[index]


def test_every_problem_is_reported_at_once() -> None:
    validation = check(
        {
            "1": ("Make", {"width": "x"}),
            "2": ("Mix", {**MIX, "image": ["1", 0], "mode": "?", "amount": 3}),
            "3": ("Save", {"image": ["2", 0]}),
        }
    )

    assert sorted(problem.code for problem in validation.problems) == [
        "invalid_input_type",
        "required_input_missing",
        "value_bigger_than_max",
        "value_not_in_list",
    ]


def test_a_circle_is_named_and_reported_as_failed_outputs() -> None:
    validation = check(
        {
            "1": ("Mix", {**MIX, "image": ["2", 0]}),
            "2": ("Mix", {**MIX, "image": ["1", 0]}),
            "3": ("Save", {"image": ["2", 0], "prefix": ""}),
        }
    )

    error = prompt_error(validation)
    assert error is not None and error["type"] == "prompt_outputs_failed_validation"
    assert error["details"].startswith("Nodes depend on each other in a circle: ")
    assert {problem.node for problem in validation.problems} == {"1", "2"}
    assert {problem.code for problem in validation.problems} == {"dependency_cycle"}
    assert node_errors(validation, CATALOGUE)["1"]["dependent_outputs"] == ["3"]


def test_a_node_linked_to_itself_is_a_circle() -> None:
    validation = check(
        {
            "2": ("Mix", {**MIX, "image": ["2", 0]}),
            "3": ("Save", {"image": ["2", 0], "prefix": ""}),
        }
    )

    assert [problem.code for problem in validation.problems] == ["dependency_cycle"]


def test_undeclared_literals_are_ignored_and_undeclared_links_must_exist() -> None:
    assert mixed(stranger=5, other="x", list=[1, 2, 3]).problems == ()
    assert only(mixed(stranger=["nowhere", 0])).code == "exception_during_inner_validation"
    assert mixed(stranger=["1", 0]).problems == ()


def test_declared_types_are_asked_themselves() -> None:
    class Loose(str):
        def __ne__(self, other: object) -> bool:
            return not str(other).startswith("IM")

    specs = [
        NodeSpec("FromAny", outputs=(OutputSpec("o", AnyType("ANY")), OutputSpec("o", Loose("LOOSE")))),
        NodeSpec("Sink", (InputSpec("image", "IMAGE"),), terminal=True),
        NodeSpec("Star", (InputSpec("image", "*"),), terminal=True),
        NodeSpec("Union", (InputSpec("image", "MASK, IMAGE"),), terminal=True),
        spec_of(make),
    ]
    for catalogue in (Catalogue(specs), Catalogue.from_data(Catalogue(specs).to_data())):
        live = catalogue["Sink"] is specs[1]
        from_any = {"1": ("FromAny", {}), "2": ("Sink", {"image": ["1", 0]})}
        from_loose = {"1": ("FromAny", {}), "2": ("Sink", {"image": ["1", 1]})}
        into = {"1": ("Make", {"width": 32}), "2": ("Star", {"image": ["1", 0]}), "3": ("Union", {"image": ["1", 0]})}
        assert check(from_any, catalogue=catalogue).problems == ()
        assert (check(from_loose, catalogue=catalogue).problems == ()) is live
        assert check(into, catalogue=catalogue).problems == ()


def test_a_list_of_choices_connects_only_to_an_equal_list() -> None:
    outputs = tuple(OutputSpec("o", "COMBO", choices=choices) for choices in [("a", "b"), ("a",)])
    specs = [
        NodeSpec("Pick", outputs=outputs),
        NodeSpec("Use", (InputSpec("n", "COMBO", choices=("a", "b"), combo_form="old"),), terminal=True),
    ]
    catalogue = Catalogue(specs)

    assert check({"1": ("Pick", {}), "2": ("Use", {"n": ["1", 0]})}, catalogue=catalogue).problems == ()
    wrong = only(check({"1": ("Pick", {}), "2": ("Use", {"n": ["1", 1]})}, catalogue=catalogue))
    assert wrong.details == "n, received_type(['a']) mismatch input_type(['a', 'b'])"


def test_dynamic_outputs_answer_for_any_slot() -> None:
    specs = [NodeSpec("Many", dynamic_outputs=True), spec_of(save)]

    assert (
        check(
            {"1": ("Many", {}), "2": ("Save", {"image": ["1", 40], "prefix": ""})}, catalogue=Catalogue(specs)
        ).problems
        == ()
    )


def test_findings_of_hooks_make_dependent_outputs_bad() -> None:
    validation = mixed().with_problems([Problem("custom_validation_failed", "1", "width", "no", "choose another")])

    assert (validation.good_outputs, validation.bad_outputs) == ((), ("3",))


def test_a_chain_of_100_000_nodes_is_checked() -> None:
    blur = NodeSpec("Blur", (InputSpec("image", "IMAGE"),), (OutputSpec("o", "IMAGE"),))
    prompt: dict[str, Any] = {"0": ("Make", {"width": 32})}
    prompt |= {str(i): ("Blur", {"image": [str(i - 1), 0]}) for i in range(1, 100_000)}
    prompt["end"] = ("Save", {"image": ["99999", 0], "prefix": ""})

    assert check(prompt, catalogue=Catalogue([*_specs(), blur])).good_outputs == ("end",)
