"""Packs that make trouble, in a real Chromium: broken ones, and one that loads late on a server that was lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Server, free_port
from tests.e2e.roads import BLUE, OpenPage, node_named, one_colour, open_document, result_of

pytestmark = pytest.mark.browser

BROKEN = """export default {
  api: 1,
  panels: [{ id: "broken", title: "Broken panel", mount() { throw new Error("out of ink"); } }],
};"""


LATE = """
import pathlib, time

class Tardy:
    CATEGORY, RETURN_TYPES, FUNCTION = "test", ("IMAGE",), "run"
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",)}}
    def run(self, image):
        return (image,)

NODE_CLASS_MAPPINGS = {"Tardy": Tardy}
while not pathlib.Path(__file__).with_name("go").exists():
    time.sleep(0.02)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two more packs: one whose panel fails when it is opened, one whose script cannot be loaded."""
    running = Server(tmp_path_factory.mktemp("data"), free_port())
    for name, script in (("brittle", BROKEN), ("garbled", "export default {")):
        running.add_pack(name, 'WEB_DIRECTORY = "web"\nNODE_CLASS_MAPPINGS = {}\n', script)
    running.start()
    yield running
    running.stop()


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


def test_the_editor_comes_back_when_its_server_does_with_the_nodes_of_a_new_pack(
    open_page: OpenPage, server: Server, faults: list[str]
) -> None:
    page = open_page()
    expect(page.get_by_role("button", name="Broken panel")).to_be_visible()  # every extension has been tried
    open_document(page, one_colour(BLUE))
    server.stop()
    expect(page.get_by_text("Server lost")).to_be_visible()
    pack = server.add_pack("late", LATE)
    server.start()
    expect(page.get_by_text("Server lost")).to_be_hidden(timeout=20_000)

    expect(page.get_by_text("Loading packs…")).to_be_visible()
    page.keyboard.press("/")
    palette = page.get_by_role("dialog", name="Add a node")
    expect(palette).to_contain_text("Packs are still loading")
    page.keyboard.type("tardy")
    expect(palette).to_contain_text("No node matches yet")
    page.keyboard.press("Enter")
    expect(palette).to_contain_text("added as soon as its pack has loaded")
    (pack / "go").touch()
    expect(palette).to_be_hidden()
    expect(node_named(page, "Tardy")).to_be_visible()
    expect(page.get_by_text("Loading packs…")).to_be_hidden()

    page.keyboard.press("Control+z")
    page.get_by_test_id("run").click()
    assert result_of(page)["middle"] == [0x20, 0x30, 0xD0]
    assert forgiven(faults) == 1


def forgiven(faults: list[str]) -> int:
    """How many extensions were blamed in the console; they are taken out of what fails the test."""
    blamed = [fault for fault in faults if "editor extension of the pack" in fault]
    faults[:] = [fault for fault in faults if fault not in blamed]
    return len(blamed)
