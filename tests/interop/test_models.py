"""MODEL, CLIP and VAE as packs use them: the same numbers as our own nodes give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.interop.conftest import House, open_studio


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_studio(tmp_path_factory, "models") as opened:
        yield opened


def graph(**changes: Any) -> dict[str, Any]:
    """Load, encode, sample and decode with our own nodes, except where a pack's is given."""
    own: dict[str, Any] = {
        "load": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "tiny.safetensors"}},
        "pos": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["load", 1], "text": "red square"}},
        "neg": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["load", 1], "text": ""}},
        "empty": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "sample": {
            "class_type": "KSampler",
            "inputs": {
                "model": ["load", 0],
                "positive": ["pos", 0],
                "negative": ["neg", 0],
                "latent_image": ["empty", 0],
                "seed": 7,
                "steps": 3,
                "cfg": 2.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1.0,
            },
        },
        "decode": {"class_type": "VAEDecode", "inputs": {"samples": ["sample", 0], "vae": ["load", 2]}},
        "show": {"class_type": "Numbers", "inputs": {"value": ["decode", 0]}},
        "latent": {"class_type": "Numbers", "inputs": {"value": ["sample", 0]}},
    }
    return own | changes


async def numbers(studio: House, **changes: Any) -> tuple[Any, Any]:
    ran = await studio.run(graph(**changes))
    assert ran.outcome.status == "succeeded", ran.outcome.error
    return ran.shown("latent", "sum"), ran.shown("show", "sum")


def samples(how: str, model: list[Any] | None = None) -> dict[str, Any]:
    return {
        "class_type": "Samples",
        "inputs": {
            "model": model or ["load", 0],
            "positive": ["pos", 0],
            "negative": ["neg", 0],
            "latent": ["empty", 0],
            "how": how,
            "sampler": "euler",
        },
    }


async def test_a_checkpoint_that_a_pack_loads_works_in_our_nodes(studio: House) -> None:
    expected = await numbers(studio)

    loads = {"class_type": "Loads", "inputs": {"ckpt_name": "tiny.safetensors"}}

    assert await numbers(studio, load=loads) == expected


@pytest.mark.parametrize("scheduled", [True, False])
async def test_text_is_encoded_as_our_nodes_encode_it(studio: House, scheduled: bool) -> None:
    expected = await numbers(studio)
    inputs = {"clip": ["load", 1], "text": "red square", "scheduled": scheduled}

    assert await numbers(studio, pos={"class_type": "Encodes", "inputs": inputs}) == expected


@pytest.mark.parametrize("how", ["common", "sample", "custom", "wrapped", "guider", "class"])
async def test_every_way_to_sample_gives_our_latent(studio: House, how: str) -> None:
    expected = await numbers(studio)

    assert await numbers(studio, sample=samples(how)) == expected


@pytest.mark.parametrize("as_class", [True, False])
async def test_pictures_are_decoded_as_our_nodes_decode_them(studio: House, as_class: bool) -> None:
    expected = await numbers(studio)
    inputs = {"vae": ["load", 2], "latent": ["sample", 0], "as_class": as_class}

    assert await numbers(studio, decode={"class_type": "Decodes", "inputs": inputs}) == expected


@pytest.mark.parametrize("kind", ["cfg", "post", "pre", "wrapper"])
async def test_a_hook_of_a_pack_takes_part_in_our_sampler(studio: House, kind: str) -> None:
    expected = (await numbers(studio))[0][0]

    def hooked(shift: float) -> dict[str, Any]:
        sampler = graph()["sample"]
        inputs = {"model": ["load", 0], "kind": kind, "shift": shift}
        return {
            "hook": {"class_type": "Hooks", "inputs": inputs},
            "sample": {**sampler, "inputs": {**sampler["inputs"], "model": ["hook", 0]}},
        }

    same = (await numbers(studio, **hooked(0.0)))[0][0]
    other = (await numbers(studio, **hooked(0.25)))[0][0]

    assert same == pytest.approx(expected, rel=1e-5)
    assert abs(other - expected) > 1e-3


async def test_two_packs_hooks_add_up_and_are_not_doubled(studio: House) -> None:
    def chain(*shifts: float) -> dict[str, Any]:
        hooks, last = {}, ["load", 0]
        for index, shift in enumerate(shifts):
            hooks[f"h{index}"] = {"class_type": "Hooks", "inputs": {"model": last, "kind": "post", "shift": shift}}
            last = [f"h{index}", 0]
        sampler = graph()["sample"]
        return hooks | {"sample": {**sampler, "inputs": {**sampler["inputs"], "model": last}}}

    once = await numbers(studio, **chain(0.5))
    in_parts = await numbers(studio, **chain(0.25, 0.25))

    assert in_parts[0][0] == pytest.approx(once[0][0], rel=1e-4)


async def test_a_model_answers_what_packs_ask(studio: House) -> None:
    asks = {"class_type": "Asks", "inputs": {"model": ["load", 0], "vae": ["load", 2]}}

    ran = await studio.run({"load": graph()["load"], "ask": asks})

    assert ran.outcome.status == "succeeded", ran.outcome.error
    assert ran.shown("ask", "failed") == []


def test_a_lora_that_a_pack_reads_changes_the_model(studio: House) -> None:
    import importlib

    import torch

    sd, lora = importlib.import_module("comfy.sd"), importlib.import_module("comfy.lora")
    model, clip, _, _ = sd.load_checkpoint_guess_config(str(studio.folders.find("checkpoints", "tiny.safetensors")))
    network = model.heddle_object.network
    name = next(n for n in network.parameter_names() if n.endswith("to_q.weight"))
    rows, columns = network.weights[name].shape
    layer = "lora_unet_" + name.removesuffix(".weight").replace(".", "_")
    tensors = {f"{layer}.lora_up.weight": torch.ones(rows, 1), f"{layer}.lora_down.weight": torch.ones(1, columns)}

    changed, same_clip = sd.load_lora_for_models(model, clip, tensors, 0.5, 0.0)
    by_hand = model.clone()
    applied = by_hand.add_patches(lora.load_lora(tensors, lora.model_lora_keys_unet(model.model, {})), 0.5)

    original = next(key for key in by_hand.model_state_dict() if key.endswith("attn1.to_q.weight"))
    assert applied == [original]
    assert original.startswith("diffusion_model.input_blocks.")
    for one in (changed, by_hand):
        own = one.heddle_object
        difference = network.patched_weight(name, own.patches) - network.weights[name]
        assert torch.allclose(difference, torch.full_like(difference, 0.5))
    assert model.heddle_object.patches.by_name == {}
    assert same_clip.heddle_object.patches == clip.heddle_object.patches


def test_a_model_says_when_its_weights_changed_and_what_its_companions_are(studio: House) -> None:
    import importlib

    sd = importlib.import_module("comfy.sd")
    path = str(studio.folders.find("checkpoints", "tiny.safetensors"))
    model, clip, _, _ = sd.load_checkpoint_guess_config(path, output_vae=False)
    name = next(iter(model.model_state_dict()))
    other, third = model.clone(), model.clone()

    other.add_patches({name: ("diff", (model.model_state_dict()[name],))})
    third.set_additional_models("own", [other])
    model.set_additional_models("own", [third])

    assert model.clone().patches_uuid == model.patches_uuid != other.patches_uuid
    assert model.get_nested_additional_models() == [third, other]
    assert model.backup == {} and not hasattr(clip, "made_up")


def from_parts(**changes: Any) -> dict[str, Any]:
    """The graph of `graph`, with the sampler put together from parts."""
    parts: dict[str, Any] = {
        "noise": {"class_type": "RandomNoise", "inputs": {"noise_seed": 7}},
        "sigmas": {
            "class_type": "BasicScheduler",
            "inputs": {"model": ["load", 0], "scheduler": "normal", "steps": 3, "denoise": 1.0},
        },
        "guider": {
            "class_type": "CFGGuider",
            "inputs": {"model": ["load", 0], "positive": ["pos", 0], "negative": ["neg", 0], "cfg": 2.0},
        },
        "method": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "sample": {
            "class_type": "SamplerCustomAdvanced",
            "inputs": {
                "noise": ["noise", 0],
                "guider": ["guider", 0],
                "sampler": ["method", 0],
                "sigmas": ["sigmas", 0],
                "latent_image": ["empty", 0],
            },
        },
    }
    return parts | changes


async def test_a_guider_and_a_sampler_of_a_pack_work_in_our_sampler(studio: House) -> None:
    expected = await numbers(studio, **from_parts())
    guides = {"class_type": "Guides", "inputs": {"model": ["load", 0], "positive": ["pos", 0], "negative": ["neg", 0]}}
    sampler = from_parts()["sample"]
    inputs = {**sampler["inputs"], "guider": ["guider", 0], "sampler": ["guider", 1]}

    found = await numbers(studio, **from_parts(guider=guides, sample={**sampler, "inputs": inputs}))

    assert found == expected


async def test_our_guider_works_in_a_pack(studio: House) -> None:
    expected = await numbers(studio, **from_parts())
    inputs = {
        "model": ["load", 0],
        "positive": ["pos", 0],
        "negative": ["neg", 0],
        "ours": ["guider", 0],
        "latent": ["empty", 0],
        "noise": ["noise", 0],
        "sigmas": ["sigmas", 0],
    }
    guides = {"class_type": "Guides", "inputs": inputs}

    found = await numbers(
        studio,
        **from_parts(
            sample=guides,
            decode={"class_type": "VAEDecode", "inputs": {"samples": ["sample", 2], "vae": ["load", 2]}},
            latent={"class_type": "Numbers", "inputs": {"value": ["sample", 2]}},
        ),
    )

    assert found == expected


def test_pixels_go_to_the_network_of_an_autoencoder_and_come_back(studio: House) -> None:
    import importlib

    import torch

    from interop.errors import ClosedAttribute

    sd = importlib.import_module("comfy.sd")
    path = str(studio.folders.find("checkpoints", "tiny.safetensors"))
    vae = sd.load_checkpoint_guess_config(path, output_model=False, output_clip=False)[2]
    pixels = torch.rand(1, 8, 8, 3)

    assert torch.allclose(vae.process_output(vae.process_input(pixels)), pixels, atol=1e-6)
    with pytest.raises(ClosedAttribute, match=r"VAE\.made_up"):
        _ = vae.made_up


def test_a_control_network_is_steered_through_its_handle() -> None:
    import torch

    from diffusion.control import ControlNet
    from interop.models import lend_one, take_back

    net = ControlNet(network=None)  # type: ignore[arg-type]
    first = lend_one(net).copy().set_cond_hint(torch.ones(1, 3, 8, 8), 0.5, (0.1, 0.9))
    second = lend_one(net).copy().set_cond_hint(torch.zeros(1, 3, 8, 8)).set_previous_controlnet(first)

    ((_, options),) = take_back([["embedding", {"control": second, "other": 1}]])

    assert isinstance(options["control"], ControlNet)
    assert options["other"] == 1
    assert (options["control"].previous.strength, options["control"].previous.start) == (0.5, 0.1)
    assert net.hint is None


def test_an_upscaler_is_called_moved_and_taken_back() -> None:
    import torch

    from diffusion.network import Network
    from diffusion.upscaling import CompactNetwork, UpscaleModel
    from interop.models import lend_one, take_back

    made = CompactNetwork(4, 1, 2)
    cpu, kind = torch.device("cpu"), torch.float32
    network = Network(made, dict(made.state_dict()), device=cpu, storage=kind, compute=kind, source="a test")
    handle = lend_one(UpscaleModel(network, 2))
    picture = torch.rand(1, 3, 8, 8)

    assert handle.scale == 2 and handle.to("cpu").cpu().eval() is handle
    assert handle(picture).shape == (1, 3, 16, 16)
    assert take_back(handle).network is network
