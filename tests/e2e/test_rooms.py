"""Every dialog and panel in a real Chromium: what axe finds, whether it fits the screen, and suits fingers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.roads import (
    BLUE,
    RED,
    Shot,
    node_named,
    one_colour,
    open_document,
    result_of,
    serious_findings,
    settled,
)

pytestmark = pytest.mark.browser

SIZES: dict[str, Any] = {
    "desktop": {"width": 1440, "height": 900},
    "tablet": {"width": 820, "height": 1180},
    "phone": {"width": 390, "height": 844},
}
SMALLEST_TARGET = 24
"""Pixels on each side of what a finger meets, as WCAG 2.2 asks at level AA."""


def command(page: Page, name: str) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type(name)
    page.keyboard.press("Enter")


def settings(page: Page, tab: str) -> None:
    command(page, "Settings")
    page.get_by_role("dialog", name="Settings").get_by_role("button", name=tab).click()


def lightbox(page: Page) -> None:
    command(page, "Gallery panel")
    page.locator("aside").get_by_role("button", name="large").first.click()


def compared(page: Page) -> None:
    lightbox(page)
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_role("group", name="Compare with").get_by_role("button").first.click()


def mask(page: Page) -> None:
    lightbox(page)
    page.get_by_role("button", name="Use as input").click()
    page.keyboard.press(".")
    node_named(page, "Load Image").get_by_role("button", name="Paint a mask").click()
    expect(page.get_by_label("Painting area")).to_be_visible()


def versions_compared(page: Page) -> None:
    command(page, "Versions panel")
    page.get_by_role("button", name="with now").first.click()


def form_builder(page: Page) -> None:
    command(page, "Form builder")
    page.get_by_role("button", name="Make a form").click()
    page.get_by_text("Choose from the workflow").click()


def form(page: Page) -> None:
    command(page, "Form or graph")  # the form that was made in the room before


def sockets(page: Page) -> None:
    node_named(page, "EmptyImage").focus()
    page.keyboard.press("Alt+s")
    expect(page.get_by_role("dialog", name="Turn a value into a socket")).to_be_visible()


ROOMS: dict[str, Callable[[Page], None]] = {
    "settings-looks": lambda page: settings(page, "Looks and language"),
    "settings-canvas": lambda page: settings(page, "Canvas"),
    "settings-keys": lambda page: settings(page, "Keys"),
    "templates": lambda page: command(page, "Templates"),
    "jobs": lambda page: command(page, "Jobs panel"),
    "gallery": lambda page: command(page, "Gallery panel"),
    "lightbox": lightbox,
    "lightbox-compared": compared,
    "mask": mask,
    "versions": lambda page: command(page, "Versions panel"),
    "comparison": versions_compared,
    "form-builder": form_builder,
    "form": form,
    "subgraph": lambda page: command(page, "Subgraph panel"),
    "library": lambda page: command(page, "Node library"),
    "help": lambda page: command(page, "Help on the node"),
    "palette": lambda page: page.keyboard.press("/"),
    "commands": lambda page: page.keyboard.press("Control+k"),
    "sockets": sockets,
}

FOCUS_INSIDE = """async dialog => {
  await new Promise(done => setTimeout(done, 5));
  return dialog.contains(document.activeElement);
}"""

OUTSIDE = """() => {
  const wide = [...document.querySelectorAll('[role=dialog], aside, [role=menu]')].filter(element => {
    const box = element.getBoundingClientRect();
    return box.width && (box.left < -1 || box.right > innerWidth + 1 || box.top < -1 || box.bottom > innerHeight + 1);
  });
  const said = element => JSON.stringify(element.getBoundingClientRect());
  return wide.map(element => `${element.getAttribute('aria-label')} ${said(element)}`);
}"""

TOO_SMALL = """least => {
  const rooms = [...document.querySelectorAll('[role=dialog], aside')];
  const found = rooms.flatMap(room => [...room.querySelectorAll('button, input, select, textarea, summary, a[href]')]);
  return found.flatMap(element => {
    const label = element.closest('label');
    const boxes = [element, ...(label ? [label] : [])].map(each => each.getBoundingClientRect());
    const seen = element.checkVisibility({opacityProperty: true, visibilityProperty: true}) && boxes[0].width > 0;
    const large = boxes.some(box => box.width >= least - 0.5 && box.height >= least - 0.5);
    const name = element.getAttribute('aria-label') || element.textContent || element.name;
    return !seen || large ? [] : [`${element.tagName} ${name}: ${boxes[0].width} × ${boxes[0].height}`];
  });
}"""


def fill_the_rooms(page: Page) -> None:
    """A workflow with results of two colours and a version kept at each run, found again after a reload."""
    for color in (RED, BLUE):
        open_document(page, one_colour(color, "Rooms"))
        page.get_by_test_id("run").click()
        result_of(page)
        page.get_by_role("button", name="Close Rooms").click()
    open_document(page, one_colour(RED, "Rooms"))


def test_every_room_passes_axe_fits_the_screen_and_suits_fingers(browser: Browser, server: Any, shot: Shot) -> None:
    context = browser.new_context(viewport=SIZES["desktop"], has_touch=True)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.goto(server.url)
    page.wait_for_selector("[data-testid=run]:enabled")
    fill_the_rooms(page)
    found = {}
    for name, enter in ROOMS.items():
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size(SIZES["phone"])
        page.goto(server.url)
        page.wait_for_selector("[data-testid=run]:enabled")
        enter(page)
        settled(page)
        found[name] = serious_findings(page, "color-contrast")
        for size in ("phone", "tablet"):
            page.set_viewport_size(SIZES[size])
            settled(page)
            shot(page, f"room-{name}-{size}")
            found[name] += page.evaluate(OUTSIDE) + page.evaluate(TOO_SMALL, SMALLEST_TARGET)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(SIZES["desktop"])
        settled(page)
        shot(page, f"room-{name}-desktop")
        found[name] += serious_findings(page) + page.evaluate(OUTSIDE)
    context.close()

    assert {name: faults for name, faults in found.items() if faults} == {}


def test_focus_stays_in_a_dialog_and_goes_back_when_it_closes(browser: Browser, server: Any) -> None:
    page = browser.new_page()
    page.goto(server.url)
    page.wait_for_selector("[data-testid=run]:enabled")
    page.get_by_role("button", name="Outline").focus()
    page.keyboard.press("Control+,")
    dialog = page.get_by_role("dialog", name="Settings")
    for _ in range(40):
        page.keyboard.press("Tab")
        assert dialog.evaluate(FOCUS_INSIDE)
    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name="Outline")).to_be_focused()
    page.close()
