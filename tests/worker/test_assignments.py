"""Changing inputs from the command line."""

import pytest

import nodes
from graph_runtime.prompt import parse_prompt
from worker.assignments import Assignment, BadAssignment, assign

CATALOGUE = nodes.catalogue()
GRAPH = parse_prompt(
    {
        "3": {"class_type": "KSampler", "inputs": {"seed": 1, "model": ["4", 0]}, "_meta": {"title": "Sampler"}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "x"}, "_meta": {"title": "v1.5 prompt"}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "y"}, "_meta": {"title": "Negative"}},
        "12:8": {"class_type": "SaveImage", "inputs": {"filename_prefix": "z"}},
    }
)


def apply(*texts):
    return assign(GRAPH, CATALOGUE, [Assignment.parse(text) for text in texts])


@pytest.mark.parametrize(
    ("text", "node", "name", "value"),
    [
        ("3.seed=5", "3", "seed", 5),
        ("Sampler.cfg=7.5", "3", "cfg", 7.5),
        ("KSampler.sampler_name=dpmpp_2m", "3", "sampler_name", "dpmpp_2m"),
        ("v1.5 prompt.text=a=b.c", "6", "text", "a=b.c"),
        ("Negative.text=", "7", "text", ""),
        ("6.text=42", "6", "text", "42"),
        ("12:8.filename_prefix=true", "12:8", "filename_prefix", "true"),
        ("Save Image.filename_prefix=x", "12:8", "filename_prefix", "x"),
        ("3.seed=18446744073709551615", "3", "seed", 18446744073709551615),
        ("4.ckpt_name=1", "4", "ckpt_name", "1"),
    ],
)
def test_a_node_is_named_by_id_title_or_type(text, node, name, value):
    assigned = apply(text)

    assert assigned.problems == ()
    assert assigned.graph[node].inputs[name] == value
    assert assigned.values == {(node, name): value}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("CLIPTextEncode.text=x", "2 nodes are called 'CLIPTextEncode': 6 (v1.5 prompt), 7 (Negative)"),
        ("9.text=x", "no node is called '9'"),
        ("Sampelr.seed=1", "Did you mean 'Sampler'?"),
        ("3.sead=1", "KSampler has no input 'sead'. Did you mean 'seed'?"),
        ("3.positive=1", "'positive' takes a link of type CONDITIONING, not a value"),
    ],
)
def test_what_cannot_be_set_is_said_with_the_names_that_exist(text, what):
    (problem,) = apply(text).problems

    assert what in problem.what
    assert problem.fix


def test_every_impossible_change_is_reported_at_once():
    assert len(apply("9.x=1", "3.sead=1", "3.seed=2").problems) == 2


@pytest.mark.parametrize("text", ["nonsense", "seed=5", ".seed=5", "3.=5", "3.seed"])
def test_text_that_is_no_assignment_is_refused_with_an_example(text):
    with pytest.raises(BadAssignment, match=r"is not NODE\.INPUT=VALUE, such as KSampler\.seed=5"):
        Assignment.parse(text)


def test_a_value_can_be_set_on_an_input_that_is_linked():
    graph = parse_prompt({"3": {"class_type": "KSampler", "inputs": {"seed": ["1", 0]}}})

    assigned = assign(graph, CATALOGUE, [Assignment.parse("3.seed=9")])

    assert assigned.graph["3"].inputs["seed"] == 9


def test_the_graph_given_is_not_changed():
    apply("3.seed=5")

    assert GRAPH["3"].inputs["seed"] == 1
