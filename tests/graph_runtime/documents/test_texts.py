"""Dynamic prompts are chosen and file names filled in when a document is run."""

from datetime import datetime

import pytest

from graph_runtime.catalogue import Catalogue
from graph_runtime.documents import Texts, load
from graph_runtime.documents.texts import dynamic_prompt, format_date

NOW = datetime(2026, 3, 9, 7, 5, 1)


def last(options):
    return options[-1]


def first(options):
    return options[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("a {red|blue} circle", "a blue circle"),
        ("{a|{b|c} d}", "c d"),
        ("{a|{b|c}|}", ""),
        ("{one}", "one"),
        (r"\{a\|b\}", "{a|b}"),
        (r"{a|b\}}", "b}"),
        ("a | b }", "a | b }"),
        ("open {a|b", "open b"),
        (r"C:\temp", r"C:\temp"),
        ("a // gone\nb /* gone\ntoo */c", "a \nb c"),
        ("{a|b // }\n|c}", "c"),
    ],
)
def test_one_of_several_is_chosen_from_the_inside_out(text, expected):
    assert dynamic_prompt(text, last) == expected


def test_ten_thousand_nested_choices_are_made():
    assert dynamic_prompt("{" * 10_000 + "x" + "}" * 10_000, last) == "x"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("yyyy-MM-dd", "2026-03-09"),
        ("yy.M.d", "26.3.9"),
        ("hh_mm_ss", "07_05_01"),
        ("h-m-s", "7-5-1"),
        ("text", "text"),
    ],
)
def test_dates_are_written_by_their_pattern(pattern, expected):
    assert format_date(NOW, pattern) == expected


@pytest.fixture
def dynamic(catalogue):
    data = catalogue.to_data()
    data["CLIPTextEncode"]["inputs"][0]["options"]["dynamicPrompts"] = True
    return Catalogue.from_data(data)


def workflow(prefix):
    return {
        "format": "heddle-workflow",
        "version": 1,
        "nodes": {
            "1": {"type": "CLIPTextEncode", "title": "Mood", "inputs": {"text": "{day|night}/sea"}},
            "2": {"type": "KSampler", "inputs": {"seed": 5}, "kept": {"properties": {"Node name for S&R": "main"}}},
            "3": {"type": "SaveImage", "inputs": {"filename_prefix": prefix}},
            "4": {"type": "PickFile", "inputs": {"file": "{x|y}"}},
        },
    }


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("%date:yyyy-MM-dd%/a", "2026-03-09/a"),
        ("%main.seed%_%KSampler.steps%", "5_20"),
        ("%Mood.text%", "{day_night}_sea"),
        ("%width%_%nobody.x%_%main.nothing%", "%width%_%nobody.x%_%main.nothing%"),
        ("100%", "100%"),
    ],
)
def test_file_names_are_filled_in(dynamic, prefix, expected):
    document = load(workflow(prefix), dynamic)

    graph = document.to_graph(dynamic, Texts(first, NOW))

    assert graph["3"].inputs["filename_prefix"] == expected


def test_only_texts_that_allow_it_are_dynamic_and_only_if_asked(dynamic):
    document = load(workflow("x"), dynamic)

    assert document.to_graph(dynamic, Texts(first, NOW))["1"].inputs["text"] == "day/sea"
    assert document.to_graph(dynamic, Texts(first, NOW))["4"].inputs["file"] == "{x|y}"
    assert document.to_graph(dynamic)["1"].inputs["text"] == "{day|night}/sea"
