"""Lotus's conditioning from whatever text encoder there is."""

import pytest
import torch
from safetensors.torch import save_file

from diffusion.errors import ModelFileError
from graph_runtime.files import Files
from graph_runtime.folders import Folders
from graph_runtime.testing import run_node
from nodes.lotus import lotus_conditioning
from tests.diffusion.test_lotus import clip_h


def test_the_empty_prompt_is_read_from_the_text_encoders_folder(tmp_path):
    folders = Folders(tmp_path)
    folders.create()
    with pytest.raises(ModelFileError, match="none of 0 files"):
        run_node(lotus_conditioning, files=Files(folders))
    save_file(clip_h(2), folders.model_dirs("text_encoders")[0] / "h.safetensors")

    ((embedding, options),) = run_node(lotus_conditioning, files=Files(folders))

    assert embedding.shape == (1, 2, 1024) and embedding.dtype == torch.float32 and options == {}
