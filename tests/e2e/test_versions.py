"""Versions in a real Chromium: kept at runs, named, compared in a picture, restored, and undone."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.e2e.roads import (
    BLUE,
    RED,
    OpenPage,
    Shot,
    node_named,
    one_colour,
    open_document,
    result_of,
    serious_findings,
)

pytestmark = pytest.mark.browser


def test_a_named_version_is_compared_with_now_and_restored(open_page: OpenPage, shot: Shot) -> None:
    page = open_page()
    open_document(page, one_colour(RED, "Many versions"))
    page.keyboard.press("v")
    page.get_by_role("textbox", name="Name this version").fill("Red")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Restore Red")).to_be_visible()
    color = node_named(page, "EmptyImage").get_by_role("textbox", name="color")
    color.fill(str(BLUE))
    color.blur()
    node_named(page, "Save Image").locator("header").click()
    page.keyboard.press("Delete")

    page.get_by_role("button", name="Compare Red with now").click()
    comparison = page.get_by_role("dialog", name="Comparison")
    differences = comparison.get_by_role("list", name="Differences")
    expect(differences).to_contain_text("color")
    expect(differences).to_contain_text(str(RED))
    expect(differences).to_contain_text(str(BLUE))
    expect(differences.get_by_role("button", name="removed Save Image")).to_be_visible()
    shot(page, "comparison-light")
    assert serious_findings(page) == []
    page.keyboard.press("Escape")
    expect(comparison).to_be_hidden()

    page.get_by_role("button", name="Restore Red").click()
    expect(color).to_have_value(f"#{RED:06x}")
    expect(node_named(page, "Save Image")).to_be_visible()
    page.get_by_role("button", name="Close panel").click()
    page.locator("body").press("Control+z")
    expect(color).to_have_value(f"#{BLUE:06x}")


def test_a_version_is_kept_at_each_run_and_found_after_a_reload(open_page: OpenPage) -> None:
    page = open_page()
    open_document(page, one_colour(RED, "Run and kept"))
    page.get_by_test_id("run").click()
    result_of(page)
    page.reload()
    page.wait_for_selector("[data-testid=run]:enabled")
    page.keyboard.press("v")

    expect(page.get_by_role("list", name="Versions").get_by_text("before a run")).to_be_visible()


def test_a_workflow_is_compared_with_a_file(open_page: OpenPage) -> None:
    page = open_page()
    open_document(page, one_colour(RED, "Here"))
    page.keyboard.press("v")
    other = json.dumps(one_colour(BLUE, "There")).encode()
    page.get_by_label("Compare with a file…").last.set_input_files(
        {"name": "there.json", "mimeType": "application/json", "buffer": other}
    )

    expect(page.get_by_role("dialog", name="Comparison")).to_contain_text(str(BLUE))
