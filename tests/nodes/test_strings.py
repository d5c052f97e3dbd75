"""Texts are joined, cut, compared, searched and replaced."""

import pytest

from graph_runtime.errors import HeddleError
from nodes import strings
from tests.nodes.calling import call


def test_two_texts_are_joined_with_what_stands_between_them():
    assert strings.string_concatenate(string_a="a", string_b="b", delimiter=", ") == "a, b"
    assert strings.string_concatenate(string_a="a", string_b="b") == "ab"


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0, 3, "red"), (4, 99, "circle"), (-6, -1, "circl"), (5, 2, "")]
)
def test_a_substring_is_cut_as_python_counts(start, end, expected):
    assert strings.string_substring(string="red circle", start=start, end=end) == expected


def test_length_counts_characters_not_bytes():
    assert strings.string_length(string="Grün 図").length == 6


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("UPPERCASE", "A RED CIRCLE"),
        ("lowercase", "a red circle"),
        ("Capitalize", "A red circle"),
        ("Title Case", "A Red Circle"),
    ],
)
def test_capitals_are_changed(mode, expected):
    assert strings.case_converter(string="a Red cIrcle", mode=mode) == expected


@pytest.mark.parametrize(("mode", "expected"), [("Both", "x"), ("Left", "x \n"), ("Right", "\t x")])
def test_blanks_are_trimmed_on_the_chosen_side(mode, expected):
    assert strings.string_trim(string="\t x \n", mode=mode) == expected


def test_an_unknown_mode_is_an_error_that_names_the_known_ones():
    with pytest.raises(HeddleError, match=r"no mode 'Up'\. Choose one of Both, Left, Right"):
        strings.string_trim(string="x", mode="Up")


def test_every_occurrence_is_replaced():
    assert strings.string_replace(string="red, red", find="red", replace="blue") == "blue, blue"


def test_containing_and_comparing_heed_case_only_if_asked():
    assert strings.string_contains(string="A Red", substring="red", case_sensitive=True).contains is False
    assert strings.string_contains(string="A Red", substring="red", case_sensitive=False).contains is True
    assert strings.string_compare(string_a="Red", string_b="re", mode="Starts With", case_sensitive=False) is True
    assert strings.string_compare(string_a="Red", string_b="re", mode="Starts With") is False
    assert strings.string_compare(string_a="Red", string_b="ed", mode="Ends With") is True
    assert strings.string_compare(string_a="Red", string_b="red", mode="Equal", case_sensitive=False) is True


def test_a_pattern_is_found_with_and_without_its_flags(data_dir):
    def matches(pattern, text, **flags):
        return call(strings.regex_match, data_dir, string=text, regex_pattern=pattern, **flags).result.matches

    assert matches("RED", "a red") is True
    assert matches("RED", "a red", case_insensitive=False) is False
    assert matches("^b", "a\nb") is False
    assert matches("^b", "a\nb", multiline=True) is True
    assert matches("a.b", "a\nb") is False
    assert matches("a.b", "a\nb", dotall=True) is True


@pytest.mark.parametrize(
    ("mode", "pattern", "group", "expected"),
    [
        ("First Match", r"\w+=\d", 1, "a=1"),
        ("First Match", "nothing", 1, ""),
        ("All Matches", r"\w+=\d", 1, "a=1\nb=2\nc=3"),
        ("All Matches", r"(\w+)=(\d)", 1, "a\nb\nc"),
        ("First Group", r"(\w+)=(\d)", 2, "1"),
        ("First Group", r"(\w+)=(\d)", 3, ""),
        ("First Group", r"\w+=\d", 0, "a=1"),
        ("All Groups", r"(\w+)=(\d)", 2, "1\n2\n3"),
        ("All Groups", r"\w+=\d", 0, ""),
        ("All Groups", r"(\w)|(=)", 2, "\n=\n\n\n=\n\n\n=\n"),
    ],
)
def test_matches_and_groups_are_taken_out(data_dir, mode, pattern, group, expected):
    shown = call(
        strings.regex_extract, data_dir, string="a=1,b=2,c=3", regex_pattern=pattern, mode=mode, group_index=group
    )

    assert shown.result == expected


def test_a_wrong_pattern_matches_nothing_and_says_so(data_dir):
    matched = call(strings.regex_match, data_dir, string="x", regex_pattern="(")
    extracted = call(strings.regex_extract, data_dir, string="x", regex_pattern="(", mode="First Match")

    assert (matched.result.matches, extracted.result) == (False, "")
    assert "'(' is wrong and matches nothing" in matched.warnings[0]
    assert extracted.warnings == matched.warnings


def test_a_pattern_is_replaced_with_its_groups_and_a_limit():
    assert strings.regex_replace(string="a=1, b=2", regex_pattern=r"(\w)=(\d)", replace=r"\2:\1") == "1:a, 2:b"
    assert strings.regex_replace(string="aaa", regex_pattern="a", replace="b", count=2) == "bba"
    with pytest.raises(HeddleError, match="is wrong"):
        strings.regex_replace(string="aaa", regex_pattern="a", replace=r"\3")
