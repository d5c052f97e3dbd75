"""The queue in a real Chromium: several jobs at once, their order, the pause, and what a reload brings back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.roads import RED, OpenPage, Shot, node_named, one_colour, open_document, result_of

pytestmark = pytest.mark.browser


def queued_ids(page: Page) -> list[str]:
    cards = page.locator("[data-queued]")
    return [cards.nth(index).get_attribute("data-queued") or "" for index in range(cards.count())]


def grip(page: Page, index: int) -> Locator:
    return page.locator("[data-queued]").nth(index).get_by_role("button", name="in the queue")


def test_several_jobs_wait_in_the_order_that_a_person_gives_them_and_run_after_the_pause(
    open_page: OpenPage, shot: Shot
) -> None:
    page = open_page()
    open_document(page, one_colour(RED, "Three reds"))
    page.keyboard.press("j")
    page.get_by_role("button", name="Pause the queue").click()
    page.get_by_role("button", name="Ways to run").click()
    page.get_by_role("spinbutton", name="Jobs at each run").fill("3")
    page.keyboard.press("Escape")
    page.get_by_test_id("run").click()
    expect(page.locator("[data-queued]")).to_have_count(3)
    expect(page.get_by_test_id("run")).to_be_enabled()

    first, second, third = queued_ids(page)
    grip(page, 0).focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-queued]").first).to_have_attribute("data-queued", second)
    shot(page, "queue-light")

    page.reload()
    page.wait_for_selector("[data-testid=run]:enabled")
    page.keyboard.press("j")
    expect(page.locator("[data-queued]").first).to_contain_text("Three reds")
    assert queued_ids(page) == [second, first, third]

    page.get_by_role("button", name="Resume the queue").first.click()
    finished = page.get_by_role("list", name="Finished").get_by_role("listitem").filter(has_text="Three reds")
    expect(finished).to_have_count(3, timeout=60_000)
    assert result_of(page)["middle"] == [0xD0, 0x20, 0x20]
    why = node_named(page, "Save Image").get_by_role("button", name="Why?")
    expect(why).to_be_visible()


def test_a_result_is_found_said_how_it_was_made_and_masked_as_an_input(open_page: OpenPage, shot: Shot) -> None:
    page = open_page()
    open_document(page, one_colour(RED, "Found again"))
    page.get_by_test_id("run").click()
    result_of(page)
    page.keyboard.press("g")
    page.get_by_role("searchbox", name="Search pictures").fill("Found again")
    page.locator("aside").get_by_role("button", name="large").first.click()
    page.get_by_role("button", name="How it was made").click()
    expect(page.get_by_role("complementary", name="How it was made")).to_contain_text(str(RED))
    page.get_by_role("button", name="Use as input").click()

    loader = node_named(page, "Load Image")
    loader.get_by_role("button", name="Paint a mask").click()
    page.get_by_label("Painting area").focus()
    page.keyboard.press("Space")
    shot(page, "mask-light")
    page.get_by_role("button", name="Save mask").click()
    expect(loader).to_contain_text("masked-colour")
