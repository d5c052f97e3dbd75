"""What popular packs do with models: each habit of the specimen runs in a node, on a tiny model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import SPECIMENS, House, open_studio

_LISTED = re.compile(r"^HABITS = \[(.*?)\]", re.MULTILINE | re.DOTALL)


def names(folder: Path) -> list[str]:
    """The habits of the specimen, read without importing it: that takes a host."""
    found = (_LISTED.search(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.py")))
    return [name for listed in found if listed for name in re.findall(r"\w+", listed[1])]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_studio(tmp_path_factory, "model_habits") as opened:
        yield opened


@pytest.mark.parametrize("habit", names(SPECIMENS / "model_habits"))
async def test_the_habit_works(studio: House, habit: str) -> None:
    texts = {"2": "a red circle", "3": ""}
    ran = await studio.run(
        {
            "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "tiny.safetensors"}},
            **{
                id: {"class_type": "CLIPTextEncode", "inputs": {"text": text, "clip": ["1", 1]}}
                for id, text in texts.items()
            },
            "habit": {
                "class_type": "Habit",
                "inputs": {
                    "name": habit, "model": ["1", 0], "clip": ["1", 1], "vae": ["1", 2], "positive": ["2", 0],
                    "negative": ["3", 0],
                },
            },
        }
    )  # fmt: skip

    failed = ran.seen.of("run_failed")
    assert not failed, "\n".join([failed[0].message, *failed[0].traceback])
