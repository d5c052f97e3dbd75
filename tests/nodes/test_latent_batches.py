"""Batches of latents keep their noise and masks; latent files come back as they were."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from graph_runtime.errors import HeddleError
from nodes import latent_batches as batches
from tests.nodes.calling import call


def latent(*values, size=4, **more):
    return {"samples": torch.tensor(values).float().view(-1, 1, 1, 1).expand(-1, 4, size, size), **more}


def members(result):
    return result["samples"][:, 0, 0, 0].tolist()


def test_joined_batches_keep_the_noise_of_each_member():
    joined = batches.latent_batch(samples1=latent(1, 2), samples2=latent(3, size=8, batch_index=[7]))

    assert members(joined) == [1, 2, 3]
    assert joined["batch_index"] == [0, 1, 7]
    assert joined["samples"].shape[-1] == 4


def test_a_member_taken_out_keeps_its_mask_and_its_noise():
    masks = torch.arange(3.0).view(3, 1, 1, 1)

    taken = batches.latent_from_batch(samples=latent(1, 2, 3, noise_mask=masks), batch_index=1, length=5)

    assert members(taken) == [2, 3]
    assert taken["batch_index"] == [1, 2]
    assert taken["noise_mask"].flatten().tolist() == [1, 2]
    assert batches.latent_from_batch(samples=latent(1, 2, batch_index=[5, 9]), batch_index=63, length=1)[
        "batch_index"
    ] == [9]


def test_repeating_a_batch_gives_every_copy_noise_of_its_own():
    masks = torch.arange(2.0).view(2, 1, 1, 1)

    repeated = batches.repeat_latent_batch(samples=latent(1, 2, batch_index=[3, 5], noise_mask=masks), amount=3)

    assert members(repeated) == [1, 2] * 3
    assert repeated["batch_index"] == [3, 5, 6, 8, 9, 11]
    assert repeated["noise_mask"].flatten().tolist() == [0, 1] * 3
    assert "batch_index" not in batches.repeat_latent_batch(samples=latent(1), amount=2)


def test_latents_are_dealt_out_by_size_with_their_numbers():
    dealt = batches.rebatch_latents(latents=[latent(1, 2, 3), latent(4, 5), latent(6, size=8)], batch_size=2)

    assert [members(each) for each in dealt] == [[1, 2], [3, 4], [5], [6]]
    assert [each["batch_index"] for each in dealt] == [[0, 1], [2, 3], [4], [5]]
    assert not any("noise_mask" in each for each in dealt)


def test_masks_of_latents_that_are_dealt_out_are_brought_to_the_picture_size():
    half = torch.full((1, 1, 4, 4), 0.5)

    dealt = batches.rebatch_latents(latents=[latent(1, 2, noise_mask=half), latent(3)], batch_size=3)

    assert dealt[0]["noise_mask"].shape == (3, 1, 32, 32)
    assert dealt[0]["noise_mask"].mean((1, 2, 3)).tolist() == [0.5, 0.5, 1]


def test_masks_of_one_size_are_dealt_out_as_they_are():
    odd = torch.rand(2, 1, 13, 7)

    dealt = batches.rebatch_latents(latents=[latent(1, 2, noise_mask=odd)], batch_size=1)

    assert torch.equal(torch.cat([each["noise_mask"] for each in dealt]), odd)


def test_all_members_start_from_the_same_noise_or_each_from_its_own():
    fixed = batches.latent_batch_seed_behavior(samples=latent(1, 2, batch_index=[4, 5]), seed_behavior="fixed")
    random = batches.latent_batch_seed_behavior(samples=latent(1, 2, batch_index=[4, 5]), seed_behavior="random")

    assert fixed["batch_index"] == [4, 4]
    assert "batch_index" not in random
    assert batches.latent_batch_seed_behavior(samples=latent(1, 2))["batch_index"] == [0, 0]


def test_frames_are_cut_off_the_beginning_of_a_video():
    video = {"samples": torch.arange(5.0).view(1, 1, 5, 1, 1)}

    assert batches.trim_video_latent(samples=video, trim_amount=2)["samples"].flatten().tolist() == [2, 3, 4]


def test_a_saved_latent_carries_its_workflow_and_loads_as_it_was(data_dir):
    samples = torch.randn(2, 4, 3, 5)

    shown = call(
        batches.save_latent,
        data_dir,
        samples={"samples": samples},
        filename_prefix="latents/x",
        prompt={"1": {}},
        extra_pnginfo={"workflow": {"a": 1}},
    )

    assert shown.ui == {"latents": [{"filename": "x_00001_.latent", "subfolder": "latents", "type": "output"}]}
    path = data_dir / "output" / "latents" / "x_00001_.latent"
    with safe_open(path, "pt") as file:
        assert {key: json.loads(text) for key, text in file.metadata().items()} == {
            "prompt": {"1": {}},
            "workflow": {"a": 1},
        }
    loaded = call(batches.load_latent, data_dir, latent="latents/x_00001_.latent [output]").result
    assert torch.equal(loaded["samples"], samples)


def test_a_latent_of_the_first_kind_is_scaled(data_dir):
    (data_dir / "input").mkdir()
    save_file({"latent_tensor": torch.full((1, 4, 1, 1), 0.18215)}, data_dir / "input" / "old.latent")

    loaded = call(batches.load_latent, data_dir, latent="old.latent").result

    torch.testing.assert_close(loaded["samples"], torch.ones(1, 4, 1, 1))


@pytest.mark.parametrize("content", [b"", b"nonsense" * 9])
def test_a_file_that_holds_no_latent_is_refused_by_name(data_dir, content):
    (data_dir / "input").mkdir()
    (data_dir / "input" / "bad.latent").write_bytes(content)

    with pytest.raises(HeddleError, match=r"'bad.latent' holds no latent"):
        call(batches.load_latent, data_dir, latent="bad.latent")


def test_other_tensors_are_no_latent(data_dir):
    (data_dir / "input").mkdir()
    save_file({"weights": torch.zeros(1)}, data_dir / "input" / "model.latent")

    with pytest.raises(HeddleError, match="latent_tensor"):
        call(batches.load_latent, data_dir, latent="model.latent")


def test_a_missing_latent_is_found_before_anything_runs(data_dir):
    hook = call(batches.latent_exists, data_dir, latent="none.latent").result

    assert hook == "There is no latent file 'none.latent' in the input folder. Choose another, or copy it there."
    assert isinstance(call(batches.latent_exists, data_dir, latent="../../x.latent").result, str)
    assert call(batches.latent_exists, data_dir, latent=None).result is None
