"""Validators of packs: what they lift, what they refuse, and how that is told (protocol §4.1)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.client import Client, node


@pytest.mark.parametrize(
    ("inputs", "details"),
    [
        ({"number": 13, "other": 1}, ["number - thirteen is not allowed"]),
        ({"number": 99, "other": 1}, ["number"]),
        (
            {"number": 13, "other": 1, "choice": "anything"},
            ["choice - thirteen is not allowed", "number - thirteen is not allowed"],
        ),
    ],
)
async def test_a_custom_validator_refuses_once_an_input(
    client: Client, inputs: dict[str, Any], details: list[str]
) -> None:
    answer = await client.refused({"1": node("ProbePicky", **inputs)})

    errors = answer["node_errors"]["1"]["errors"]
    assert {error["type"] for error in errors} == {"custom_validation_failed"}
    assert sorted(error["details"] for error in errors) == details
    assert errors[0]["message"] == "Custom validation failed for node"
    assert errors[0]["extra_info"]["input_name"] in ("number", "choice")


async def test_a_custom_validator_lifts_the_checks_of_its_inputs_only(client: Client) -> None:
    assert await client.shown({"1": node("ProbePicky", number=77, other=1, choice="new")}, "1") == ["77 1 new"]

    answer = await client.refused({"1": node("ProbePicky", number=77, other=6)})
    assert [error["type"] for error in answer["node_errors"]["1"]["errors"]] == ["value_bigger_than_max"]


async def test_a_custom_validator_of_everything_lifts_all_checks(client: Client) -> None:
    text = {"1": node("ProbeText", text="a")}
    good = {**text, "2": node("ProbePickyAll", number=100, choice="new", linked=["1", 0])}
    assert await client.shown(good, "2") == ["[('choice', 'new'), ('linked', 'a'), ('number', 100)]"]

    answer = await client.refused({**text, "2": node("ProbePickyAll", number=200, choice="new", linked=["1", 0])})
    errors = answer["node_errors"]["2"]["errors"]
    assert {error["type"] for error in errors} == {"custom_validation_failed"}
    assert len(errors) == 3
    assert "got ['choice', 'linked', 'number']" in errors[0]["details"]


async def test_a_validator_that_asks_for_types_decides_about_links(client: Client) -> None:
    good = {"1": node("ProbeText", text="a"), "2": node("ProbePickyTypes", value=["1", 0])}
    assert await client.shown(good, "2") == ["'a'"]

    answer = await client.refused({"1": node("ProbeNoInputs"), "2": node("ProbePickyTypes", value=["1", 0])})
    assert [error["details"] for error in answer["node_errors"]["2"]["errors"]][-1].endswith("2 got {'value': 'INT'}")
    assert {error["type"] for error in answer["node_errors"]["2"]["errors"]} == {"custom_validation_failed"}


async def test_a_validator_that_raises_is_reported(client: Client) -> None:
    answer = await client.refused({"1": node("ProbePickyRaises", number=1)})

    error = answer["node_errors"]["1"]["errors"][0]
    assert error["type"] == "exception_during_validation"
    assert "cannot check" in error["details"]
    assert error["extra_info"]["exception_type"] == "RuntimeError"


async def test_a_validator_that_ends_the_program_is_reported_too(client: Client) -> None:
    answer = await client.refused({"1": node("ProbeExits", number=1)})

    assert answer["node_errors"]["1"]["errors"][0]["extra_info"]["exception_type"] == "SystemExit"


async def test_a_change_token_that_ends_the_program_lets_its_node_run(client: Client) -> None:
    for _ in range(2):
        assert await client.shown({"1": node("ProbeExits", number=2)}, "1") == ["2"]
