"""Nodes that make sampling faster leave their model as it is, and do what they say when it is sampled."""

import pytest
import torch

from diffusion.errors import SamplingError
from graph_runtime.testing import run_node
from nodes import speed
from nodes.latent import empty_latent_image
from nodes.sampling import ksampler
from nodes.text import clip_text_encode


@pytest.fixture(scope="module")
def sampled(tiny):
    """Samples the tiny model, changed or not."""
    texts = [run_node(clip_text_encode, clip=tiny.CLIP, text=text) for text in ("red", "")]
    latent = run_node(empty_latent_image, width=64, height=64, batch_size=1)

    def run(model):
        return run_node(
            ksampler, model=model, seed=1, steps=6, cfg=4.0, sampler_name="euler", scheduler="karras",
            positive=texts[0], negative=texts[1], latent_image=latent,
        )["samples"]  # fmt: skip

    return run


@pytest.mark.parametrize(
    ("function", "settings", "nearest", "farthest"),
    [
        (speed.easy_cache, {"reuse_threshold": 3.0, "start_percent": 0.0, "end_percent": 1.0}, 1e-4, 2.0),
        (speed.lazy_cache, {"reuse_threshold": 3.0, "start_percent": 0.0, "end_percent": 1.0}, 1e-4, 2.0),
        (speed.first_block_cache, {"threshold": 3.0, "start_percent": 0.0, "end_percent": 1.0}, 1e-5, 1.0),
        (speed.model_compute_dtype, {"dtype": "bf16"}, 1e-5, 0.1),
        (speed.model_compute_dtype, {"dtype": "fp32"}, 0.0, 0.0),
        (speed.model_float8, {}, 1e-5, 0.2),
        (speed.model_channels_last, {}, 0.0, 1e-4),
        (speed.attention_kernel, {"kernel": "math"}, 0.0, 1e-4),
    ],
)
def test_a_node_changes_the_picture_as_much_as_it_may(tiny, sampled, function, settings, nearest, farthest):
    plain = sampled(tiny.MODEL)
    changed = sampled(run_node(function, model=tiny.MODEL, **settings))

    assert nearest <= float((changed - plain).norm() / plain.norm()) <= farthest
    assert torch.equal(sampled(tiny.MODEL), plain)


def test_nodes_can_follow_each_other(tiny, sampled):
    model = run_node(speed.model_compute_dtype, model=tiny.MODEL, dtype="bf16")
    model = run_node(speed.model_channels_last, model=model)
    model = run_node(speed.model_float8, model=model)
    model = run_node(speed.attention_kernel, model=model, kernel="math")
    model = run_node(speed.first_block_cache, model=model)

    assert model.network.compute == torch.bfloat16 and model.network.channels_last and model.network.encoding
    assert sampled(model).isfinite().all()


def test_what_a_machine_lacks_is_said_when_the_node_runs(tiny):
    with pytest.raises(SamplingError, match="'cudagraphs' needs an NVIDIA device"):
        run_node(speed.torch_compile_model, model=tiny.MODEL, backend="cudagraphs")
