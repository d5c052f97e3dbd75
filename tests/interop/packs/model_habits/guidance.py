"""Functions around guidance and around each estimate."""

import comfy.conds
import comfy.patcher_extension
import comfy.samplers
import torch

from .bench import alike


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


def another_text_is_put_into_the_conditioning_of_a_run(bench):
    def with_text(scale):
        model = bench.model.clone()

        def after(given):
            assert given["cond"][0]["model_conds"]["c_crossattn"].cond.shape[1] == 77
            other = []
            for one in given["uncond"]:
                one = one.copy()
                text = one["model_conds"]["c_crossattn"]
                one["model_conds"] = {**one["model_conds"], "c_crossattn": comfy.conds.CONDCrossAttn(text.cond * scale)}
                other.append(one)
            (found,) = comfy.samplers.calc_cond_batch(
                given["model"], [other], given["input"], given["sigma"], given["model_options"]
            )
            return given["denoised"] + given["uncond_denoised"] - found

        model.set_model_sampler_post_cfg_function(after)
        return model

    bench.unchanged(with_text(1.0))
    bench.changed(with_text(0.0))


class Windows(comfy.samplers.CFGGuider):
    """Estimates a batch in windows of two, each with its part of the conditioning."""

    def predict_noise(self, x, timestep, model_options={}, seed=None):
        found, count = torch.zeros_like(x), torch.zeros_like(x)
        for start in range(x.shape[0] - 1):
            window = slice(start, start + 2)
            sides = [[self._cut(one, window, x.shape[0]) for one in self.conds[side]] for side in ("negative", "positive")]
            found[window] += comfy.samplers.sampling_function(
                self.inner_model, x[window], timestep[window], *sides, self.cfg, model_options=model_options, seed=seed
            )
            count[window] += 1
        return found / count

    @staticmethod
    def _cut(one, window, size):
        new = {}
        for key, value in one.items():
            if torch.is_tensor(value):
                new[key] = value[window] if value.shape[0] == size else value
            elif key == "model_conds":
                new[key] = {
                    name: inner._copy_with(inner.cond[window]) if inner.cond.shape[0] == size else inner
                    for name, inner in value.items()
                }
            else:
                new[key] = value
        return new


def a_batch_is_sampled_in_windows(bench):
    texts = torch.cat([bench.positive[0][0], bench.negative[0][0], bench.positive[0][0] * 0.5])
    mask = torch.ones(3, 64, 64)
    mask[1, :, :32] = 0.25
    positive = [[texts, {**bench.positive[0][1], "mask": mask}], *bench.positive]
    noise = torch.cat([bench.noise()] * 3)
    sigmas = comfy.samplers.calculate_sigmas(bench.model.get_model_object("model_sampling"), "normal", 3)

    def sampled(guider):
        guider.set_conds(positive, bench.negative)
        guider.set_cfg(3.0)
        return guider.sample(noise, torch.zeros_like(noise), comfy.samplers.sampler_object("euler"), sigmas, seed=1)

    expected = sampled(comfy.samplers.CFGGuider(bench.model))

    alike(sampled(Windows(bench.model)), expected)
    assert (expected[0] - expected[1]).abs().max() > 1e-3


def estimates_are_batched_by_hand(bench):
    model = bench.model.clone()
    mask = torch.ones(1, 64, 64)
    mask[..., :32] = 0.3
    positive = [[bench.positive[0][0], {**bench.positive[0][1], "mask": mask}], *bench.negative]

    def by_hand(given):
        x, sigma = given["input"], given["sigma"]
        parts = [
            (comfy.samplers.get_area_and_mult(one, x, sigma), side)
            for side, conds in enumerate(given["conds"])
            for one in conds
        ]
        assert all(comfy.samplers.can_concat_cond(parts[0][0], part) for part, _ in parts)
        c = comfy.samplers.cond_cat([part.conditioning for part, _ in parts])
        options = {**given["model_options"]["transformer_options"], "cond_or_uncond": [side for _, side in parts]}
        size = len(parts)
        outs = given["model"].apply_model(
            torch.cat([part.input_x for part, _ in parts]), torch.cat([sigma] * size), **c, transformer_options=options
        ).chunk(size)
        found = [torch.zeros_like(x) for _ in given["conds"]]
        counts = [torch.full_like(x, 1e-37) for _ in given["conds"]]
        for out, (part, side) in zip(outs, parts):
            found[side] += out * part.mult
            counts[side] += part.mult
        return [total / count for total, count in zip(found, counts)]

    model.set_model_sampler_calc_cond_batch_function(by_hand)

    alike(bench.sampled(model, positive=positive), bench.sampled(positive=positive))


HABITS = [
    estimates_are_batched_by_hand,
    another_text_is_put_into_the_conditioning_of_a_run,
    a_batch_is_sampled_in_windows,
    a_wrapper_of_estimates_takes_them_apart,
    a_wrapper_goes_through_the_one_that_was_there,
    a_wrapper_of_the_model_passes_everything_by_position,
    a_mask_function_asks_the_guider_for_the_noise_levels,
]
