"""A real server with its worker, and a real Chromium, for the tests of the editor."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

PROJECT = Path(__file__).resolve().parents[2]
STARTS_WITHIN_S = 60.0
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Server:
    """`main.py serve` in a process of its own, on a port that stays the same over restarts."""

    data_dir: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def add_pack(self, name: str, code: str, extension: str | None = None) -> Path:
        """A pack that is loaded from the next start on, with a script for the editor if one is given."""
        pack = self.data_dir / "custom_nodes" / name
        pack.mkdir(parents=True)
        (pack / "__init__.py").write_text(code, encoding="utf-8")
        if extension is not None:
            (pack / "web").mkdir()
            (pack / "web" / "heddle.js").write_text(extension, encoding="utf-8")
        return pack

    def start(self) -> None:
        command = [sys.executable, str(PROJECT / "main.py"), "serve", "--cpu"]
        command += ["--port", str(self.port), "--data-dir", str(self.data_dir)]
        log = (self.data_dir / "serve.log").open("ab")
        self.process = subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=subprocess.STDOUT)
        log.close()
        deadline = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(self.url + "api/v1/catalogue", timeout=5) as answer:
                    answer.read()
                    return
            except OSError:
                assert self.process.poll() is None, (self.data_dir / "serve.log").read_text()
                time.sleep(0.1)
        raise AssertionError(f"no answer within {STARTS_WITHIN_S} s:\n{(self.data_dir / 'serve.log').read_text()}")

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _missing(what: str) -> None:
    """Skips on a machine that cannot run the browser tests; fails where they are required."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


MORTAL = """
import os, pathlib
TROUBLE = pathlib.Path(__file__).with_name("trouble")

class Mortal:
    CATEGORY, RETURN_TYPES, FUNCTION = "test", ("IMAGE",), "run"
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",)}}
    @classmethod
    def IS_CHANGED(cls, image):
        return float("nan")
    def run(self, image):
        kind = TROUBLE.read_text() if TROUBLE.exists() else ""
        if kind == "die":
            os._exit(1)
        if kind == "fail":
            raise RuntimeError("the ink is dry")
        return (image,)

NODE_CLASS_MAPPINGS = {"Mortal": Mortal}
"""
"""A node that fails, or takes its worker along, as long as the file beside it says so."""


BEEP = """
import os, wave
import folder_paths

class Beep:
    CATEGORY, RETURN_TYPES, FUNCTION, OUTPUT_NODE = "test", (), "run", True
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}
    def run(self):
        with wave.open(os.path.join(folder_paths.get_output_directory(), "beep.wav"), "wb") as file:
            file.setparams((1, 1, 8000, 0, "NONE", ""))
            file.writeframes(bytes([100, 156] * 2000))
        return {"ui": {"audio": [{"filename": "beep.wav", "subfolder": "", "type": "output"}]}}

NODE_CLASS_MAPPINGS = {"Beep": Beep}
"""
"""A node that shows half a second of sound."""


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that leave it as they found it."""
    if not (PROJECT / "web" / "dist" / "index.html").is_file():
        _missing("The editor is not built. Run: make serve (or: npm --prefix web run build)")
    running = Server(tmp_path_factory.mktemp("data"), free_port())
    running.add_pack("mortal", MORTAL)
    running.add_pack("beep", BEEP)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        _missing("Chromium is not installed, so the editor cannot be tested here.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield chromium
        chromium.close()


OpenPage = Callable[..., Page]


@pytest.fixture
def faults() -> list[str]:
    """Errors in the console and calls to other hosts, of all pages of a test; what is left in it fails the test."""
    return []


@pytest.fixture
def open_page(browser: Browser, server: Server, faults: list[str]) -> Iterator[OpenPage]:
    """Opens the editor in a fresh profile; errors in the console and calls to other hosts fail the test."""
    contexts = []

    def opened(query: str = "", *, scheme: str = "light") -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: faults.append(f"exception: {error}"))
        page.on("request", lambda request: _note_foreign(request.url, server.url, faults))
        page.on("console", lambda message: _note_console(message.type, message.text, faults))
        page.goto(server.url + query)
        page.wait_for_selector("[data-testid=run]:enabled")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def _note_foreign(url: str, own: str, faults: list[str]) -> None:
    if not url.startswith((own, own.replace("http", "ws", 1), "blob:", "data:")):
        faults.append(f"call to another host: {url}")


def _note_console(kind: str, text: str, faults: list[str]) -> None:
    """Answers 4xx to what a person did wrong, and a lost server, are expected; the browser prints them as errors."""
    expected = "Failed to load resource" in text or "WebSocket connection" in text
    if kind == "error" and not expected:
        faults.append(f"console: {text}")


@pytest.fixture
def shot() -> Callable[[Page, str], None]:
    """Takes a screenshot for the documentation, where HEDDLE_SCREENSHOTS names the folder to keep it in."""
    folder = os.environ.get("HEDDLE_SCREENSHOTS")

    def take(page: Page, name: str) -> None:
        if folder is None:
            return
        page.wait_for_timeout(250)
        page.screenshot(path=Path(folder, f"{name}.png"))

    return take
