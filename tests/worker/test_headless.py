"""`main.py run` without a server."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.worker.test_process import PROMPT, changed
from worker import headless

ROOT = Path(__file__).resolve().parents[2]

COPY = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "in.png"}, "_meta": {"title": "Photo"}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "copy"}},
}


@pytest.fixture
def place(data_dir, tiny_checkpoint):
    """Runs a workflow in this process and returns its exit status."""

    class Place:
        output = data_dir.parent / "out"
        input = data_dir / "input"

        def write(self, workflow, name="workflow.json"):
            path = data_dir.parent / name
            path.write_text(workflow if isinstance(workflow, str) else json.dumps(workflow))
            return path

        def run(self, workflow, *flags):
            path = workflow if isinstance(workflow, Path) else self.write(workflow)
            models = tiny_checkpoint.parents[1]
            command = [path, "--data-dir", data_dir, "--models-dir", models, "--output", self.output, "--cpu", *flags]
            return headless.main([str(word) for word in command])

        def picture(self, size=(24, 16)):
            self.input.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(3).integers(0, 256, (*size[::-1], 3), np.uint8)
            Image.fromarray(pixels).save(self.input / "in.png")
            return pixels

        def saved(self):
            return sorted(path.name for path in self.output.iterdir()) if self.output.exists() else []

    return Place()


def test_a_run_prints_where_its_results_are_and_exits_with_0(place, capsys):
    pixels = place.picture()

    status = place.run(COPY)

    assert status == 0
    assert capsys.readouterr().out == f"{place.output / 'copy_00001_.png'}\n"
    with Image.open(place.output / "copy_00001_.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), pixels)


def test_json_says_everything_about_a_run_in_one_object(place, capsys):
    place.picture()

    place.run(COPY, "--json")

    report = json.loads(capsys.readouterr().out)
    assert report["status"] == "succeeded" and report["exit_status"] == 0 and report["problems"] == []
    assert report["files"] == [str(place.output / "copy_00001_.png")]
    assert report["outputs"]["2"]["images"][0]["filename"] == "copy_00001_.png"
    assert {entry["node"] for entry in report["explanations"]} == {"1", "2"}


def test_a_diffusion_model_renders_and_the_same_seed_renders_the_same(place):
    assert place.run(PROMPT) == 0
    assert place.run(PROMPT, "--set", "5.seed=99") == 0
    assert place.run(PROMPT) == 0

    first, other, again = (np.asarray(Image.open(path)) for path in sorted((place.output / "sub").iterdir()))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_saved_picture_runs_again_and_gives_the_same_picture(place):
    pixels = place.picture()
    place.run(COPY, "--set", "SaveImage.filename_prefix=changed")
    picture = place.output / "changed_00001_.png"
    workflow = json.loads(Image.open(picture).text["workflow"])
    assert "changed" in json.dumps(workflow["nodes"]), "the workflow inside says what really ran"

    assert place.run(picture) == 0

    np.testing.assert_array_equal(np.asarray(Image.open(place.output / "changed_00002_.png")), pixels)


def test_metadata_can_be_left_out(place):
    place.picture()

    place.run(COPY, "--disable-metadata")

    assert Image.open(place.output / "copy_00001_.png").text == {}


def test_every_problem_is_said_at_once_and_nothing_is_made(place, capsys):
    broken = changed(n5_steps=0, n5_sampler_name="eular", n1_ckpt_name="none.safetensors")
    del broken["6"]["inputs"]["vae"]

    status = place.run(broken, "--set", "9.x=1")

    errors = capsys.readouterr().err
    assert status == 1
    for clue in ("steps", "sampler_name", "none.safetensors", "vae", "no node is called '9'"):
        assert clue in errors
    assert place.saved() == []


def test_a_later_process_says_what_changed_since_the_one_before(place, capsys):
    place.picture()
    place.run(COPY, "--explain", "--json")
    first = {entry["node"]: entry for entry in json.loads(capsys.readouterr().out)["explanations"]}

    place.run(
        {**COPY, "2": {**COPY["2"], "inputs": {"images": ["1", 0], "filename_prefix": "other"}}}, "--explain", "--json"
    )

    second = {entry["node"]: entry for entry in json.loads(capsys.readouterr().out)["explanations"]}
    assert {entry["reasons"][0]["kind"] for entry in first.values()} <= {"never_seen", "always"}
    assert second["1"]["reasons"][0]["kind"] == "not_kept"
    (reason,) = [reason for reason in second["2"]["reasons"] if reason["kind"] == "input"]
    assert (reason["input"], reason["before"], reason["after"]) == ("filename_prefix", "copy", "other")


@pytest.mark.parametrize(
    ("workflow", "clue"),
    [
        ("{", "is not JSON"),
        ('{"1": {"class_type": "KSamplr", "inputs": {}}}', "Did you mean 'KSampler'?"),
        (
            '{"1": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}}}',
            "Prompt has no outputs. Add a",
        ),
        ("[1, 2]", "no workflow"),
        ("{}", "no workflow"),
        (
            json.dumps({"1": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}}),
            "in a circle",
        ),
    ],
)
def test_what_cannot_be_run_is_explained(place, capsys, workflow, clue):
    status = place.run(workflow)

    assert status == 1
    assert clue in capsys.readouterr().err


def test_a_missing_workflow_is_named_with_the_nearest_name(place, capsys):
    place.write(COPY, "portrait.json")

    status = place.run(place.output.parent / "portait.json")

    assert status == 1
    assert "does not exist. Did you mean 'portrait.json'?" in capsys.readouterr().err


def test_a_failing_node_is_named_with_cause_and_cure(place, capsys, tiny_checkpoint):
    (tiny_checkpoint.parent / "cut.safetensors").write_bytes(tiny_checkpoint.read_bytes()[:5000])

    status = place.run(changed(n1_ckpt_name="cut.safetensors"))

    error = capsys.readouterr().err
    assert status == 1
    assert "error: Load Checkpoint (node 1):" in error and "cut.safetensors" in error
    assert "Traceback" not in error


def test_a_file_that_cannot_be_written_whole_is_not_written_at_all(place, capsys):
    place.picture((200, 200))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
    try:
        status = place.run(COPY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    error = capsys.readouterr().err
    assert status == 1
    assert "copy' cannot be written: File too large" in error and "Free some space" in error
    assert place.saved() == []


def test_a_picture_that_is_missing_stops_the_run_before_it_starts(place, capsys):
    status = place.run(COPY)

    assert status == 1
    assert "in.png" in capsys.readouterr().err


PACK = """
class Shout:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "shout"
    CATEGORY = "test"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"text": ("STRING", {"default": ""})}}

    def shout(self, text):
        return {"ui": {"text": [text.upper()]}, "result": (text.upper(),)}

NODE_CLASS_MAPPINGS = {"Shout": Shout}
"""


def test_a_workflow_may_use_nodes_of_packs(place, data_dir, capsys):
    (data_dir / "custom_nodes").mkdir()
    (data_dir / "custom_nodes" / "shouting.py").write_text(PACK)

    status = place.run({"1": {"class_type": "Shout", "inputs": {"text": "hello"}}}, "--json")

    assert status == 0
    assert json.loads(capsys.readouterr().out)["outputs"] == {"1": {"text": ["HELLO"]}}


@pytest.mark.parametrize("moment", ["while it starts", "while it samples"])
def test_an_interrupted_run_ends_with_130_and_leaves_no_file(moment, place, tiny_checkpoint, data_dir):
    workflow = place.write(changed(n5_steps=10_000))
    command = [sys.executable, "main.py", "run", workflow, "--data-dir", data_dir, "--output", place.output, "--cpu"]
    process = subprocess.Popen(
        [*map(str, command), "--models-dir", str(tiny_checkpoint.parents[1])],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    if moment == "while it samples":
        wait_until_node_runs("5", data_dir, process)
    else:
        time.sleep(0.3)

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130, errors
    assert "Interrupted" in errors and "Traceback" not in errors
    assert place.saved() == []


def wait_until_node_runs(node, data_dir, process):
    """Wait for what a worker notes of itself."""
    page = data_dir / "cache" / "workers" / str(process.pid)
    deadline = time.monotonic() + 60
    while not (page.exists() and f', "{node}"]'.encode() in page.read_bytes()):
        assert process.poll() is None and time.monotonic() < deadline, process.stderr.read()
        time.sleep(0.02)
