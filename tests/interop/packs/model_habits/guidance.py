"""Functions around guidance and around each estimate."""

import comfy.patcher_extension
import torch


def a_wrapper_of_estimates_takes_them_apart(bench):
    model = bench.model.clone()

    def one_by_one(apply, given):
        x, t, c = given["input"], given["timestep"], given["c"]
        found = []
        for index, side in enumerate(given["cond_or_uncond"]):
            part = {name: value[index : index + 1] if torch.is_tensor(value) else value for name, value in c.items()}
            part["transformer_options"] = {**c["transformer_options"], "cond_or_uncond": [side]}
            found.append(apply(x[index : index + 1], t[index : index + 1], **part))
        return torch.cat(found)

    model.set_model_unet_function_wrapper(one_by_one)

    bench.unchanged(model)


def a_wrapper_goes_through_the_one_that_was_there(bench):
    first = bench.model.clone()
    first.set_model_unet_function_wrapper(lambda apply, given: apply(given["input"], given["timestep"], **given["c"]))
    second = first.clone()
    before = second.model_options["model_function_wrapper"]
    second.set_model_unet_function_wrapper(lambda apply, given: before(apply, given))

    bench.unchanged(second)


def a_wrapper_of_the_model_passes_everything_by_position(bench):
    model = bench.model.clone()

    def around(executor, x, t, c_concat=None, c_crossattn=None, control=None, transformer_options={}, **kwargs):
        assert c_crossattn.shape[0] == x.shape[0]
        return executor(x, t, c_concat, c_crossattn, control, transformer_options, **kwargs)

    model.add_wrapper_with_key(comfy.patcher_extension.WrappersMP.APPLY_MODEL, "mine", around)

    bench.unchanged(model)


def a_mask_function_asks_the_guider_for_the_noise_levels(bench):
    model = bench.model.clone()
    asked = []

    def hard(sigma, denoise_mask, extra_options):
        asked.append(extra_options["model"].inner_model.model_sampling.timestep(sigma))
        return (denoise_mask >= 0.5).to(denoise_mask.dtype)

    model.set_model_denoise_mask_function(hard)

    bench.sampled(model, latent={**bench.latent, "noise_mask": torch.ones(1, 64, 64)})
    assert asked


HABITS = [
    a_wrapper_of_estimates_takes_them_apart,
    a_wrapper_goes_through_the_one_that_was_there,
    a_wrapper_of_the_model_passes_everything_by_position,
    a_mask_function_asks_the_guider_for_the_noise_levels,
]
