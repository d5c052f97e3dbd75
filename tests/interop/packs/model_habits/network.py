"""The network itself: read, called, and replaced as a whole."""

from unittest import mock

import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

from .bench import alike


def blocks_and_weights_are_read(bench):
    network = bench.model.model.diffusion_model

    assert isinstance(network, UNetModel) and not hasattr(network, "double_blocks")
    assert len(network.input_blocks) == len(network.output_blocks) == 4
    assert any(hasattr(layer, "transformer_blocks") for block in network.input_blocks for layer in block)
    assert len(network.middle_block) == 3 and len(network.out) == 3 and network.time_embed is not None
    weights = network.state_dict()
    assert "input_blocks.0.0.weight" in weights and sum(one.numel() for one in network.parameters()) > 1000
    assert weights.keys() == {name.removeprefix("diffusion_model.") for name in bench.model.model_state_dict()}


def the_network_is_called_by_hand(bench):
    model = bench.model
    levels, text = model.get_model_object("model_sampling"), bench.positive[0][0]
    x, sigma = 5 * torch.ones(1, 4, 8, 8), torch.tensor([5.0])

    out = model.model.diffusion_model(levels.calculate_input(sigma, x), levels.timestep(sigma).float(), text)

    expected = model.model.apply_model(x, sigma, c_crossattn=text, transformer_options={})
    alike(levels.calculate_denoised(sigma, out, x), expected)


class Compiled(torch.nn.Module):
    """What compilers put around a network."""

    def __init__(self, inner):
        super().__init__()
        self.__dict__["inner"], self.calls = inner, 0

    def forward(self, *args, **kwargs):
        self.calls += 1
        return self.__dict__["inner"](*args, **kwargs)


def the_network_is_replaced_by_one_around_it(bench):
    model = bench.model.clone()
    around = Compiled(model.get_model_object("diffusion_model"))
    model.add_object_patch("diffusion_model", around)

    bench.unchanged(model)
    assert around.calls == 3


def its_forward_is_replaced(bench):
    model = bench.model.clone()
    forward = model.model.diffusion_model.forward

    def weaker(x, timesteps=None, context=None, y=None, control=None, transformer_options={}, **kwargs):
        assert "cond_or_uncond" in transformer_options
        return forward(x, timesteps, context, y, control, transformer_options, **kwargs) * factor

    model.add_object_patch("diffusion_model.forward", weaker)

    factor = 1.0
    bench.unchanged(model)
    factor = 0.5
    bench.changed(model)


def its_forward_is_replaced_for_each_call(bench):
    model = bench.model.clone()

    def wrapper(apply, given):
        network = model.model.diffusion_model
        with mock.patch.multiple(network, forward=lambda *args, **kwargs: seen.append(1) or forward(*args, **kwargs)):
            return apply(given["input"], given["timestep"], **given["c"])

    seen, forward = [], model.model.diffusion_model.forward
    model.set_model_unet_function_wrapper(wrapper)

    bench.unchanged(model)
    assert len(seen) == 3


def the_first_layer_is_widened_for_a_second_latent(bench):
    name = "diffusion_model.input_blocks.0.0.weight"
    first = bench.model.model_state_dict()[name]

    def widened(extra):
        model = bench.model.clone()
        change = torch.zeros(first.shape[0], 8, 3, 3)
        change[:, 4:] = extra
        assert model.add_patches({name: ("diff", [change, {"pad_weight": True}])}) == [name]

        def told(apply, given):
            c = {**given["c"], "c_concat": torch.ones_like(given["input"])}
            return apply(given["input"], given["timestep"], **c)

        model.set_model_unet_function_wrapper(told)
        return model

    bench.unchanged(widened(0.0))
    bench.changed(widened(0.5))
    bench.unchanged()


HABITS = [
    the_first_layer_is_widened_for_a_second_latent,
    blocks_and_weights_are_read,
    the_network_is_called_by_hand,
    the_network_is_replaced_by_one_around_it,
    its_forward_is_replaced,
    its_forward_is_replaced_for_each_call,
]
