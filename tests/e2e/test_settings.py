"""Settings in a real Chromium: keys with their conflicts, habits of the canvas, language and colours."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.roads import RED, OpenPage, Shot, node_named, one_colour, open_document, serious_findings

pytestmark = pytest.mark.browser


def open_settings(page: Page, name: str) -> None:
    page.keyboard.press("Control+,")
    page.get_by_role("dialog", name="Settings").get_by_role("button", name=name).click()


def test_a_key_is_changed_its_conflict_is_named_and_it_stays_over_a_reload(open_page: OpenPage, shot: Shot) -> None:
    page = open_page()
    open_settings(page, "Keys")
    page.get_by_role("searchbox", name="Search commands").fill("jobs panel")
    page.get_by_role("button", name="Add a key to Jobs panel").click()
    page.keyboard.press("m")
    conflict = page.get_by_role("dialog", name="Settings").get_by_role("alert")
    expect(conflict).to_contain_text("Show or hide the minimap")
    expect(conflict).to_contain_text("Jobs panel")
    shot(page, "settings-light")
    assert serious_findings(page) == []
    page.get_by_role("button", name="Take M from Jobs panel").click()
    expect(conflict).to_be_hidden()
    page.get_by_role("button", name="Add a key to Jobs panel").click()
    page.keyboard.press("q")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Settings")).to_be_hidden()
    page.reload()
    page.wait_for_selector("[data-testid=run]:enabled")
    page.keyboard.press("q")

    expect(page.get_by_role("complementary", name="Jobs")).to_be_visible()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("option", name="Jobs panel")).to_contain_text("J")


def test_the_canvas_follows_the_habits_that_were_set(open_page: OpenPage) -> None:
    page = open_page("?bench")
    open_document(page, one_colour(RED))
    open_settings(page, "Canvas")
    page.get_by_role("radio", name="scrolls; with Ctrl it zooms").check()
    page.get_by_role("radio", name="selects; with Shift or the middle button it moves the view").check()
    page.get_by_role("radio", name="with a lasso; with Alt a rectangle").check()
    page.keyboard.press("Escape")
    page.evaluate("window.__editor.setView({x: 400, y: 300, k: 1})")
    page.mouse.move(1100, 700)
    page.mouse.wheel(0, 50)
    page.wait_for_function("window.__editor.view().y === 250")
    assert page.evaluate("window.__editor.view().k") == 1
    page.mouse.move(360, 200)
    page.mouse.down()
    for x, y in ((700, 200), (700, 600), (360, 600), (350, 260)):
        page.mouse.move(x, y, steps=4)
    page.mouse.up()

    expect(node_named(page, "EmptyImage")).to_have_attribute("data-selected", "true")
    expect(node_named(page, "Save Image")).not_to_have_attribute("data-selected", "true")


def test_language_and_colours_change_at_once(open_page: OpenPage) -> None:
    page = open_page()
    open_settings(page, "Looks and language")
    page.get_by_role("radio", name="Dark").check()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    page.get_by_role("radio", name="Reduced").check()
    expect(page.locator("html")).to_have_attribute("data-motion", "reduced")
    page.get_by_role("radio", name="Deutsch").click()

    expect(page.get_by_role("heading", name="Einstellungen")).to_be_visible()
    expect(page.get_by_test_id("run")).to_have_text("Ausführen")
