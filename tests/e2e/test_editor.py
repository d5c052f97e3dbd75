"""The roads people walk in the editor, in a real Chromium against a real server and worker."""

from __future__ import annotations

import os
import re
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.e2e.roads import (
    BLUE,
    EMBEDDED,
    RED,
    OpenPage,
    Shot,
    add_by_typing,
    drag,
    new_tab,
    node_named,
    one_colour,
    open_document,
    open_file,
    result_of,
    serious_findings,
)

pytestmark = pytest.mark.browser


@pytest.mark.skipif(
    not EMBEDDED.is_file() and os.environ.get("CI") != "true", reason=f"the embedded model {EMBEDDED.name} is not here"
)
def test_an_edited_prompt_becomes_a_picture_of_that_colour(open_page: OpenPage, shot: Shot) -> None:
    page = open_page()
    expect(page.get_by_role("button", name="Text to image")).to_be_visible()
    shot(page, "editor-light")
    page.get_by_role("textbox", name="text").first.fill("a green circle on a yellow background")
    page.keyboard.press("Control+Enter")

    expect(page.locator("[data-testid=preview] img").first).to_be_visible(timeout=60_000)
    shot(page, "running-light")
    pixels = result_of(page)
    shot(page, "result-light")
    red, green, blue = pixels["middle"]
    assert green > red + 30 and green > blue + 30, pixels
    red, green, blue = pixels["corner"]
    assert red > blue + 60 and green > blue + 60, pixels


def test_a_graph_built_by_mouse_alone_runs(open_page: OpenPage) -> None:
    page = open_page()
    new_tab(page)
    page.get_by_role("button", name="Nodes and templates").click()
    page.locator("summary", has_text=re.compile(r"^image \d")).click()
    page.get_by_role("button", name="EmptyImage", exact=True).click()
    source = node_named(page, "EmptyImage")
    expect(source).to_be_visible()
    socket = source.locator("[data-socket=output]").bounding_box()
    assert socket is not None
    page.mouse.move(socket["x"] + 5, socket["y"] + 5)
    page.mouse.down()
    page.mouse.move(socket["x"] + 60, socket["y"] + 30, steps=3)
    page.mouse.move(socket["x"] + 120, socket["y"] + 40, steps=3)
    page.mouse.up()
    page.get_by_role("option", name=re.compile("^Save Image")).click()
    page.get_by_test_id("run").click()

    assert result_of(page)["middle"] == [0, 0, 0]


def test_a_graph_built_by_keyboard_alone_runs(open_page: OpenPage, shot: Shot) -> None:
    page = open_page()
    page.keyboard.press("Alt+n")
    add_by_typing(page, "emptyimage")
    add_by_typing(page, "saveimage")
    page.keyboard.press("1")
    target = node_named(page, "Save Image")
    target.focus()
    target.get_by_role("button", name="Input images, IMAGE").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Link images from…")).to_be_visible()
    page.keyboard.press("Enter")
    node_named(page, "EmptyImage").focus()
    color = node_named(page, "EmptyImage").get_by_role("textbox", name="color")
    color.focus()
    page.keyboard.type(str(RED))
    page.keyboard.press("Control+Enter")

    assert result_of(page)["middle"] == [0xD0, 0x20, 0x20]


def test_an_error_is_shown_on_its_input_and_goes_once_mended(open_page: OpenPage, shot: Shot) -> None:
    page = open_page()
    broken = one_colour(BLUE)
    del broken["nodes"]["2"]["inputs"]["images"]
    open_document(page, broken)
    expect(node_named(page, "Save Image")).to_be_visible()
    page.get_by_test_id("run").click()
    alert = node_named(page, "Save Image").get_by_role("alert")

    expect(alert).to_contain_text("images")
    shot(page, "error-light")
    target = node_named(page, "Save Image").locator("[data-socket=input]").first
    drag(page, node_named(page, "EmptyImage").locator("[data-socket=output]"), target)
    page.get_by_test_id("run").click()
    assert result_of(page)["middle"] == [0x20, 0x30, 0xD0]
    expect(alert).to_be_hidden()


def test_undo_brings_back_a_deleted_node_with_its_links(open_page: OpenPage) -> None:
    page = open_page()
    open_document(page, one_colour(RED))
    node = node_named(page, "EmptyImage")
    node.locator("header").click()
    page.keyboard.press("Delete")
    expect(node).to_be_hidden()
    page.keyboard.press("Control+z")
    expect(node).to_be_visible()
    page.get_by_test_id("run").click()

    assert result_of(page)["middle"] == [0xD0, 0x20, 0x20]


def test_a_reload_loses_neither_the_document_nor_the_result(open_page: OpenPage) -> None:
    page = open_page()
    open_document(page, one_colour(RED, "Kept"))
    expect(page.get_by_role("button", name="Kept", exact=True)).to_be_visible()
    with page.expect_response("**/api/v1/jobs"):
        page.get_by_test_id("run").click()
    page.reload()

    expect(page.get_by_role("button", name="Kept", exact=True)).to_be_visible()
    assert result_of(page)["middle"] == [0xD0, 0x20, 0x20]


def test_a_saved_picture_opens_as_the_workflow_that_made_it(open_page: OpenPage, server: Any) -> None:
    page = open_page()
    color = 0x123456  # of its own: a colour made before would be shown from the cache, with the earlier name inside
    open_document(page, one_colour(color, "Inside the picture"))
    page.get_by_test_id("run").click()
    result_of(page)
    address = page.locator("[data-testid=result]").first.get_attribute("src")
    assert address is not None
    with urllib.request.urlopen(server.url + address.lstrip("/"), timeout=10) as answer:
        picture = answer.read()
    other = open_page()
    open_file(other, "found.png", "image/png", picture)

    expect(other.get_by_role("button", name="Inside the picture", exact=True)).to_be_visible()
    expect(node_named(other, "EmptyImage").get_by_role("textbox", name="color")).to_have_value(f"#{color:06x}")


def test_two_windows_each_see_their_own_job(open_page: OpenPage) -> None:
    first, second = open_page(), open_page()
    open_document(first, one_colour(RED))
    open_document(second, one_colour(BLUE))
    first.get_by_test_id("run").click()
    second.get_by_test_id("run").click()

    assert result_of(first)["middle"] == [0xD0, 0x20, 0x20]
    assert result_of(second)["middle"] == [0x20, 0x30, 0xD0]


def test_a_document_opened_early_is_not_replaced_by_the_servers_first_workflow(browser: Browser, server: Any) -> None:
    held: list[Route] = []
    page = browser.new_page()
    page.route("**/api/v1/templates/default", lambda route: held.append(route))
    page.goto(server.url)
    page.wait_for_selector("[data-testid=run]:enabled")
    open_document(page, one_colour(BLUE, "Opened early"))

    with page.expect_response("**/api/v1/templates/default"):
        held[0].continue_()
    page.wait_for_timeout(300)

    assert page.locator("[data-node]").count() == 2
    expect(page.get_by_role("button", name="Opened early", exact=True)).to_be_visible()
    page.close()


def test_a_document_of_500_nodes_opens_and_shows_every_node(open_page: OpenPage) -> None:
    page = open_page("?bench")
    document = one_colour(RED)
    for number in range(3, 501):
        inputs = {"width": 8, "height": 8, "batch_size": 1, "color": number}
        document["nodes"][str(number)] = {"type": "EmptyImage", "inputs": inputs}
        document["layout"]["nodes"][str(number)] = {"pos": [(number % 25) * 300, (number // 25) * 260]}
    page.evaluate("document => window.__editor.load(document)", document)

    assert page.evaluate("window.__editor.count()") == 500
    page.evaluate("window.__editor.setView({x: -4000, y: -3000, k: 1})")
    expect(page.locator("[data-node]").nth(5)).to_be_visible()
    assert page.locator("[data-node]").count() < 60


def test_a_file_that_is_no_workflow_is_refused_in_words(open_page: OpenPage) -> None:
    page = open_page()
    open_file(page, "notes.json", "application/json", b'{"hello": 1}')

    expect(page.get_by_role("alert").filter(has_text="notes.json could not be opened")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "mime", "content", "said"),
    [
        ("cut.json", "application/json", b'{"nodes": [1,', "It is not JSON"),
        ("cut.png", "image/png", b"\x89PNG\r\n\x1a\nnothing", "neither a workflow nor a picture"),
    ],
)
def test_a_damaged_file_changes_nothing_and_is_named(
    open_page: OpenPage, name: str, mime: str, content: bytes, said: str
) -> None:
    page = open_page()
    nodes = page.locator("[data-node]").count()
    open_file(page, name, mime, content)

    expect(page.get_by_role("alert").filter(has_text=f"{name} could not be opened")).to_contain_text(said)
    assert page.locator("[data-node]").count() == nodes


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_that_axe_calls_serious_is_found(open_page: OpenPage, scheme: str) -> None:
    page = open_page(scheme=scheme)
    page.get_by_role("button", name="Outline").click()

    assert serious_findings(page) == []
