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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests of a module."""
    if not (PROJECT / "web" / "dist" / "index.html").is_file():
        _missing("The editor is not built. Run: make serve (or: npm --prefix web run build)")
    running = Server(tmp_path_factory.mktemp("data"), free_port())
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
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
def shot(tmp_path: Path) -> Callable[[Page, str], None]:
    """Takes a screenshot; it is kept for the documentation where HEDDLE_SCREENSHOTS names a folder."""
    folder = Path(os.environ.get("HEDDLE_SCREENSHOTS", tmp_path))

    def take(page: Page, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        page.wait_for_timeout(250)
        page.screenshot(path=folder / f"{name}.png")

    return take
