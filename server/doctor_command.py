"""`main.py doctor`: look at everything that `serve` needs, and say what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from server.command import parse
from server.errors import SettingsError

__all__ = ["main"]

_MARKS = {"ok": "ok      ", "warning": "warning ", "failure": "FAILURE "}
_HELP = """usage: main.py doctor [--json] [flags of serve]

Looks at installation, folders, database, address, editor, models and devices, as `serve` with the same flags would
use them, and changes nothing. Ends with status 1 when something must be mended.
"""


def main(arguments: Sequence[str]) -> int:
    """Look and tell; returns the exit status: 0 when `serve` can start, 1 when not, 2 for a wrong flag."""
    if "--help" in arguments or "-h" in arguments:
        print(_HELP, end="")
        return 0
    as_json = "--json" in arguments
    try:
        settings = parse([flag for flag in arguments if flag != "--json"])
    except SettingsError as error:
        print(f"heddle: {error}", file=sys.stderr)
        return 2
    try:
        from server.doctor import CHECKS
    except ModuleNotFoundError as error:
        print(f"heddle: The library {error.name} is missing. Run `make` in the project's folder.", file=sys.stderr)
        return 1
    failed = False
    for check in CHECKS:
        for finding in check(settings):
            failed = failed or finding.level == "failure"
            if as_json:
                print(json.dumps({"check": check.__name__, **asdict(finding)}), flush=True)
            else:
                print(_MARKS[finding.level] + finding.what, flush=True)
                if finding.fix:
                    print(" " * len(_MARKS["ok"]) + finding.fix, flush=True)
    return 1 if failed else 0
