"""`main.py` as a process, in a base directory with specimen packs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKS = Path(__file__).parent / "packs"
STARTS_WITHIN_S = 90.0


class Host:
    """`main.py` as a process, started the way that people's scripts start it: without a command."""

    def __init__(self, base: Path, *flags: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.base = base
        self.flags = flags
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process; `wait_until_ready` waits for it."""
        command = [sys.executable, "main.py", "--port", str(self.port), "--base-directory", str(self.base), "--cpu"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        with (self.base / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *self.flags], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def wait_until_ready(self) -> Host:
        """Wait until every pack is loaded and a worker is warm."""
        end = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < end:
            with contextlib.suppress(OSError, ValueError):
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=10) as answer:
                    if answer.status == 200 and self._has_packs():
                        return self
            assert self.process.poll() is None, self.log
            time.sleep(0.1)
        raise AssertionError(f"not ready within {STARTS_WITHIN_S} s: {self.log}")

    @property
    def log(self) -> str:
        return (self.base / "log.txt").read_text()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            if self.process.poll() is None:
                self.kill()

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self.process.kill()
        self.process.wait()

    def _has_packs(self) -> bool:
        if "--disable-all-custom-nodes" in self.flags:
            return True
        with urllib.request.urlopen(f"{self.url}/object_info/SchemaPlain", timeout=10) as answer:
            return bool(json.load(answer))


def base_folder(root: Path) -> Path:
    """A base directory with the specimen packs, a few pictures and a model."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    shutil.copytree(PACKS, root / "custom_nodes", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("input", "output", "temp", "models/loras/deep", "models/embeddings/sub", "models/clip", "models/unet"):
        (root / name).mkdir(parents=True)
    texts = PngInfo()
    texts.add_text("prompt", '{"1": {}}')
    picture = Image.new("RGBA", (24, 16), (200, 100, 50, 128))
    picture.save(root / "input" / "see through.png", pnginfo=texts)
    Image.new("RGB", (24, 16), "red").save(root / "input" / "red.png")
    Image.new("RGB", (24, 16), "red").save(root / "output" / "red.png")
    (root / "input" / "page.html").write_text("<script>1</script>")
    (root / "input" / "drawing.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    header = json.dumps({"__metadata__": {"title": "one", "n": "2"}}).encode()
    (root / "models/loras/deep/one.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    header = json.dumps({"x": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}).encode()
    (root / "models/loras/bare.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    (root / "models/loras/notes.txt").write_text("no model")
    Image.new("RGB", (8, 8), "blue").save(root / "models/loras/deep/one.preview.png")
    (root / "models/embeddings/sub/good.pt").write_bytes(b"x")
    (root / "models/clip/old.safetensors").write_bytes(b"x")
    (root / "models/unet/old.safetensors").write_bytes(b"x")
    return root
