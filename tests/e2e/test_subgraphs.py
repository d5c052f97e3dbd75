"""Subgraphs in a real Chromium: made, entered, promoted from, run, unpacked; and links led around by waypoints."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.roads import RED, OpenPage, Shot, node_named, one_colour, open_document, result_of, settled

pytestmark = pytest.mark.browser


def make_subgraph_of(page: Page, title: str) -> None:
    node_named(page, title).locator("header").click()
    page.keyboard.press("Alt+g")
    expect(node_named(page, "Subgraph")).to_be_visible()


def test_a_subgraph_made_by_keyboard_runs_with_its_promoted_widget(open_page: OpenPage, shot: Shot) -> None:
    page = open_page()
    open_document(page, one_colour(0))
    make_subgraph_of(page, "EmptyImage")
    page.keyboard.press("Alt+ArrowDown")
    level = page.get_by_role("navigation", name="Level of the subgraph")
    expect(level).to_contain_text("Subgraph")
    expect(node_named(page, "Inputs")).to_be_visible()
    page.keyboard.press("s")
    page.get_by_role("checkbox", name="color").check()
    shot(page, "subgraph-light")
    page.keyboard.press("Alt+ArrowUp")
    expect(level).to_be_hidden()
    color = node_named(page, "Subgraph").get_by_role("textbox", name="color")
    color.fill(str(0x30A010))  # of its own: no other test left its picture in the cache
    page.keyboard.press("Control+Enter")

    assert result_of(page)["middle"] == [0x30, 0xA0, 0x10]
    expect(node_named(page, "Subgraph")).to_have_attribute("data-state", "done")


def test_a_subgraph_is_a_node_of_its_own_in_the_palette_and_unpacks_again(open_page: OpenPage) -> None:
    page = open_page()
    open_document(page, one_colour(RED))
    make_subgraph_of(page, "EmptyImage")
    page.keyboard.press("/")
    page.keyboard.type("subgraph")
    page.get_by_role("option", name="Subgraph").first.click()
    expect(node_named(page, "Subgraph")).to_have_count(2)
    page.keyboard.press("Alt+Shift+g")
    expect(node_named(page, "Subgraph")).to_have_count(1)
    expect(node_named(page, "EmptyImage")).to_have_count(1)
    page.get_by_test_id("run").click()

    assert result_of(page)["middle"] == [0xD0, 0x20, 0x20]


def test_a_subgraph_is_pasted_into_another_workflow_with_its_inside(open_page: OpenPage) -> None:
    page = open_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_document(page, one_colour(RED))
    make_subgraph_of(page, "EmptyImage")
    page.keyboard.press("Control+c")
    page.keyboard.press("Alt+n")
    page.keyboard.press("Control+v")
    node_named(page, "Subgraph").get_by_role("button", name="Open subgraph").click()

    expect(node_named(page, "EmptyImage").get_by_role("textbox", name="color")).to_have_value(f"#{RED:06x}")


def test_a_double_click_leads_a_link_around_and_another_takes_the_waypoint_away(open_page: OpenPage) -> None:
    page = open_page("?bench")
    open_document(page, one_colour(RED))
    page.evaluate("window.__editor.setView({x: 300, y: 300, k: 1})")
    settled(page)
    source = node_named(page, "EmptyImage").locator("[data-socket=output]").bounding_box()
    target = node_named(page, "Save Image").locator("[data-socket=input]").first.bounding_box()
    assert source is not None and target is not None
    x, y = (source["x"] + target["x"] + 10) / 2, (source["y"] + target["y"] + 10) / 2
    page.mouse.dblclick(x, y)
    assert _waypoints(page) == 1
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 150, steps=4)
    page.mouse.up()
    assert _waypoints(page) == 1
    page.mouse.dblclick(x, y + 150)

    assert _waypoints(page) == 0


def _waypoints(page: Page) -> int:
    """How many waypoints the document has, as it is kept when the page is left."""
    stored: Any = page.evaluate("""() => {
        window.dispatchEvent(new Event('pagehide'));
        const {active} = JSON.parse(localStorage.getItem('heddle.window.' + sessionStorage.getItem('heddle.client')));
        return JSON.parse(localStorage.getItem('heddle.tab.' + active)).document.layout.reroutes ?? [];
    }""")
    return len(stored)


def test_a_reload_inside_a_subgraph_stays_there_and_its_ends_stay_where_they_were_put(open_page: OpenPage) -> None:
    page = open_page("?bench")
    open_document(page, one_colour(RED))
    make_subgraph_of(page, "EmptyImage")
    page.keyboard.press("Alt+ArrowDown")
    ends = node_named(page, "Inputs")
    ends.locator("header").click()
    page.keyboard.press("ArrowDown")
    place = page.evaluate("window.__editor.nodePos('@inputs')")
    page.reload()
    page.wait_for_selector("[data-testid=run]:enabled")

    expect(page.get_by_role("navigation", name="Level of the subgraph")).to_contain_text("Subgraph")
    expect(node_named(page, "EmptyImage")).to_be_visible()
    assert page.evaluate("window.__editor.nodePos('@inputs')") == place
