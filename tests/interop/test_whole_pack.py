"""A pack in the way that popular ones are written, from its loader to its previews."""

from __future__ import annotations

from pathlib import Path

from tests.interop.conftest import Open


async def test_a_whole_pipeline_of_a_pack_runs(house: Open, tmp_path: Path) -> None:
    from diffusion.testing import tiny_checkpoint

    (tmp_path / "models" / "checkpoints").mkdir(parents=True)
    tiny_checkpoint(tmp_path / "models" / "checkpoints" / "tiny.safetensors")
    opened = house("whole_pipeline")
    prompt = {
        "all": {
            "class_type": "Whole All",
            "inputs": {"ckpt": "tiny.safetensors", "text": "red", "sampler": "euler", "scheduler": "normal"},
        },
        "blur": {"class_type": "Whole Blur", "inputs": {"image": ["all", 0], "radius": 2, "mode": "gauss"}},
        "show": {"class_type": "Whole Show", "inputs": {"images": ["blur", 0]}},
        "sample": {
            "class_type": "Whole KSampler",
            "inputs": {
                "model": ["all", 2], "seed": 1, "steps": 2, "cfg": 2.0, "sampler_name": "euler",
                "scheduler": "normal", "positive": ["all", 5], "negative": ["all", 5], "latent_image": ["all", 1],
                "denoise": 0.5, "extra": 0.5,
            },
        },
        "switch": {
            "class_type": "Whole Switch",
            "inputs": {"select": 2, "input2": ["sample", 0], "input1": ["all", 0]},
        },
        "join": {"class_type": "Whole Join", "inputs": {"any_1": ["switch", 0], "x": 5, "model": ["all", 2]}},
    }  # fmt: skip

    ran = await opened.run(prompt)

    assert ran.outcome.status == "succeeded", ran.outcome.error
    assert ran.shown("join", "text") == ["any_1=dict", "model=ModelHandle", "x=int"]
    (shown,) = ran.shown("show", "images")
    assert (tmp_path / "temp" / shown["filename"]).is_file()
    assert [event.data for event in ran.seen.of("custom") if event.type == "whole.shown"] == [{"n": 1}]
    assert opened.engine.catalogue["Whole Blur"].display_name == "Whole Blur (whole)"
