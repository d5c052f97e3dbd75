"""Loading models, whole and in parts, and changing them by LoRA."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from graph_runtime.errors import HeddleError
from graph_runtime.testing import run_node
from nodes.inpainting import inpaint_model_conditioning, vae_encode_for_inpaint
from nodes.latent import empty_latent_image, vae_encode
from nodes.loaders import checkpoint_loader_simple, clip_loader, unet_loader, vae_loader
from nodes.lora import lora_loader, lora_loader_model_only
from nodes.model_files import file_state
from nodes.sampling import ksampler
from nodes.text import clip_text_encode


@pytest.fixture(scope="module")
def parts(tiny_files):
    """The tiny checkpoint's network and autoencoder as files of their own, and a LoRA for it."""
    folders = tiny_files.folders
    whole = folders.find("checkpoints", "tiny.safetensors")
    from safetensors import safe_open

    with safe_open(whole, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(whole)

    def split(prefix, key, name):
        own = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        save_file(own, folders.model_dirs(key)[0] / name, metadata)

    folders.model_dirs("diffusion_models")[0].mkdir(exist_ok=True)
    split("model.diffusion_model.", "diffusion_models", "net.safetensors")
    split("first_stage_model.", "vae", "vae.safetensors")
    name = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q"
    rows, columns = tensors[f"{name}.weight"].shape
    made = torch.Generator().manual_seed(1)
    lora = {
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_up.weight": torch.randn(
            rows, 2, generator=made
        ),
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight": torch.randn(
            2, columns, generator=made
        ),
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.alpha": torch.tensor(2.0),
    }
    save_file(lora, folders.model_dirs("loras")[0] / "small.safetensors")
    save_file({"nothing.weight": torch.zeros(2, 2)}, folders.model_dirs("loras")[0] / "foreign.safetensors")
    return tiny_files


def latent_of(model, tiny):
    text = clip_text_encode(text="x", clip=tiny.CLIP)
    return run_node(
        ksampler, model=model, positive=text, negative=text, latent_image=empty_latent_image(width=64, height=64),
        seed=1, steps=2, cfg=2.0, sampler_name="euler", scheduler="normal",
    )["samples"]  # fmt: skip


def test_a_network_in_a_file_of_its_own_is_the_checkpoints(parts, tiny):
    model = run_node(unet_loader, files=parts, unet_name="net.safetensors", weight_dtype="default")

    assert torch.equal(latent_of(model, tiny), latent_of(tiny.MODEL, tiny))


def test_an_autoencoder_in_a_file_of_its_own_is_the_checkpoints(parts, tiny):
    vae = run_node(vae_loader, files=parts, vae_name="vae.safetensors")
    image = torch.rand(1, 32, 32, 3, generator=torch.Generator().manual_seed(0))

    first, second = (vae_encode(pixels=image, vae=one)["samples"] for one in (vae, tiny.VAE))
    assert torch.equal(first, second)


def test_a_lora_changes_the_picture_by_its_strength_and_not_the_model_it_is_given(parts, tiny):
    plain = latent_of(tiny.MODEL, tiny)
    results = {
        strength: latent_of(
            run_node(
                lora_loader, files=parts, model=tiny.MODEL, clip=tiny.CLIP, lora_name="small.safetensors",
                strength_model=strength, strength_clip=0.0,
            ).MODEL,
            tiny,
        )
        for strength in (0.0, 0.5, 1.0)
    }  # fmt: skip

    assert torch.equal(results[0.0], plain)
    assert not torch.allclose(results[0.5], plain) and not torch.allclose(results[1.0], results[0.5])
    assert torch.equal(latent_of(tiny.MODEL, tiny), plain)


def test_a_lora_and_its_opposite_cancel(parts, tiny):
    model = tiny.MODEL
    for strength in (0.7, -0.7):
        model = run_node(
            lora_loader_model_only, files=parts, model=model, lora_name="small.safetensors", strength_model=strength
        )

    torch.testing.assert_close(latent_of(model, tiny), latent_of(tiny.MODEL, tiny), rtol=1e-3, atol=1e-3)


def test_without_strength_a_lora_leaves_the_very_same_models(tiny):
    changed = run_node(
        lora_loader, model=tiny.MODEL, clip=tiny.CLIP, lora_name="missing", strength_model=0.0, strength_clip=0.0
    )

    assert changed.MODEL is tiny.MODEL and changed.CLIP is tiny.CLIP


@pytest.mark.parametrize(
    ("node", "inputs", "clue"),
    [
        (checkpoint_loader_simple, {"ckpt_name": "tini.safetensors"}, "Did you mean 'tiny.safetensors'"),
        (checkpoint_loader_simple, {"ckpt_name": "../tiny.safetensors"}, "is not in the checkpoints folders"),
        (vae_loader, {"vae_name": "pixel_space"}, "no 'pixel_space' autoencoder"),
        (clip_loader, {"clip_name": "none.safetensors", "type": "sd3"}, "is not in the text_encoders folders"),
    ],
)
def test_what_cannot_be_loaded_is_said_with_what_to_do(parts, node, inputs, clue):
    with pytest.raises(HeddleError, match=clue):
        run_node(node, files=parts, **inputs)


def test_a_lora_for_another_model_is_refused_by_name(parts, tiny):
    with pytest.raises(Exception, match=r"foreign\.safetensors' fits neither model nor text encoder"):
        run_node(
            lora_loader_model_only, files=parts, model=tiny.MODEL, lora_name="foreign.safetensors", strength_model=1.0
        )


def test_a_file_that_is_replaced_counts_as_another(parts, tmp_path):
    class Ctx:
        folders = parts.folders

    path = parts.folders.model_dirs("loras")[0] / "again.safetensors"
    path.write_bytes(b"1")
    before = file_state(Ctx, "loras", "again.safetensors")

    path.write_bytes(b"22")

    assert file_state(Ctx, "loras", "again.safetensors") != before
    assert file_state(Ctx, "loras", "missing") is None and file_state(Ctx, "loras", None) is None


def test_encoding_for_inpainting_greys_the_masked_part_and_grows_the_mask(tiny):
    image = torch.rand(1, 32, 32, 3, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(1, 32, 32)
    mask[:, 8:16, 8:16] = 1

    latent = vae_encode_for_inpaint(pixels=image, vae=tiny.VAE, mask=mask, grow_mask_by=6)

    grey = image.clone()
    grey[:, 8:16, 8:16] = 0.5
    torch.testing.assert_close(latent["samples"], vae_encode(pixels=grey, vae=tiny.VAE)["samples"])
    assert latent["noise_mask"].shape == (1, 1, 32, 32)
    assert mask.sum() < latent["noise_mask"].sum() < 20 * 20


def test_inpainting_models_are_shown_mask_and_picture(tiny):
    image, mask = torch.rand(1, 32, 32, 3), torch.ones(1, 32, 32)
    text = clip_text_encode(text="x", clip=tiny.CLIP)

    positive, negative, latent = inpaint_model_conditioning(
        positive=text, negative=text, vae=tiny.VAE, pixels=image, mask=mask, noise_mask=False
    )

    for conditioning in (positive, negative):
        assert conditioning[0][1]["concat_latent_image"].shape == (1, 4, 4, 4)
        assert conditioning[0][1]["concat_mask"].shape[-2:] == (32, 32)
    assert "noise_mask" not in latent
    torch.testing.assert_close(latent["samples"], vae_encode(pixels=image, vae=tiny.VAE)["samples"])
    assert "concat_mask" not in text[0][1]


def test_weights_kept_in_eight_bits_take_a_quarter_and_change_the_picture_a_little(parts, tiny):
    full, small = (
        run_node(unet_loader, files=parts, unet_name="net.safetensors", weight_dtype=kind)
        for kind in ("default", "fp8_e4m3fn")
    )
    expected, found = latent_of(full, tiny), latent_of(small, tiny)

    assert small.network.size() * 4 == full.network.size()
    assert not torch.equal(found, expected)
    assert torch.corrcoef(torch.stack([found.flatten(), expected.flatten()]))[0, 1] > 0.9


def test_fast_eight_bits_multiply_in_them_only_where_the_device_can(parts, tiny_files, monkeypatch):
    from diffusion.float8 import Float8Linear

    def layers():
        model = run_node(unet_loader, files=tiny_files, unet_name="net.safetensors", weight_dtype="fp8_e4m3fn_fast")
        return {type(layer) for layer in model.network.module.modules()}

    assert Float8Linear not in layers(), "a CPU would only become slower"
    monkeypatch.setattr("diffusion.float8.multiplies_float8", lambda device: True)
    assert Float8Linear in layers()
