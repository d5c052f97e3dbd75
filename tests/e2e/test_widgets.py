"""The controls on nodes in a real Chromium: comparison, curve, colour, text, validation and reset."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.roads import BLUE, RED, OpenPage, Shot, add_by_typing, node_named, open_document, result_of

pytestmark = pytest.mark.browser


def document(nodes: dict[str, Any], name: str = "Controls") -> dict[str, Any]:
    """A document with its nodes side by side."""
    places = {id_: {"pos": [300 * index, 0]} for index, id_ in enumerate(nodes)}
    return {"format": "heddle-workflow", "version": 1, "name": name, "nodes": nodes, "layout": {"nodes": places}}


def plain(color: int, size: int = 64) -> dict[str, Any]:
    return {"type": "EmptyImage", "inputs": {"width": size, "height": size, "batch_size": 1, "color": color}}


def save(link: list[str]) -> dict[str, Any]:
    return {"type": "SaveImage", "inputs": {"images": {"link": link}, "filename_prefix": "controls"}}


def test_two_pictures_are_compared_on_a_node_by_dragging_their_border(open_page: OpenPage, shot: Shot) -> None:
    page = open_page()
    inputs = {"image_a": {"link": ["1", "IMAGE"]}, "image_b": {"link": ["2", "IMAGE"]}}
    open_document(page, document({"1": plain(RED), "2": plain(BLUE), "3": {"type": "ImageCompare", "inputs": inputs}}))
    page.get_by_test_id("run").click()
    node = node_named(page, "Compare Images")
    border = node.get_by_role("slider", name="Border between the pictures")
    expect(border).to_have_value("50", timeout=60_000)
    shot(page, "compare-node-light")
    before = node.bounding_box()
    box = border.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()

    assert 70 <= int(border.input_value()) <= 90
    assert node.bounding_box() == before
    border.press("Home")
    expect(border).to_have_value("0")


def test_a_curve_is_bent_with_mouse_and_keys_and_changes_the_picture(open_page: OpenPage, shot: Shot) -> None:
    page = open_page()
    tones = {"type": "sketchbook.tones", "inputs": {"image": {"link": ["1", "IMAGE"]}}}
    open_document(page, document({"1": plain(0x404040), "2": tones, "3": save(["2", "IMAGE"])}))
    curve = node_named(page, "Tone curve").get_by_role("group", name="curve")
    expect(curve.get_by_role("button")).to_have_count(2)
    box = curve.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.3)
    expect(curve.get_by_role("button")).to_have_count(3)
    shot(page, "curve-light")
    curve.get_by_role("button").nth(1).press("Delete")
    expect(curve.get_by_role("button")).to_have_count(2)
    first = curve.get_by_role("button").first
    first.focus()
    for _ in range(10):
        page.keyboard.press("Shift+ArrowUp")
    expect(first).to_have_accessible_name("Point 1 of 2: 0.00 becomes 1.00")
    page.get_by_test_id("run").click()

    assert result_of(page)["middle"] == [255, 255, 255]
    node_named(page, "Tone curve").get_by_role("button", name="Reset curve").click()
    expect(first).to_have_accessible_name("Point 1 of 2: 0.00 becomes 0.00")


def test_a_colour_is_typed_or_picked(open_page: OpenPage) -> None:
    page = open_page()
    open_document(page, document({"1": plain(0), "2": save(["1", "IMAGE"])}))
    node = node_named(page, "EmptyImage")
    node.get_by_role("textbox", name="color").fill("#20d030")
    page.keyboard.press("Enter")
    expect(node.get_by_label("Palette")).to_have_value("#20d030")
    node.get_by_label("Palette").fill("#d02020")
    expect(node.get_by_role("textbox", name="color")).to_have_value("#d02020")
    page.get_by_test_id("run").click()

    assert result_of(page)["middle"] == [0xD0, 0x20, 0x20]


def test_a_text_is_made_taller_at_its_edge(open_page: OpenPage) -> None:
    page = open_page("?bench")
    open_document(page, document({"1": {"type": "CLIPTextEncode", "inputs": {"text": "a long prompt"}}}))
    page.evaluate("window.__editor.setView({x: 300, y: 200, k: 1})")
    area = page.get_by_role("textbox", name="text")
    box = area.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2
    page.mouse.move(middle, box["y"] + box["height"] + 3)
    page.mouse.down()
    page.mouse.move(middle, box["y"] + box["height"] + 103, steps=4)
    page.mouse.up()
    taller = area.bounding_box()
    assert taller is not None

    assert taller["height"] == pytest.approx(box["height"] + 100, abs=2)
    page.keyboard.press("Control+z")
    expect(area).to_have_css("height", f"{box['height']:g}px")


def test_a_value_that_cannot_run_is_marked_at_once_and_reset_puts_it_right(open_page: OpenPage) -> None:
    page = open_page()
    open_document(
        page, document({"1": {**plain(0), "inputs": {"width": 0, "height": "tall", "batch_size": 1, "color": -5}}})
    )
    node = node_named(page, "EmptyImage")
    for name, reason in (("width", "1 to 16384"), ("height", "tall is not a number"), ("color", "-5 is not a colour")):
        field = node.get_by_role("textbox", name=name)
        expect(field).to_have_attribute("aria-invalid", "true")
        field.focus()
        expect(node.get_by_text(reason)).to_be_visible()
    node.locator("header").click()
    page.keyboard.press("Alt+Backspace")

    for name in ("width", "height", "color"):
        expect(node.get_by_role("textbox", name=name)).to_have_attribute("aria-invalid", "false")


def test_a_text_result_is_read_on_its_node(open_page: OpenPage) -> None:
    page = open_page()
    text = {"type": "PrimitiveStringMultiline", "inputs": {"value": "two lines\nof text"}}
    shown = {"type": "PreviewAny", "inputs": {"source": {"link": ["1", "STRING"]}}}
    open_document(page, document({"1": text, "2": shown}))
    page.get_by_test_id("run").click()

    expect(node_named(page, "Preview Any").get_by_role("region", name="Text result")).to_contain_text(
        "of text", timeout=60_000
    )


def test_a_value_becomes_a_socket_by_menu_list_and_key_and_a_control_again(open_page: OpenPage) -> None:
    page = open_page()
    open_document(page, document({"1": plain(0)}))
    node = node_named(page, "EmptyImage")
    width = node.get_by_role("textbox", name="width")
    node.locator("header").click(button="right")
    page.get_by_role("menuitem", name="Turn values into sockets").click()
    page.keyboard.type("wid")
    page.keyboard.press("Enter")
    expect(width).to_be_hidden()
    expect(node.get_by_text("64", exact=True)).to_be_visible()
    node.get_by_role("button", name="Input width, INT").press("Alt+s")
    expect(width).to_have_value("64")
    width.focus()
    page.keyboard.press("Alt+s")
    expect(width).to_be_hidden()
    page.keyboard.press("Control+z")

    expect(width).to_be_visible()


def test_the_palette_is_narrowed_by_type_and_category(open_page: OpenPage, shot: Shot) -> None:
    page = open_page()
    page.keyboard.press("/")
    palette = page.get_by_role("dialog", name="Add a node")
    palette.get_by_label("takes").fill("LATENT")
    palette.get_by_label("gives").fill("IMAGE")
    expect(palette.get_by_role("option", name="VAE Decode").first).to_be_visible()
    expect(palette.get_by_role("option", name="KSampler")).to_have_count(0)
    shot(page, "palette-filters-light")
    palette.get_by_role("combobox", name="Add a node").fill("in:mask")

    expect(palette.get_by_label("category")).to_have_value("mask")
    expect(palette.get_by_role("option").filter(has_text="mask").first).to_be_visible()


def test_a_sound_is_played_on_its_node_and_large(open_page: OpenPage) -> None:
    page = open_page()
    open_document(page, document({"1": {"type": "Beep", "inputs": {}}}, "Sounds"))
    page.get_by_test_id("run").click()
    player = node_named(page, "Beep").locator("audio")
    expect(player).to_have_js_property("duration", 0.5, timeout=60_000)
    page.keyboard.press("g")
    page.get_by_role("button", name="Show beep.wav large").click()
    large = page.get_by_role("dialog", name="beep.wav")

    expect(large.locator("audio")).to_have_js_property("duration", 0.5)
    expect(large.get_by_role("link", name="Download")).to_be_visible()
    expect(large.get_by_role("button", name="Use as input")).to_have_count(0)


def test_a_packs_control_edits_its_input_and_runs(open_page: OpenPage, shot: Shot) -> None:
    page = open_page()
    page.keyboard.press("Alt+n")
    add_by_typing(page, "stripes")
    stripes = node_named(page, "Stripes")
    colours = stripes.get_by_role("group", name="colours")
    expect(colours.locator("input")).to_have_count(2)
    stripes.get_by_role("button", name="Add a colour").click()
    expect(colours.locator("input")).to_have_count(3)
    page.get_by_role("button", name="Colours of the workflow").click()
    panel = page.get_by_role("complementary", name="Colours of the workflow")
    expect(panel).to_contain_text("#d02020 #2030d0 #808080")
    shot(page, "extension-light")
    colours.locator("input").nth(1).fill("#00ff00")
    expect(panel).to_contain_text("#d02020 #00ff00 #808080")
    _save_and_run(page)

    assert result_of(page)["middle"] == [0, 0xFF, 0]


def _save_and_run(page: Page) -> None:
    node_named(page, "Stripes").locator("header").click()
    add_by_typing(page, "saveimage")
    target = node_named(page, "Save Image")
    target.get_by_role("button", name="Input images, IMAGE").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.get_by_test_id("run").click()
