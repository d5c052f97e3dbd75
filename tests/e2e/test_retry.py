"""Jobs that failed, in a real Chromium: what is said, trying again, and what a reload still knows."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Server
from tests.e2e.roads import RED, OpenPage, node_named, one_colour, open_document, result_of

pytestmark = pytest.mark.browser


def through_mortal(page: Page, name: str) -> None:
    document = one_colour(RED, name)
    document["nodes"]["3"] = {"type": "Mortal", "inputs": {"image": {"link": ["1", "IMAGE"]}}}
    document["nodes"]["2"]["inputs"]["images"] = {"link": ["3", "IMAGE"]}
    document["layout"]["nodes"]["3"] = {"pos": [340, 300]}
    open_document(page, document)


def trouble(server: Server) -> Path:
    return server.data_dir / "custom_nodes" / "mortal" / "trouble"


def card(page: Page, name: str) -> Locator:
    return page.locator("aside").get_by_role("listitem").filter(has_text=name)


@pytest.mark.parametrize(
    ("kind", "said"), [("fail", "the ink is dry"), ("die", "worker")], ids=["a node raised", "the worker died twice"]
)
def test_a_failed_job_says_why_and_runs_again_from_its_card(
    open_page: OpenPage, server: Server, kind: str, said: str
) -> None:
    page = open_page()
    trouble(server).write_text(kind)
    through_mortal(page, f"Once more: {kind}")
    page.keyboard.press("j")
    page.get_by_test_id("run").click()
    failed = card(page, f"Once more: {kind}")
    expect(failed.get_by_role("button", name="Retry")).to_be_visible(timeout=90_000)
    expect(failed).to_contain_text(said)
    expect(node_named(page, "Mortal").get_by_role("alert")).to_contain_text(said)
    page.reload()
    page.wait_for_selector("[data-testid=run]:enabled")
    expect(node_named(page, "Mortal").get_by_role("alert")).to_contain_text(said)

    trouble(server).unlink()
    page.keyboard.press("j")
    failed.get_by_role("button", name="Retry").click()
    assert result_of(page)["middle"] == [0xD0, 0x20, 0x20]
    expect(node_named(page, "Mortal").get_by_role("alert")).to_be_hidden()
    expect(failed).to_contain_text("done")


def test_why_each_node_ran_is_known_after_a_reload_too(open_page: OpenPage) -> None:
    page = open_page()
    open_document(page, one_colour(0x112233, "Explained"))
    page.get_by_test_id("run").click()
    result_of(page)
    page.get_by_test_id("run").click()
    source = node_named(page, "EmptyImage")
    expect(source.get_by_role("button", name="cached. Why?")).to_be_visible()
    page.reload()
    page.wait_for_selector("[data-testid=run]:enabled")
    source.get_by_role("button", name="cached. Why?").click()

    expect(page.get_by_text("its result was there already")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("its result was there already")).to_be_hidden()
    expect(node_named(page, "Save Image").get_by_role("button", name="Why?")).to_be_visible()
