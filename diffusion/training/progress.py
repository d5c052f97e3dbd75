"""Progress of a training: a line on the terminal and a line of JSON in a log."""

import json
import time
from collections.abc import Callable
from pathlib import Path


class Progress:
    """Averages figures over some steps, then prints and logs them.

    Args:
        log: file that gets one JSON object a line.
        say: told the line for people.
        every: steps a line.
        clock: seconds; given by tests.
    """

    def __init__(
        self, log: Path, say: Callable[[str], None], every: int = 20, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._say = say
        self._every = every
        self._clock = clock
        self._since = clock()
        self._sums: dict[str, float] = {}
        self._count = 0

    def step(self, step: int, steps: int, **figures: float) -> None:
        """Take in the figures of one finished step."""
        for name, value in figures.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        if step % self._every and step != steps:
            return
        seconds = (self._clock() - self._since) / self._count
        line = {name: round(total / self._count, 5) for name, total in self._sums.items()}
        record = {"step": step, "steps": steps, **line, "seconds_per_step": round(seconds, 3)}
        with self._log.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")
        words = "  ".join(f"{name} {value}" for name, value in line.items())
        left = (steps - step) * seconds / 60
        self._say(f"step {step}/{steps}  {words}  {seconds:.2f} s/step  {left:.0f} min left")
        self._since = self._clock()
        self._sums = {}
        self._count = 0
