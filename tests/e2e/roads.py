"""Steps that every road through the editor is made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

PROJECT = Path(__file__).resolve().parents[2]
EMBEDDED = PROJECT / "diffusion" / "embedded" / "heddle-shapes-128.safetensors"
RED, BLUE = 0xD02020, 0x2030D0

OpenPage = Callable[..., Page]
Shot = Callable[[Page, str], None]

PIXELS = """image => {
  const canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const at = (x, y) => [...context.getImageData(x * canvas.width, y * canvas.height, 1, 1).data.slice(0, 3)];
  return {middle: at(0.5, 0.5), corner: at(0.04, 0.04), size: [canvas.width, canvas.height]};
}"""


def node_named(page: Page, title: str) -> Locator:
    return page.locator(f"[data-node][aria-label^='{title}']")


def result_of(page: Page) -> dict[str, Any]:
    """Pixels of the picture that is shown on a node."""
    image = page.locator("[data-testid=result]").first
    expect(image).to_be_visible(timeout=60_000)
    page.wait_for_function("() => document.querySelector('[data-testid=result]').naturalWidth > 0")
    found: dict[str, Any] = image.evaluate(PIXELS)
    return found


def new_tab(page: Page) -> None:
    page.get_by_role("button", name="New workflow").click()


def add_by_typing(page: Page, name: str) -> None:
    page.keyboard.press("/")
    expect(page.get_by_role("dialog", name="Add a node")).to_be_visible()
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Add a node")).to_be_hidden()


def one_colour(color: int, name: str = "One colour") -> dict[str, Any]:
    """A workflow that needs no model: a picture of one colour."""
    return {
        "format": "heddle-workflow",
        "version": 1,
        "name": name,
        "nodes": {
            "1": {"type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": color}},
            "2": {"type": "SaveImage", "inputs": {"images": {"link": ["1", "IMAGE"]}, "filename_prefix": "colour"}},
        },
        "layout": {"nodes": {"1": {"pos": [0, 0]}, "2": {"pos": [340, 0]}}},
    }


def open_document(page: Page, document: dict[str, Any], name: str = "workflow.json") -> None:
    open_file(page, name, "application/json", json.dumps(document).encode())
    expect(page.get_by_role("button", name=document["name"], exact=True)).to_have_attribute("aria-current", "page")


def open_file(page: Page, name: str, mime: str, content: bytes) -> None:
    page.locator("#open-file").set_input_files({"name": name, "mimeType": mime, "buffer": content})


def drag(page: Page, source: Locator, target: Locator) -> None:
    start, end = source.bounding_box(), target.bounding_box()
    assert start is not None and end is not None
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] - 40, end["y"] + 20, steps=4)
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=4)
    page.mouse.up()


def settled(page: Page) -> None:
    """Waits until nothing on the page moves or fades any more."""
    page.evaluate("""async () => {
        const frame = () => new Promise(requestAnimationFrame);
        await frame(); await frame();
        const ends = document.getAnimations().filter(each => each.effect.getComputedTiming().endTime !== Infinity);
        await Promise.allSettled(ends.map(each => each.finished));
    }""")


def serious_findings(page: Page, *rules: str) -> list[str]:
    """What axe calls serious or critical on the page as it is; by these rules only, if any are named."""
    if not page.evaluate("'axe' in window"):
        page.evaluate((PROJECT / "web" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    report = page.evaluate(
        "rules => axe.run(document, {resultTypes: ['violations'], ...(rules.length ? {runOnly: rules} : {})})", rules
    )
    return [
        f"{found['id']}: {found['help']} ({'; '.join(node['html'][:120] for node in found['nodes'][:3])})"
        for found in report["violations"]
        if found["impact"] in ("serious", "critical")
    ]
