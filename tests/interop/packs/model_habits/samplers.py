"""Samplers and guiders that are no subclasses of the host's, in built-in nodes."""

import comfy.samplers
import nodes

from .bench import SCALE, SEED, STEPS, alike


class Wrapper:
    """A sampler that hands its work to another."""

    def sample(self, *args, **kwargs):
        return comfy.samplers.ksampler("euler").sample(*args, **kwargs)


class Noise:
    def __init__(self, bench):
        self.bench, self.seed = bench, SEED

    def generate_noise(self, latent):
        return self.bench.noise()


class GuiderWrapper:
    """A guider that hands its work to another."""

    def __init__(self, guider):
        self.guider, self.model_patcher = guider, guider.model_patcher

    def sample(self, *args, **kwargs):
        return self.guider.sample(*args, **kwargs)


def _sigmas(bench):
    return comfy.samplers.calculate_sigmas(bench.model.get_model_object("model_sampling"), "normal", STEPS)


def a_plain_object_samples_in_the_custom_sampler(bench):
    found = nodes.NODE_CLASS_MAPPINGS["SamplerCustom"]().sample(
        bench.model, True, SEED, SCALE, bench.positive, bench.negative, Wrapper(), _sigmas(bench), bench.latent
    )

    alike(found[0]["samples"], bench.sampled())


def plain_objects_sample_guide_and_make_noise_in_the_advanced_sampler(bench):
    guider = comfy.samplers.CFGGuider(bench.model)
    guider.set_conds(bench.positive, bench.negative)
    guider.set_cfg(SCALE)

    found = nodes.NODE_CLASS_MAPPINGS["SamplerCustomAdvanced"].execute(
        Noise(bench), GuiderWrapper(guider), Wrapper(), _sigmas(bench), bench.latent
    )

    alike(found[0]["samples"], bench.sampled())


HABITS = [a_plain_object_samples_in_the_custom_sampler, plain_objects_sample_guide_and_make_noise_in_the_advanced_sampler]
