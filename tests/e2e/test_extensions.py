"""What packs add to the editor in a real Chromium: a control, a panel, and one that fails without harm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Server, free_port
from tests.e2e.roads import OpenPage, Shot, add_by_typing, node_named, result_of

pytestmark = pytest.mark.browser

BROKEN = """export default {
  api: 1,
  panels: [{ id: "broken", title: "Broken panel", mount() { throw new Error("out of ink"); } }],
};"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two more packs: one whose panel fails when it is opened, one whose script cannot be loaded."""
    running = Server(tmp_path_factory.mktemp("data"), free_port())
    for name, script in (("brittle", BROKEN), ("garbled", "export default {")):
        running.add_pack(name, 'WEB_DIRECTORY = "web"\nNODE_CLASS_MAPPINGS = {}\n', script)
    running.start()
    yield running
    running.stop()


def test_a_packs_control_edits_its_input_and_runs(open_page: OpenPage, faults: list[str], shot: Shot) -> None:
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
    assert forgiven(faults) == 1


def _save_and_run(page: Page) -> None:
    node_named(page, "Stripes").locator("header").click()
    add_by_typing(page, "saveimage")
    target = node_named(page, "Save Image")
    target.get_by_role("button", name="Input images, IMAGE").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.get_by_test_id("run").click()


def test_a_failing_extension_is_named_and_the_rest_goes_on(open_page: OpenPage, faults: list[str]) -> None:
    page = open_page()
    expect(page.get_by_role("alert").filter(has_text="garbled")).to_be_visible()
    page.get_by_role("button", name="Broken panel").click()
    panel = page.get_by_role("complementary", name="Broken panel")

    expect(panel.get_by_role("alert")).to_contain_text("brittle")
    expect(panel.get_by_role("alert")).to_contain_text("out of ink")
    page.get_by_role("button", name="Colours of the workflow").click()
    expect(page.get_by_role("complementary", name="Colours of the workflow")).to_contain_text("No stripes yet.")
    assert forgiven(faults) == 2


def forgiven(faults: list[str]) -> int:
    """How many extensions were blamed in the console; they are taken out of what fails the test."""
    blamed = [fault for fault in faults if "editor extension of the pack" in fault]
    faults[:] = [fault for fault in faults if fault not in blamed]
    return len(blamed)
