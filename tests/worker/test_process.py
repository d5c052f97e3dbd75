"""A worker process, seen from its server."""

import asyncio
import copy
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.worker.worker_process import ROOT, environment, worker

PROMPT = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "tiny.safetensors"}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red circle", "clip": ["1", 1]}},
    "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["1", 1]}},
    "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
    "5": {
        "class_type": "KSampler",
        "inputs": {
            "model": ["1", 0], "seed": 5, "steps": 4, "cfg": 4.0, "sampler_name": "euler", "scheduler": "normal",
            "positive": ["2", 0], "negative": ["3", 0], "latent_image": ["4", 0], "denoise": 1.0,
        },
    },
    "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["1", 2]}},
    "7": {"class_type": "SaveImage", "inputs": {"images": ["6", 0], "filename_prefix": "sub/tiny"}},
}  # fmt: skip


def changed(**inputs):
    """The prompt with other inputs: `changed(n5_seed=3)`."""
    prompt = copy.deepcopy(PROMPT)
    for place, value in inputs.items():
        node, _, name = place.removeprefix("n").partition("_")
        prompt[node]["inputs"][name] = value
    return prompt


@pytest.fixture(scope="module")
def models(tiny_checkpoint):
    """A models folder with one good checkpoint and several hostile ones."""
    folder = tiny_checkpoint.parent
    whole = tiny_checkpoint.read_bytes()
    (folder / "half.safetensors").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.safetensors").write_bytes(b"")
    (folder / "huge-header.safetensors").write_bytes((2**60).to_bytes(8, "little") + b"{}")
    (folder / "pickle.ckpt").write_bytes(b"\x80\x04cos\nsystem\n(S'touch /tmp/heddle-owned'\ntR.")
    return folder.parent


async def test_the_whole_life_of_a_worker(models, data_dir):
    """One process for many checks, because starting one takes seconds."""
    async with worker(data_dir, "--models-dir", models) as process:
        started = time.monotonic()
        hello = await process.until("hello")
        assert hello["catalogue"]["KSampler"]["outputs"][0]["type"] == "LATENT"
        assert "torch" not in hello, "built-in nodes are published before torch is there"
        assert time.monotonic() - started < 20
        await process.until("catalogue")

        await _runs_a_graph_with_progress_and_previews(process, data_dir)
        await _repeats_nothing_that_has_not_changed(process)
        await _sends_no_preview_when_nobody_watches(process)
        await _names_a_hostile_checkpoint_and_lives_on(process)
        await _ends_a_cancelled_job_within_a_step(process)
        await _answers_while_a_job_runs(process)
        await _frees_memory(process)
        assert process.process.poll() is None

        process.send({"t": "shutdown", "grace": 0})
        assert await asyncio.to_thread(process.process.wait, 20) == 0
        assert process.process.stdout.read() == b"", "standard output stays clean"


async def _runs_a_graph_with_progress_and_previews(process, data_dir):
    extra = {"extra_pnginfo": {"workflow": {"version": 0.4}}}
    done = await process.run("first", PROMPT, ["7"], previews=True, extra_data=extra)

    assert done["outcome"] == "succeeded", done
    shown = [{"filename": "tiny_00001_.png", "subfolder": "sub", "type": "output"}]
    assert done["outputs"] == {"7": {"images": shown}}
    assert done["meta"]["7"] == {"node_id": "7", "display_node": "7", "parent_node": None, "real_node_id": "7"}
    with Image.open(data_dir / "output/sub/tiny_00001_.png") as picture:
        assert picture.size == (64, 64)
        assert '"class_type": "KSampler"' in picture.text["prompt"]
        assert picture.text["workflow"] == '{"version": 0.4}'
    events = process.events("first")
    kinds = [event["kind"] for event in events]
    assert (kinds[0], kinds[1], kinds[-1]) == ("run_started", "nodes_cached", "run_succeeded")
    progress = [event["value"] for event in events if event["kind"] == "node_progress"]
    assert progress == sorted(progress) and progress[-1] == 4
    previews = [
        (h["event"], b) for h, b in process.frames if h["t"] == "event" and h["event"]["kind"] == "node_preview"
    ]
    assert previews and previews[-1][0]["format"] == "JPEG"
    with Image.open(__import__("io").BytesIO(previews[-1][1])) as preview:
        assert preview.size == (512, 512), "previews are scaled up to fit the square"
    numbers = [header["seq"] for header, _ in process.frames if header["t"] == "event"]
    assert numbers == list(range(1, len(numbers) + 1))


async def _repeats_nothing_that_has_not_changed(process):
    done = await process.run("second", changed(n7_filename_prefix="other"), ["7"])

    assert done["outcome"] == "succeeded"
    ran = [event["node"] for event in process.events("second") if event["kind"] == "node_started"]
    assert ran == ["7"]


async def _sends_no_preview_when_nobody_watches(process):
    await process.run("third", changed(n5_seed=6), ["7"], previews=False)

    kinds = {event["kind"] for event in process.events("third")}
    assert "node_progress" in kinds and "node_preview" not in kinds


async def _names_a_hostile_checkpoint_and_lives_on(process):
    for number, name in enumerate(["half.safetensors", "empty.safetensors", "huge-header.safetensors", "pickle.ckpt"]):
        done = await process.run(f"hostile {number}", changed(n1_ckpt_name=name), ["7"])

        assert done["outcome"] == "failed"
        assert done["error"]["node"] == "1" and done["error"]["node_type"] == "CheckpointLoaderSimple"
        assert name in done["error"]["message"], done["error"]["message"]
        assert len(done["error"]["message"]) > len(name) + 20, "the cause is said as well"
    assert not Path("/tmp/heddle-owned").exists()
    done = await process.run("missing", changed(n1_ckpt_name="tini.safetensors"), ["7"])
    assert "Did you mean 'tiny.safetensors'?" in done["error"]["message"]
    assert (await process.run("after", changed(n5_seed=7), ["7"]))["outcome"] == "succeeded"


async def _ends_a_cancelled_job_within_a_step(process):
    process.start("long", changed(n5_steps=10_000), ["7"])
    while not any(event["kind"] == "node_progress" for event in process.events("long")):
        await process.next()
    process.send({"t": "cancel", "job": "long"})
    asked = time.monotonic()

    done = await process.until("done", job="long")

    assert done["outcome"] == "cancelled"
    assert time.monotonic() - asked < 5
    assert process.events("long")[-1]["kind"] == "run_cancelled"
    assert (await process.run("next", changed(n5_seed=8), ["7"]))["outcome"] == "succeeded"


async def _answers_while_a_job_runs(process):
    process.start("busy", changed(n5_steps=10_000), ["7"])
    process.send({"t": "stats", "request": "s1"})
    reply = await process.until("reply", request="s1")
    assert reply["data"]["devices"][0]["type"] == "cpu" and reply["data"]["rss"] > 0
    assert not [header for header, _ in process.frames if header["t"] == "done" and header["job"] == "busy"]
    process.send({"t": "check", "request": "c1", "prompt": PROMPT, "targets": ["7"]})
    assert (await process.until("reply", request="c1"))["data"] == {"problems": []}
    missing = {"1": {"class_type": "LoadImage", "inputs": {"image": "cat.png"}}}
    missing["2"] = {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}
    process.send({"t": "check", "request": "c2", "prompt": missing, "targets": ["2"]})
    (problem,) = (await process.until("reply", request="c2"))["data"]["problems"]
    assert (problem["code"], problem["node"]) == ("custom_validation_failed", "1")
    assert "There is no picture 'cat.png' in the input folder" in problem["details"]
    process.send({"t": "cancel", "job": "busy"})
    await process.until("done", job="busy")


async def _frees_memory(process):
    process.send({"t": "free", "request": "f1", "unload_models": True, "free_memory": True})
    await process.until("reply", request="f1")

    assert (await process.run("again", PROMPT, ["7"]))["outcome"] == "succeeded"
    assert "1" in [event["node"] for event in process.events("again") if event["kind"] == "node_started"]


async def test_a_worker_ends_when_its_socket_does(data_dir):
    async with worker(data_dir) as process:
        await process.until("hello")
        process.writer.close()

        assert await asyncio.to_thread(process.process.wait, 20) == 0


DEAF = """
import time

class Deaf:
    RETURN_TYPES = ()
    FUNCTION = "sleep"
    OUTPUT_NODE = True
    CATEGORY = "test"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"seconds": ("INT", {"default": 60})}}

    def sleep(self, seconds):
        print("sleeping", flush=True)
        time.sleep(seconds)
        return ()

NODE_CLASS_MAPPINGS = {"Deaf": Deaf}
"""


async def test_a_node_that_hears_nothing_keeps_no_worker_alive(data_dir):
    (data_dir / "custom_nodes").mkdir()
    (data_dir / "custom_nodes" / "deaf.py").write_text(DEAF)
    prompt = {"1": {"class_type": "Deaf", "inputs": {"seconds": 60}}}
    async with worker(data_dir) as process:
        process.start("deaf", prompt, ["1"])
        while not any(event["kind"] == "node_started" for event in process.events("deaf")):
            assert await process.next() is not None
        process.writer.close()
        closed = time.monotonic()

        assert await asyncio.to_thread(process.process.wait, 30) == 0
        assert time.monotonic() - closed < 25
    packs = next(header for header, _ in process.frames if header["t"] == "catalogue")["packs"]
    assert next(pack for pack in packs if pack["name"] == "deaf")["ok"], packs


PARENT = """
import os, socket, subprocess, sys, time
from tests.worker.worker_process import command, environment
ours, theirs = socket.socketpair()
child = subprocess.Popen(command(sys.argv[1]), env=environment(theirs.fileno()), pass_fds=[theirs.fileno()])
kept = os.dup(ours.fileno())
os.set_inheritable(kept, True)
holder = subprocess.Popen(["sleep", "60"], close_fds=False)
ours.recv(8)
print(child.pid, holder.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's parent death signal is Linux's")
def test_a_server_that_is_killed_leaves_no_worker_even_if_its_socket_stays_open(data_dir):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(data_dir)], cwd=ROOT, env={**environment(0), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    child, holder = map(int, parent.stdout.readline().split())
    parent.stdout.close()
    try:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()

        deadline = time.monotonic() + 10
        while _is_alive(child) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not _is_alive(child)
    finally:
        os.kill(holder, signal.SIGKILL)


def _is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_worker_without_a_server_says_how_workers_are_started(data_dir):
    result = subprocess.run(
        [sys.executable, "-m", "worker", "--data-dir", str(data_dir)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, env={**os.environ, "HEDDLE_WORKER_FD": ""},
    )  # fmt: skip

    assert result.returncode == 2
    assert "Workers are started by the server: main.py serve" in result.stderr


HANGS = "import time\ntime.sleep(60)\n"
GOOD = """
class Good:
    RETURN_TYPES, FUNCTION, OUTPUT_NODE = (), "run", True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"x": ("INT", {"default": 1})}}

    def run(self, x):
        return {"ui": {"x": [x]}}

NODE_CLASS_MAPPINGS = {"Good": Good}
"""


async def test_a_pack_that_hangs_delays_neither_the_nodes_of_others_nor_their_jobs(data_dir):
    (data_dir / "custom_nodes").mkdir()
    (data_dir / "custom_nodes" / "a_hangs.py").write_text(HANGS)
    (data_dir / "custom_nodes" / "b_good.py").write_text(GOOD)
    async with worker(data_dir, "--no-warm-up") as process:
        began = time.monotonic()
        while "Good" not in (news := await process.until("catalogue"))["catalogue"]:
            pass
        waited = time.monotonic() - began
        done = await process.run("good", {"1": {"class_type": "Good", "inputs": {"x": 7}}}, ["1"])

        assert waited < 20
        assert news["pending"] == ["a_hangs"]
        assert done["outputs"] == {"1": {"x": [7]}}
        assert time.monotonic() - began < 50, "the pack that hangs is given up after 60 s"
        process.send({"t": "shutdown", "grace": 0})
        assert await asyncio.to_thread(process.process.wait, 20) == 0
