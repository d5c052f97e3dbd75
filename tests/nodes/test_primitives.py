"""Single values pass through unchanged, and any value can be looked at."""

import pytest
import torch

from nodes import primitives
from tests.nodes.calling import call


@pytest.mark.parametrize(
    ("node", "value"),
    [
        (primitives.primitive_string, "a"),
        (primitives.primitive_string_multiline, "a\nb"),
        (primitives.primitive_int, 2**63 - 1),
        (primitives.primitive_float, 0.1),
        (primitives.primitive_boolean, False),
    ],
)
def test_a_primitive_gives_what_it_holds(node, value):
    assert node(value=value) is value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a text", "a text"),
        (12, "12"),
        (0.5, "0.5"),
        (True, "True"),
        (None, "None"),
        ([1, {"a": None}], '[1, {"a": null}]'),
        (torch.tensor([1.5]), "tensor([1.5000])"),
    ],
)
def test_any_value_is_shown_as_text(data_dir, value, text):
    assert call(primitives.preview_any, data_dir, source=value).ui == {"text": [text]}
