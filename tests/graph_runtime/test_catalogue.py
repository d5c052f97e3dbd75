"""Catalogues as data, and what they refuse."""

from __future__ import annotations

import json

import pytest

from graph_runtime.api import AnyType, Catalogue, InputSpec, NodeSpec, OutputSpec
from graph_runtime.errors import DuplicateNode, UnknownNode
from graph_runtime.object_info import object_info, object_info_of
from graph_runtime.sockets import compatible

FULL = NodeSpec(
    "Full",
    (
        InputSpec("a", "IMAGE", mode="many"),
        InputSpec("n", "INT", default=3, widget=True, options={"min": 1, "max": 9}, aliases=("old",)),
        InputSpec("c", "COMBO", choices=("x",), choices_from={"folder": "loras"}, combo_form="old"),
        InputSpec("any", AnyType("ANY"), required=False, show_if={"input": "n", "values": [1]}),
        InputSpec("u", "UNIQUE_ID", required=False, hidden="UNIQUE_ID"),
    ),
    (OutputSpec("out", "IMAGE", True, "tip"), OutputSpec("pick", "COMBO", choices=("p", "q"))),
    display_name="Full node",
    description="All of it",
    category="x/y",
    module="custom_nodes.acme",
    version=4,
    terminal=True,
    cache=False,
    deprecated=True,
    experimental=True,
    api_node=False,
    not_idempotent=True,
    input_is_list=True,
    checks_inputs=("n", "input_types"),
    fingerprint=True,
    dynamic_inputs=True,
    dynamic_outputs=True,
    convention="v3",
)


def test_a_catalogue_survives_the_journey_as_json() -> None:
    catalogue = Catalogue([FULL, NodeSpec("Star", checks_inputs="*")])

    copy = Catalogue.from_data(json.loads(json.dumps(catalogue.to_data())))

    assert dict(copy) == dict(catalogue) and copy.digest() == catalogue.digest()
    assert copy.to_data() == catalogue.to_data()
    assert not (copy["Full"].inputs[3].type != "IMAGE")  # noqa: SIM202 - a wildcard differs from nothing
    assert copy["Full"].behaviour is None


def test_an_entry_has_the_agreed_keys() -> None:
    entry = FULL.to_data()

    assert entry["inputs"][1] == {
        "name": "n",
        "type": "INT",
        "mode": "value",
        "required": True,
        "default": 3,
        "hidden": None,
        "widget": True,
        "options": {"min": 1, "max": 9},
        "choices": None,
        "choices_from": None,
        "combo_form": None,
        "aliases": ["old"],
    }
    assert "default" not in entry["inputs"][0]
    assert entry["outputs"][0] == {"name": "out", "type": "IMAGE", "is_list": True, "tooltip": "tip"}
    assert entry["checks_inputs"] == ["n", "input_types"]


def test_two_nodes_with_one_id_are_refused_naming_both_packs() -> None:
    with pytest.raises(DuplicateNode, match=r"id 'Full': one in custom_nodes.acme, one in custom_nodes.other"):
        Catalogue([FULL]).merged([NodeSpec("Full", module="custom_nodes.other")])


def test_an_unknown_id_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNode, match=r"'Ful' does not exist. Did you mean 'Full'"):
        Catalogue([FULL]).spec("Ful")


def test_the_digest_changes_with_any_declaration() -> None:
    assert Catalogue([NodeSpec("A")]).digest() != Catalogue([NodeSpec("A", version=2)]).digest()


def test_fixed_choices_come_before_files_which_are_listed_when_asked() -> None:
    listed: list[str] = []

    def choices(folder: str) -> list[str]:
        listed.append(folder)
        return ["f.safetensors"]

    info = object_info_of(Catalogue([FULL, NodeSpec("Two", FULL.inputs)]), choices)

    assert info["Full"]["input"]["required"]["c"] == [["x", "f.safetensors"]]
    assert info["Full"]["output"] == ["IMAGE", ["p", "q"]] and info["Full"]["output_is_list"] == [True, False]
    assert listed == ["loras"]


def test_descriptions_are_plain_json_even_for_live_type_objects() -> None:
    info = json.loads(json.dumps(object_info(FULL, lambda folder: [])))

    assert info["input"]["optional"]["any"][0] == "ANY"
    assert type(object_info(FULL, lambda folder: [])["input"]["optional"]["any"][0]) is str


@pytest.mark.parametrize(
    ("received", "declared", "expected"),
    [
        ("IMAGE", "IMAGE", True),
        ("IMAGE", "MASK", False),
        ("IMAGE,MASK", "LATENT, MASK", True),
        ("*", "MASK", True),
        ("IMAGE", "*", True),
        ("IMAGE", "MASK,*", True),
        (AnyType("x"), ["a"], True),
        ("COMBO", ["a"], False),
        (["a"], ["a"], True),
        (["a"], "COMBO", False),
    ],
)
def test_which_types_connect(received: object, declared: object, expected: bool) -> None:
    assert compatible(received, declared) is expected
