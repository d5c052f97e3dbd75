"""How a worker process is set up."""

import os
import sys
import threading
import time

from worker.__main__ import SWITCH_INTERVAL


def test_threads_that_touch_files_get_on_while_another_runs_in_a_loop():
    ended = threading.Event()

    def spin():
        while not ended.is_set():
            pass

    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    threading.Thread(target=spin, daemon=True).start()
    try:
        began = time.process_time()
        for _ in range(100):
            os.stat("/")
        seconds = time.process_time() - began
    finally:
        ended.set()
        sys.setswitchinterval(before)

    assert seconds < 0.25, "with the usual interval it takes half a second"
