"""What nodes print becomes log entries."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import json, os, subprocess, sys
from worker.capture import OutputCapture
entries = []
capture = OutputCapture(entries.extend, echo={echo})
capture.start()
print("from python")
sys.stderr.write("from stderr\\n")
os.write(1, b"from C\\n")
subprocess.run(["echo", "from a child"], check=True)
os.write(2, b"bytes \\xff\\rprogress\\n")
sys.stdout.write("no newline at the end")
capture.stop()
print(json.dumps([entry["m"] for entry in entries]))
"""


def run(echo):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(echo=echo)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=30,
    )


def test_everything_printed_becomes_a_log_entry_and_nothing_reaches_standard_output():
    result = run(echo=False)

    assert json.loads(result.stdout) == [
        "from python\n",
        "from stderr\n",
        "from C\n",
        "from a child\n",
        "bytes \ufffd\n",
        "progress\n",
        "no newline at the end\n",
    ]
    assert result.stderr == ""


def test_what_is_captured_still_reaches_the_terminal():
    assert "from C\nfrom a child\n" in run(echo=True).stderr
