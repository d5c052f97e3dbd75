"""Checkpoints with a configuration beside them."""

import pytest

from diffusion.sampling.prediction import Kind
from graph_runtime.errors import HeddleError
from graph_runtime.testing import run_node
from nodes.config_checkpoint import checkpoint_loader


def loaded(files, config):
    return run_node(checkpoint_loader, files=files, config_name=config, ckpt_name="tiny.safetensors")


@pytest.mark.parametrize(
    ("config", "kind", "layer"),
    [("v1-inference.yaml", Kind.EPSILON, None), ("v1-inference_clip_skip_2.yaml", Kind.EPSILON, -2),
     ("v2-inference-v.yaml", Kind.V, None)],
)  # fmt: skip
def test_a_known_configuration_decides_prediction_and_layer(tiny_files, config, kind, layer):
    found = loaded(tiny_files, config)

    assert (found.MODEL.prediction.kind, found.CLIP.layer) == (kind, layer)


def test_a_file_of_ones_own_does_too(tiny_files):
    folder = tiny_files.folders.model_dirs("configs")[0]
    folder.mkdir(parents=True, exist_ok=True)
    text = "model:\n  params:\n    parameterization: v\n    cond_stage_config:\n      params: {layer_idx: -3}\n"
    (folder / "own.yaml").write_text(text)
    (folder / "bad.yaml").write_text("- 1\n")

    found = loaded(tiny_files, "own.yaml")

    assert (found.MODEL.prediction.kind, found.CLIP.layer) == (Kind.V, -3)
    with pytest.raises(HeddleError, match=r"bad.yaml' is no configuration"):
        loaded(tiny_files, "bad.yaml")
    with pytest.raises(HeddleError, match="is not in the configs folders"):
        loaded(tiny_files, "none.yaml")
