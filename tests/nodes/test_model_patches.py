"""Model patches from their files."""

import pytest
from safetensors.torch import save_file

from diffusion.errors import SamplingError
from graph_runtime.testing import run_node
from nodes.model_patches import model_patch_loader, uso_style_reference
from tests.diffusion.vision.test_style_projector import encoded, projector_tensors


def test_a_style_projector_is_loaded_and_refused_by_a_model_it_is_not_made_for(tiny_files, tiny):
    folder = tiny_files.folders.model_dirs("model_patches")[0]
    folder.mkdir(exist_ok=True)
    save_file(projector_tensors(), folder / "uso.safetensors")

    patch = run_node(model_patch_loader, files=tiny_files, name="uso.safetensors")

    with pytest.raises(SamplingError, match="is made for Flux"):
        uso_style_reference(model=tiny.MODEL, model_patch=patch, clip_vision_output=encoded())
