"""Progress: figures averaged over some steps, said and logged."""

import json
from itertools import count

from diffusion.training.progress import Progress


def test_figures_are_averaged_over_the_steps_of_a_line(tmp_path):
    said: list[str] = []
    ticks = count(step=2.0)
    progress = Progress(tmp_path / "log.jsonl", said.append, every=2, clock=lambda: next(ticks))

    for step, loss in enumerate((1.0, 3.0, 5.0), start=1):
        progress.step(step, 3, loss=loss)

    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["loss"] for line in lines] == [2.0, 5.0]
    assert lines[0]["seconds_per_step"] == 1.0
    assert "step 2/3" in said[0]
    assert "min left" in said[0]
