"""The canvas in a real Chromium: notes, help, templates, dropping, and touch."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.roads import RED, OpenPage, Shot, node_named, one_colour, open_document, open_file, serious_findings

pytestmark = pytest.mark.browser


def test_a_note_is_written_in_markdown_and_shown_formatted(open_page: OpenPage, shot: Shot) -> None:
    page = open_page()
    page.keyboard.press("Alt+n")
    page.keyboard.press("Control+k")
    page.keyboard.type("Add note")
    page.keyboard.press("Enter")
    note = page.get_by_role("region", name="Note")
    page.keyboard.type("# Colours\nuse **warm** ones\n- red\n- orange")
    page.keyboard.press("Escape")

    expect(note.get_by_role("heading", name="Colours")).to_be_visible()
    expect(note.locator("strong")).to_have_text("warm")
    expect(note.get_by_role("listitem")).to_have_count(2)
    shot(page, "note-light")


def test_help_tells_what_the_selected_node_does(open_page: OpenPage, shot: Shot) -> None:
    page = open_page()
    node_named(page, "Sampler").locator("header").click()
    page.keyboard.press("h")
    panel = page.get_by_role("complementary", name="Help on the node")

    expect(panel.get_by_role("heading", name="KSampler")).to_be_visible()
    expect(panel).to_contain_text("denoise")
    expect(panel).to_contain_text("default 20")
    shot(page, "help-light")
    assert serious_findings(page) == []


def test_a_template_is_found_by_its_picture_and_opened(open_page: OpenPage, shot: Shot) -> None:
    page = open_page()
    page.keyboard.press("t")
    dialog = page.get_by_role("dialog", name="Templates")
    expect(dialog.get_by_role("button", name="Inpainting")).to_be_visible()
    shot(page, "templates-light")
    page.keyboard.type("inpaint")
    dialog.get_by_role("button", name="Inpainting").click()

    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Inpainting", exact=True)).to_have_attribute("aria-current", "page")


def test_a_picture_without_a_workflow_becomes_a_node_that_loads_it(open_page: OpenPage) -> None:
    page = open_page()
    page.keyboard.press("Alt+n")
    picture = page.evaluate("""async () => {
        const canvas = new OffscreenCanvas(8, 8);
        canvas.getContext('2d').fillRect(0, 0, 8, 8);
        return [...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())];
    }""")
    open_file(page, "plain.png", "image/png", bytes(picture))

    expect(node_named(page, "Load Image").get_by_role("button", name="image plain.png")).to_be_visible()


def test_fingers_select_move_and_zoom_on_a_tablet(browser: Browser, server: Any) -> None:
    context = browser.new_context(viewport={"width": 820, "height": 1180}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(server.url + "?bench")
    page.wait_for_selector("[data-testid=run]:enabled")
    open_document(page, one_colour(RED))
    page.evaluate("window.__editor.setView({x: 120, y: 300, k: 1})")
    header = node_named(page, "EmptyImage").locator("header")
    header.tap()
    expect(node_named(page, "EmptyImage")).to_have_attribute("data-selected", "true")
    box = header.bounding_box()
    assert box is not None
    touch = context.new_cdp_session(page)

    def fingers(kind: str, *points: tuple[float, float]) -> None:
        listed = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": listed})

    start = (box["x"] + 60, box["y"] + 12)
    fingers("touchStart", start)
    for step in range(1, 7):
        fingers("touchMove", (start[0] + 10 * step, start[1] + 20 * step))
    fingers("touchEnd")
    assert page.evaluate("window.__editor.nodePos('1')") == [60, 120]

    fingers("touchStart", (300, 900), (500, 900))
    for step in range(1, 6):
        fingers("touchMove", (300 - 20 * step, 900), (500 + 20 * step, 900))
    fingers("touchEnd")
    assert 1.7 < page.evaluate("window.__editor.view().k") < 2.3
    context.close()
