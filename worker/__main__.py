"""`python -m worker`: one worker process, started by a server with a socket in its hands."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import traceback

from worker import settings
from worker.lifeline import die_before_the_server, die_with_parent

FD_VARIABLE = "HEDDLE_WORKER_FD"
"""Environment variable with the number of the inherited socket."""
SWITCH_INTERVAL = 0.0005
"""Seconds for which one thread may keep the interpreter while others wait, a tenth of the usual. Imports and jobs give
the interpreter away at every file and every frame, and would wait the whole time to get it back whenever a pack runs in
a loop or model classes are being imported."""


def main() -> int:
    """Serve the server at the other end of the inherited socket; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m worker", description="A worker of a Heddle server.")
    settings.add_arguments(parser)
    chosen = settings.from_arguments(parser.parse_args())
    number = os.environ.pop(FD_VARIABLE, "")
    if not number.isdigit():
        sys.stderr.write(f"{FD_VARIABLE} names no socket. Workers are started by the server: main.py serve.\n")
        return 2
    die_with_parent()
    die_before_the_server()
    os.set_inheritable(int(number), False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end = socket.socket(fileno=int(number))
    sys.setswitchinterval(SWITCH_INTERVAL)
    asyncio.run(_serve(end, chosen))
    return 0


async def _serve(end: socket.socket, chosen: settings.Settings) -> None:
    from worker.capture import OutputCapture
    from worker.outbox import Outbox
    from worker.process import Worker
    from worker.runtime import Runtime

    end.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=end, limit=1024 * 1024)
    outbox = Outbox()
    capture = OutputCapture(lambda entries: outbox.put({"t": "log", "entries": entries}))
    capture.start()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    status = 0
    try:
        await Worker(Runtime(chosen), outbox).serve(reader, writer)
    except Exception:
        traceback.print_exc()
        status = 1
    capture.stop()
    logging.shutdown()
    os._exit(status)  # neither nodes nor threads of packs may keep a worker alive that has no server


if __name__ == "__main__":
    sys.exit(main())
