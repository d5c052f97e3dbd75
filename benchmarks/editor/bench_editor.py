"""Measures the built editor in headless Chromium with software rendering and prints one JSON line.

    python benchmarks/editor/bench_editor.py [--nodes 50,200,1000,5000] [--seconds 2]

No server is needed: the page is served from `web/dist`, the catalogue from the tests' fixture. `work_ms` is CPU time
of the main thread per frame (Chromium's TaskDuration in thread ticks); heap is after a collection.
"""

from __future__ import annotations

import argparse
import json
import mimetypes
import shutil
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page, Route, sync_playwright

WEB = Path(__file__).resolve().parents[2] / "web"
ARGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--enable-precise-memory-info"
)
FRAMES = """([kind, seconds, start]) => new Promise(done => {
  const editor = window.__editor, began = performance.now();
  let frames = 0;
  const step = now => {
    const t = (now - began) / 1000;
    if (t >= seconds) return done(frames / t);
    frames += 1;
    if (kind === 'pan') editor.setView({x: start.x - 240 * t, y: start.y - 120 * t, k: start.k});
    if (kind === 'zoom') {
      const k = start.k * Math.pow(8, (1 - Math.cos(t * 3)) / 2), by = k / start.k;
      editor.setView({x: 720 - (720 - start.x) * by, y: 450 - (450 - start.y) * by, k});
    }
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""

COUNT_FRAMES = """() => {
  window.__frames = 0;
  window.__counting = true;
  const step = () => { window.__frames += 1; if (window.__counting) requestAnimationFrame(step); };
  step();
}"""
LOAD = """async document => {
  const began = performance.now();
  await window.__editor.load(document);
  return (performance.now() - began) / 1000;
}"""


def workflow(count: int) -> dict[str, Any]:
    """Copies of the default workflow, seven nodes each, in rows."""
    default = json.loads((WEB.parent / "workflows" / "text-to-image.json").read_text())
    nodes: dict[str, Any] = {}
    places: dict[str, Any] = {}
    block = 0
    columns = max(1, round((count / 7) ** 0.5 / 1.6))
    while len(nodes) < count:
        offset = block * 7
        for id_, node in default["nodes"].items():
            if len(nodes) == count:
                break
            inputs = {}
            for name, value in node["inputs"].items():
                if isinstance(value, dict) and "link" in value:
                    value = {"link": [str(int(value["link"][0]) + offset), value["link"][1]]}
                inputs[name] = value
            nodes[str(int(id_) + offset)] = {**node, "inputs": inputs}
            x, y = default["layout"]["nodes"][id_]["pos"]
            pos = [x + (block % columns) * 1700, y + (block // columns) * 640]
            places[str(int(id_) + offset)] = {**default["layout"]["nodes"][id_], "pos": pos}
        block += 1
    return {"format": "heddle-workflow", "version": 1, "name": f"{count}", "nodes": nodes, "layout": {"nodes": places}}


def serve(route: Route) -> None:
    path = route.request.url.split("//", 1)[1].split("/", 1)[1].split("?")[0] or "index.html"
    if path == "api/v1/catalogue":
        catalogue = json.loads((WEB / "tests" / "fixtures" / "catalogue.json").read_text(encoding="utf-8"))
        route.fulfill(json={"digest": "", "nodes": catalogue})
    elif path == "extensions":
        route.fulfill(json=[])
    elif (WEB / "dist" / path).is_file():
        route.fulfill(path=WEB / "dist" / path, content_type=mimetypes.guess_type(path)[0])
    else:
        route.fulfill(status=404, json={"problems": []})


class Probe:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.cdp: CDPSession = page.context.new_cdp_session(page)
        self.cdp.send("Performance.enable", {"timeDomain": "threadTicks"})

    def metric(self, name: str) -> float:
        metrics = self.cdp.send("Performance.getMetrics")["metrics"]
        return next(entry["value"] for entry in metrics if entry["name"] == name)

    def moving(self, kind: str, view: dict[str, float], seconds: float) -> dict[str, float]:
        self.page.evaluate("view => window.__editor.setView(view)", view)
        self.page.wait_for_timeout(500)
        before = self.metric("TaskDuration")
        fps = self.page.evaluate(FRAMES, [kind, seconds, view])
        work = (self.metric("TaskDuration") - before) * 1000 / max(1, fps * seconds)
        return {"fps": round(fps, 1), "work_ms": round(work, 1)}

    def dragging(self, view: dict[str, float], seconds: float) -> dict[str, float]:
        self.page.evaluate("view => window.__editor.setView(view)", view)
        self.page.wait_for_timeout(500)
        x, y = self.page.evaluate("window.__editor.nodePos('5')")
        at = (x * view["k"] + view["x"] + 60 * view["k"], y * view["k"] + view["y"] + 12 * view["k"])
        self.page.mouse.move(*at)
        self.page.mouse.down()
        self.page.evaluate(COUNT_FRAMES)
        before, began = self.metric("TaskDuration"), time.monotonic()
        moves = 0
        while (passed := time.monotonic() - began) < seconds:
            moves += 1
            self.page.mouse.move(at[0] + 60 * passed, at[1] + 30 * passed)
        frames = self.page.evaluate("() => { window.__counting = false; return window.__frames; }")
        work = (self.metric("TaskDuration") - before) * 1000 / max(1, frames)
        self.page.mouse.up()
        return {"fps": round(frames / passed, 1), "work_ms": round(work, 1), "moves": moves}


def measure(page: Page, count: int, seconds: float) -> dict[str, Any]:
    page.goto("http://heddle.test/?bench")
    page.wait_for_selector("[data-testid=run]:enabled")
    probe = Probe(page)
    loaded = page.evaluate(LOAD, workflow(count))
    whole = page.evaluate("window.__editor.view()")
    result: dict[str, Any] = {"nodes": count, "load_s": round(loaded, 2), "fit_k": round(whole["k"], 3)}
    result["pan_whole"] = probe.moving("pan", whole, seconds)
    result["pan_100"] = probe.moving("pan", {"x": 100, "y": 100, "k": 1}, seconds)
    result["zoom"] = probe.moving("zoom", whole, seconds)
    result["drag_whole"] = probe.dragging(whole, seconds)
    result["drag_100"] = probe.dragging({"x": -300, "y": 100, "k": 1}, seconds)
    page.wait_for_timeout(600)
    before = probe.metric("TaskDuration")
    page.wait_for_timeout(1500)
    result["idle_ms_per_s"] = round((probe.metric("TaskDuration") - before) * 1000 / 1.5, 1)
    page.evaluate("window.__editor.setView({x: 100, y: 100, k: 1})")
    area = page.locator("[data-node='2'] textarea")
    area.click()
    page.wait_for_timeout(300)
    before = probe.metric("TaskDuration")
    page.keyboard.type("a quiet forest lake", delay=60)
    result["keystroke_ms"] = round((probe.metric("TaskDuration") - before) * 1000 / 19, 1)
    probe.cdp.send("HeapProfiler.collectGarbage")
    result["heap_mb"] = round(probe.metric("JSHeapUsedSize") / 1e6, 1)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", default="50,200,1000,5000")
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("Chromium is not installed: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGS.split())
        rows = []
        for count in map(int, options.nodes.split(",")):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.route("**/*", serve)
            rows.append(measure(page, count, options.seconds))
            page.close()
        browser.close()
    print(json.dumps({"bench": "editor", "rows": rows}))


if __name__ == "__main__":
    main()
