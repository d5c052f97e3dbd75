"""PhotoMaker from its file to a conditioning."""

from safetensors.torch import save_file

from graph_runtime.testing import run_node
from nodes.photomaker import photomaker_encode, photomaker_loader
from tests.diffusion.vision.test_photomaker import photographs, photomaker_tensors


def test_a_photographed_person_enters_a_prompt(tiny_files, tiny):
    folder = tiny_files.folders.model_dirs("photomaker")[0]
    folder.mkdir(exist_ok=True)
    save_file(photomaker_tensors(), folder / "tiny.safetensors")
    photomaker = run_node(photomaker_loader, files=tiny_files, photomaker_model_name="tiny.safetensors")

    texts = [
        photomaker_encode(photomaker=photomaker, image=photographs(), clip=tiny.CLIP, text=text)[0][0]
        for text in ("a photomaker", "a person")
    ]

    assert texts[0].shape == texts[1].shape == (1, 77, 32)
    assert not texts[0][:, 1].equal(texts[1][:, 1])
