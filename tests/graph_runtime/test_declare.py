"""A typed function becomes a spec, and an author's mistakes are found at import."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import pytest

from graph_runtime.api import (
    OPTIONAL,
    Alias,
    Catalogue,
    Choice,
    Context,
    DeclarationError,
    FileIn,
    Hidden,
    Lazy,
    Many,
    NodeSpec,
    Options,
    Output,
    Range,
    Ref,
    Seed,
    ShowIf,
    Socket,
    Subgraph,
    Text,
    node,
    spec_of,
)
from graph_runtime.behaviour import Invocation, Result
from graph_runtime.catalogue import MISSING
from graph_runtime.object_info import object_info

Image = Annotated[Any, Socket("IMAGE", "float32 [batch, h, w, 3] in 0..1")]
Mask = Annotated[Any, Socket("MASK")]
Model = Annotated[Any, Socket("MODEL")]
T = TypeVar("T")


class Mode(Enum):
    TILE = "tile"
    FIT = "fit"


class Loaded(NamedTuple):
    IMAGE: Image
    MASK: Mask


@node("Everything", title="Every thing", category="tests/all", version=3, hidden={"prompt": "PROMPT"})
def everything(
    *,
    model: Model,
    seed: Seed = 0,
    images: Many[Image],
    wire: Ref[Model],
    amount: Annotated[float, Range(0, 2, step=0.1, round=0.01)] = 1,
    text: Annotated[str, Text(multiline=True, dynamic_prompts=True)],
    name: Annotated[str, Choice(["a", "b"])] = "a",
    later: Annotated[str, Choice("x", "y", form="new")] = "x",
    file: Annotated[Path, FileIn("input/image", upload="image")],
    kind: Literal["one", "two"] = "one",
    mode: Mode = Mode.FIT,
    either: Image | Mask,
    on: bool = True,
    mask: Mask | None = None,
    extra: Annotated[int, Range(1, 9), OPTIONAL, Options(display="slider"), Alias("old"), ShowIf("on", True)] = 4,
    unique: Annotated[str, Hidden("UNIQUE_ID")] = "",
    ctx: Context,
    graph: Subgraph,
) -> Loaded:
    """Do everything.

    Over several lines.

    Args:
        amount: how much; 1 is normal,
            2 is twice.
    Returns:
        MASK: what is covered.
    """
    return Loaded(model, mask)


SPEC = spec_of(everything)


def test_the_function_itself_stays_callable() -> None:
    arguments: dict[str, Any] = dict.fromkeys(["images", "wire", "text", "file", "either", "ctx", "graph"])

    assert everything(model=1, **arguments) == (1, None)


def test_inputs_are_listed_in_the_order_of_the_signature_required_ones_first() -> None:
    assert [item.name for item in SPEC.inputs] == [
        "model",
        "seed",
        "images",
        "wire",
        "amount",
        "text",
        "name",
        "later",
        "file",
        "kind",
        "mode",
        "either",
        "on",
        "mask",
        "extra",
        "unique",
        "prompt",
    ]
    assert [item.name for item in SPEC.visible if not item.required] == ["mask", "extra"]


def test_the_established_description_has_every_option() -> None:
    info = object_info(SPEC, lambda folder: [f"{folder}.png"])

    assert info["input"]["required"] == {
        "model": ["MODEL"],
        "seed": ["INT", {"default": 0, "min": 0, "max": 18446744073709551615, "control_after_generate": True}],
        "images": ["IMAGE"],
        "wire": ["MODEL", {"rawLink": True}],
        "amount": [
            "FLOAT",
            {
                "default": 1,
                "min": 0.0,
                "max": 2.0,
                "step": 0.1,
                "round": 0.01,
                "tooltip": "how much; 1 is normal, 2 is twice.",
            },
        ],
        "text": ["STRING", {"multiline": True, "dynamicPrompts": True}],
        "name": [["a", "b"], {"default": "a"}],
        "later": ["COMBO", {"options": ["x", "y"], "default": "x", "multiselect": False}],
        "file": [["input/image.png"], {"image_upload": True}],
        "kind": [["one", "two"], {"default": "one"}],
        "mode": [["tile", "fit"], {"default": "fit"}],
        "either": ["IMAGE,MASK"],
        "on": ["BOOLEAN", {"default": True}],
    }
    assert info["input"]["optional"] == {
        "mask": ["MASK"],
        "extra": [
            "INT",
            {
                "default": 4,
                "min": 1,
                "max": 9,
                "display": "slider",
                "aliases": ["old"],
                "show_if": {"input": "on", "values": [True]},
            },
        ],
    }
    assert info["input"]["hidden"] == {"unique": "UNIQUE_ID", "prompt": "PROMPT"}
    assert info["input_order"]["optional"] == ["mask", "extra"]
    assert (info["output"], info["output_name"]) == (["IMAGE", "MASK"], ["IMAGE", "MASK"])
    assert info["output_tooltips"] == [None, "what is covered."]
    assert (info["display_name"], info["category"], info["python_module"]) == ("Every thing", "tests/all", "nodes")
    assert info["description"] == "Do everything.\n\nOver several lines."
    assert not {"deprecated", "experimental", "api_node"} & info.keys()


def test_a_v3_description_has_all_flags_and_wrapped_hidden_kinds() -> None:
    spec = NodeSpec("X", inputs=SPEC.inputs, convention="v3", terminal=True)

    info = object_info(spec, lambda folder: [])

    assert info["input"]["hidden"]["prompt"] == ["PROMPT"]
    assert (info["deprecated"], info["experimental"], info["api_node"]) == (False, False, False)
    assert info["output_tooltips"] == [] and info["output_node"] is True and info["category"] == "sd"


def test_a_single_output_is_named_after_its_type_unless_it_says_otherwise() -> None:
    @node("One")
    def one() -> Image: ...

    @node("Named")
    def named() -> Annotated[Image, Output("picture", "the result")]: ...

    @node("Listed")
    def listed() -> tuple[list[Image], Annotated[list[Mask], Output("masks")]]: ...

    assert [output.name for output in spec_of(one).outputs] == ["IMAGE"]
    assert (spec_of(named).outputs[0].name, spec_of(named).outputs[0].tooltip) == ("picture", "the result")
    assert [(o.name, o.is_list) for o in spec_of(listed).outputs] == [("IMAGE", True), ("masks", True)]


def test_type_variables_are_wildcards() -> None:
    @node("Choose")
    async def choose(when: bool, if_true: Lazy[T]) -> T:
        return await if_true

    assert spec_of(choose).inputs[1].type == "*" and spec_of(choose).inputs[1].is_lazy
    assert spec_of(choose).outputs[0].type == "*"
    assert spec_of(choose).inputs[0].default is MISSING


def unannotated(value) -> None: ...  # type: ignore[no-untyped-def]
def no_return(value: int): ...  # type: ignore[no-untyped-def]
def no_socket(value: complex) -> None: ...
def variadic(*values: int) -> None: ...
def keywords(**values: int) -> None: ...
def lazy_in_sync(value: Lazy[int]) -> None: ...
def default_out_of_range(value: Annotated[int, Range(1, 5)] = 9) -> None: ...
def default_not_a_choice(value: Annotated[str, Choice("euler", "heun")] = "eule") -> None: ...
def none_without_saying_so(value: Image = None) -> None: ...
def optional_without_default(value: Annotated[int, OPTIONAL]) -> None: ...
def bad_output() -> complex: ...


def documents_a_stranger(value: int) -> None:
    """Do it.

    Args:
        valeu: misspelt.
    """


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (unannotated, "parameter 'value' is not annotated"),
        (no_return, "the return value is not annotated"),
        (no_socket, "'complex' is no socket type"),
        (variadic, "parameter 'values' is variadic"),
        (keywords, "parameter 'values' is variadic"),
        (lazy_in_sync, "'value' is Lazy, but the function cannot await it. Write `async def`."),
        (default_out_of_range, "the default 9 is outside of 1..5"),
        (default_not_a_choice, "the default 'eule' is not among the choices. Did you mean 'euler'?"),
        (none_without_saying_so, "the default is None, but the type does not allow it. Add '| None'."),
        (optional_without_default, "it is OPTIONAL but has no default"),
        (bad_output, "'complex' is no socket type"),
        (documents_a_stranger, "the docstring describes 'valeu', which is no parameter"),
    ],
)
def test_an_authors_mistake_is_named_with_a_cure(function: Any, what: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        node("Wrong")(function)

    assert what in str(caught.value)
    assert function.__name__ in str(caught.value) and "(node 'Wrong')" in str(caught.value)


def test_an_annotation_that_exists_only_for_type_checkers_is_named() -> None:
    def later(value: Unknown) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(DeclarationError, match="names 'Unknown', which does not exist"):
        node("Later")(later)


def test_hooks_may_only_take_inputs_of_the_node() -> None:
    def refuse(size: int) -> str | None: ...

    with pytest.raises(DeclarationError, match="the hook 'refuse' takes 'size', which is no input"):

        @node("Hooked", validate=refuse)
        def hooked(value: int) -> None: ...


def test_a_validation_hook_takes_charge_of_the_inputs_it_names() -> None:
    def refuse(value: int, ctx: Context) -> str | None: ...

    @node("Hooked", validate=refuse, fingerprint=refuse)
    def hooked(value: int, other: int = 1) -> None: ...

    assert spec_of(hooked).checks_inputs == ("value",)
    assert spec_of(hooked).checks("value") and not spec_of(hooked).checks("other")
    assert spec_of(hooked).fingerprint and spec_of(hooked).behaviour.replaces == {"value"}  # type: ignore[union-attr]


def test_a_catalogue_collects_only_what_a_module_defines_itself() -> None:
    catalogue = Catalogue.collect(sys.modules[__name__], module="custom_nodes.acme", prefix="acme")

    assert list(catalogue) == ["acme.Everything"]
    assert catalogue["acme.Everything"].module == "custom_nodes.acme"
    assert catalogue.spec_of(everything).id == "acme.Everything"


def test_a_function_that_is_no_node_is_refused() -> None:
    with pytest.raises(DeclarationError, match="is not a node"):
        spec_of(unannotated)


class Only(NamedTuple):
    answer: int


def test_a_named_tuple_with_one_field_is_a_name_and_not_the_value() -> None:
    @node("Answer")
    def answer(*, number: int = 41) -> Only:
        """Add one.

        Args:
            number: to what.
        """
        return Only(number + 1)

    result = spec_of(answer).behaviour.call(Invocation({"number": 41}))
    assert isinstance(result, Result) and result.values == (42,)
