"""The larger models: they begin as what the first model knows, learn, and are read back as they were trained."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers.loaders.single_file_utils import convert_open_clip_checkpoint
from safetensors import safe_open
from transformers import CLIPTextModelWithProjection

from diffusion.families.family import Scene
from diffusion.loading import load_checkpoint
from diffusion.training.captioned_latents import CaptionedLatents
from diffusion.training.denoiser_training import DenoiserTraining
from diffusion.training.model_sizes import SCALING_FACTOR as FIRST_SCALING
from diffusion.training.model_sizes import build_autoencoder, build_networks
from diffusion.training.progress import Progress
from diffusion.training.soft_pictures import soft_pictures, soften
from diffusion.training.transplant import base_from, refiner_from
from diffusion.training.xl_export import export_base, export_refiner, rescaled
from diffusion.training.xl_lessons import BaseLesson, NumberedPictures, RefinerLesson, cropped, read_second
from diffusion.training.xl_recipe import BASE, REFINER
from diffusion.training.xl_sizes import HANDOFF_TIMESTEP, SCALING_FACTOR

TEXT = "a red circle on a blue background"


@pytest.fixture(scope="module")
def small(vocabulary):
    torch.manual_seed(3)
    networks = build_networks(len(vocabulary.ids))
    norm = networks.text_encoder.final_layer_norm
    torch.nn.init.normal_(norm.weight, 1.0, 0.1)
    torch.nn.init.normal_(norm.bias, 0.0, 0.1)
    networks.unet.eval()
    networks.text_encoder.eval()
    return networks


@pytest.fixture(scope="module")
def base(small, vocabulary):
    return base_from(small, vocabulary)


@pytest.fixture(scope="module")
def pictures(drawn, vocabulary):
    torch.manual_seed(0)
    soft = soft_pictures(drawn, count=8)
    soft.encode(build_autoencoder().eval(), lambda done, total: None)
    return NumberedPictures(CaptionedLatents(drawn, vocabulary), soft)


@pytest.fixture(scope="module")
def base_file(base, vocabulary, tmp_path_factory):
    for network in base.named().values():
        for parameter in network.eval().parameters():
            parameter.data = parameter.data.half().float()  # so that the file holds exactly these weights
    path = tmp_path_factory.mktemp("xl") / "base.safetensors"
    torch.manual_seed(5)
    export_base(base, build_autoencoder(), vocabulary, path)
    return path


@pytest.fixture(scope="module")
def refiner_file(base, base_file, vocabulary, tmp_path_factory):
    path = tmp_path_factory.mktemp("xl") / "refiner.safetensors"
    torch.manual_seed(5)
    export_refiner(refiner_from(base), base.text_encoder_2, build_autoencoder(), vocabulary, path)
    return path


@torch.no_grad()
def test_the_base_begins_near_what_the_first_model_predicts(small, base, vocabulary):
    tokens = torch.tensor(vocabulary.encode([TEXT, "mountains at sunset"]))
    x, timesteps = torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(1)), torch.tensor([100, 800])
    expected = small.unet(x, timesteps, small.text_encoder(tokens).last_hidden_state).sample
    second, _ = read_second(base.text_encoder_2, tokens)
    context = torch.cat([torch.randn(2, 77, 48), second], dim=-1)

    seen = base.unet.eval()(x, timesteps, context, class_labels=torch.randn(2, 1664)).sample

    assert torch.nn.functional.mse_loss(seen, expected) < 0.03 * expected.var()


@torch.no_grad()
def test_the_refiner_begins_as_the_base_without_its_first_encoder(base, vocabulary):
    tokens = torch.tensor(vocabulary.encode([TEXT]))
    x, timestep = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(1)), torch.tensor([50])
    second, pooled = read_second(base.text_encoder_2, tokens)
    numbers = torch.zeros(1, 256 * 6)
    whole = torch.cat([torch.zeros(1, 77, 48), second], dim=-1)
    expected = base.unet.eval()(x, timestep, whole, class_labels=torch.cat([pooled, numbers], 1)).sample

    refiner = refiner_from(base).unet.eval()
    seen = refiner(x, timestep, second, class_labels=torch.cat([pooled, numbers[:, 256:]], 1)).sample

    assert torch.allclose(seen, expected, atol=1e-5)


@pytest.mark.parametrize("part", ["base", "refiner"])
def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(part, pictures, base, small, vocabulary, tmp_path):
    def training(folder):
        folder.mkdir(exist_ok=True)
        if part == "base":
            return DenoiserTraining(BaseLesson(pictures, lambda: base_from(small, vocabulary)), settings, folder)
        return DenoiserTraining(RefinerLesson(pictures, reader, lambda: refiner_from(base)), settings, folder)

    reader = CLIPTextModelWithProjection(base.text_encoder_2.config)
    reader.load_state_dict(base.text_encoder_2.state_dict())
    settings = replace(BASE if part == "base" else REFINER, steps=2, batch=3, save_every=1, warm_up=1)
    log = Progress(tmp_path / "log.jsonl", lambda line: None)
    whole = training(tmp_path / "whole")
    whole.run(log)
    training(tmp_path / "parts").run(log, until=1)
    resumed = training(tmp_path / "parts")
    resumed.run(log)

    for name, network in whole.networks.named().items():
        other = resumed.networks.named()[name].state_dict()
        assert all(torch.equal(tensor, other[key]) for key, tensor in network.state_dict().items())


def test_soft_pictures_say_their_size_and_have_lower_scores(pictures, base):
    settings = replace(REFINER, batch=64)
    lesson = RefinerLesson(pictures, CLIPTextModelWithProjection(base.text_encoder_2.config), lambda: None)

    _, told = lesson.examples(np.random.default_rng(0), settings)

    scores = told.numbers[:, 4]
    assert 6 < int((scores < 6).sum()) < 32
    assert float(scores.max()) == 6.0
    assert float(scores.min()) >= 6 * 28 / 128


def test_cropping_moves_the_picture_up_and_left():
    latents = np.arange(2 * 1 * 4 * 4, dtype=np.float32).reshape(2, 1, 4, 4)

    moved = cropped(latents, np.array([[0, 0], [1, 2]]))

    assert np.array_equal(moved[0], latents[0])
    assert np.array_equal(moved[1, 0], latents[1, 0][[1, 2, 3, 3]][:, [2, 3, 3, 3]])


def test_a_softened_picture_keeps_its_size_and_loses_its_edges():
    picture = np.zeros((128, 128, 3), np.uint8)
    picture[:, 64:] = 255

    soft = soften(picture, 30)

    assert soft.shape == picture.shape
    assert len(np.unique(soft)) > 3


@torch.no_grad()
def test_the_loader_reads_the_base_as_it_was_trained(base, base_file, vocabulary):
    tokens = torch.tensor(vocabulary.encode([TEXT]))
    first = base.text_encoder(tokens, output_hidden_states=True).hidden_states[-2]
    second, pooled = read_second(base.text_encoder_2, tokens)

    checkpoint = load_checkpoint(base_file, device="cpu")
    context, options = checkpoint.clip.encode(TEXT)[0]

    assert checkpoint.model.family.name == "sdxl"
    assert checkpoint.model.family.latent_format.scale == SCALING_FACTOR
    assert torch.allclose(context, torch.cat([first, second], dim=-1), atol=1e-4)
    assert torch.allclose(options["pooled_output"], pooled, atol=1e-4)


@torch.no_grad()
def test_the_loader_reads_the_refiner_as_it_was_trained(base, refiner_file, vocabulary):
    second, pooled = read_second(base.text_encoder_2, torch.tensor(vocabulary.encode([TEXT])))

    checkpoint = load_checkpoint(refiner_file, device="cpu")
    context, options = checkpoint.clip.encode(TEXT)[0]
    family = checkpoint.model.family
    scene = Scene(torch.zeros(1, 4, 16, 16), None, None, negative=False)

    assert family.name == "sdxl_refiner"
    assert torch.allclose(context, second, atol=1e-4)
    assert family.vector(options, scene).shape == (1, 128 + 5 * 256)
    assert torch.allclose(options["pooled_output"], pooled, atol=1e-4)


def test_both_files_stay_below_16_megabytes(base_file, refiner_file):
    assert max(file.stat().st_size for file in (base_file, refiner_file)) <= 16_000_000


def test_diffusers_reads_the_second_encoder_back_as_it_was(base, base_file):
    prefix = "conditioner.embedders.1.model."
    with safe_open(base_file, framework="pt") as file:
        tensors = {name: file.get_tensor(name).float() for name in file.keys() if name.startswith(prefix)}  # noqa: SIM118
    empty = CLIPTextModelWithProjection(base.text_encoder_2.config)

    converted = convert_open_clip_checkpoint(empty, tensors, prefix=prefix)

    for name, expected in base.text_encoder_2.state_dict().items():
        assert torch.equal(converted[name], expected), name


@torch.no_grad()
def test_the_rescaled_autoencoder_gives_the_same_pictures_and_scaled_latents():
    torch.manual_seed(2)
    vae = build_autoencoder().eval()
    image = torch.rand(1, 3, 64, 64) * 2 - 1

    other = rescaled(vae)

    latent, same = vae.encode(image).latent_dist, other.encode(image).latent_dist
    assert torch.allclose(latent.mean * FIRST_SCALING, same.mean * SCALING_FACTOR, atol=1e-5)
    assert torch.allclose(latent.std * FIRST_SCALING, same.std * SCALING_FACTOR, atol=1e-5)
    assert torch.allclose(vae.decode(latent.mean).sample, other.decode(same.mean).sample, atol=1e-4)


def test_the_handoff_is_where_the_refiners_noise_levels_end():
    assert REFINER.timesteps == HANDOFF_TIMESTEP == 200
