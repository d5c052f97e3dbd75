"""The form of a workflow in a real Chromium: built, filled in, shared as a link that works on a phone, taken back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.roads import BLUE, RED, OpenPage, Shot, one_colour, open_document, result_of, serious_findings

pytestmark = pytest.mark.browser


def build_form(page: Page) -> None:
    """A form that asks for the colour and shows the saved picture."""
    open_document(page, one_colour(BLUE, "Colours"))
    page.keyboard.press("Shift+F")
    page.get_by_role("button", name="Make a form").click()
    page.get_by_label("Title").fill("Any colour you like")
    page.get_by_text("Choose from the workflow").click()
    page.get_by_role("checkbox", name="color").check()
    label = page.get_by_role("textbox", name="Label of color")
    label.fill("Colour")


def test_a_form_is_built_filled_in_and_run(open_page: OpenPage, shot: Shot) -> None:
    page = open_page()
    build_form(page)
    page.get_by_role("button", name="Show the form").click()
    form = page.get_by_role("form", name="Any colour you like")
    expect(form).to_be_visible()
    form.get_by_role("textbox", name="Colour").fill(str(RED))
    page.get_by_test_id("form-run").click()

    assert result_of(page)["middle"] == [0xD0, 0x20, 0x20]
    shot(page, "form-light")
    assert serious_findings(page) == []
    page.get_by_role("button", name="Form or graph").click()
    expect(form).to_be_hidden()
    expect(page.locator("[data-node]").first).to_be_visible()


def test_a_shared_form_works_on_a_phone_until_it_is_taken_back(
    open_page: OpenPage, browser: Browser, server: object, shot: Shot
) -> None:
    page = open_page()
    build_form(page)
    page.get_by_role("button", name="Share a link").click()
    link = page.get_by_role("region", name="Sharing").get_by_role("link").get_attribute("href")
    assert link is not None and "?form=" in link

    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone = context.new_page()
    phone.goto(link)
    field = phone.get_by_role("textbox", name="Colour")
    expect(field).to_have_value(f"#{BLUE:06x}")
    assert phone.locator("[data-node]").count() == 0
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    field.fill(str(RED))
    phone.get_by_test_id("form-run").tap()
    assert result_of(phone)["middle"] == [0xD0, 0x20, 0x20]
    shot(phone, "form-phone-light")

    page.get_by_role("button", name="Stop sharing").click()
    expect(page.get_by_role("button", name="Share a link")).to_be_visible()
    phone.goto(link)
    expect(phone.get_by_text("not shared on this server any more")).to_be_visible()
    context.close()


def test_a_wrong_value_is_named_at_its_field(open_page: OpenPage) -> None:
    page = open_page()
    build_form(page)
    page.get_by_role("checkbox", name="width").check()
    page.get_by_role("button", name="Show the form").click()
    width = page.get_by_role("form").get_by_role("textbox", name="width")
    width.fill("99999999")

    expect(width).to_have_attribute("aria-invalid", "true")
