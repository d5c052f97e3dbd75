"""Heddle's commands: `serve` opens the editor and the API, `run` renders a workflow without a server, `explain` says
why nodes run, `jobs` sees and changes the queue of a running server, `repair` mends files and rows of a stopped one,
`doctor` says whether everything that it needs is there, `models` lists models and fetches them from the Hugging Face
hub.

Called without a command it serves, and accepts the launch flags of the established server.
"""

from __future__ import annotations

import sys

COMMANDS = ("serve", "run", "explain", "jobs", "repair", "doctor", "models")
INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    try:
        return _command(arguments)
    except KeyboardInterrupt:  # while it was still being imported; later a command ends itself in order
        sys.stderr.write("Interrupted.\n")
        return INTERRUPTED


def _command(arguments: list[str]) -> int:
    command = arguments[0] if arguments and arguments[0] in COMMANDS else None
    rest = arguments[1:] if command else arguments
    if command == "run":
        from worker import headless

        return headless.main(rest)
    if command == "explain":
        from worker import explain_command

        return explain_command.main(rest)
    if command == "jobs":
        from server import jobs_command

        return jobs_command.main(rest)
    if command == "repair":
        from server import repair_command

        return repair_command.main(rest)
    if command == "doctor":
        from server import doctor_command

        return doctor_command.main(rest)
    if command == "models":
        from worker import models_command

        return models_command.main(rest)
    from server.command import main as serve

    return serve(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
