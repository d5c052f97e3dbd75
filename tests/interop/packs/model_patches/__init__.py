"""Nodes that change a model from inside, wrap its runs, or bring samplers and guiders of their own."""

import comfy.k_diffusion.sampling as k_sampling
import comfy.model_patcher
import comfy.model_sampling
import comfy.patcher_extension
import comfy.samplers
import comfy.utils
import torch
from comfy.ldm.modules.attention import optimized_attention
from comfy.patcher_extension import CallbacksMP, WrappersMP

SEEN = []


class Inside:
    """Puts a function inside the network; `strength` 0 must change nothing."""

    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    KINDS = [
        "attn1", "attn2", "attn1_output", "attn2_output", "input", "after_skip", "output", "emb",
        "attn1_replace", "attn2_replace", "middle",
    ]  # fmt: skip

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",), "kind": (cls.KINDS,), "strength": ("FLOAT", {"default": 0.0})}}

    def patch(self, model, kind, strength):
        m = model.clone()

        def note(options):
            SEEN.append((kind, options.get("block"), tuple(options["cond_or_uncond"])))

        def block(h, options):
            note(options)
            return h + strength

        def join(h, skip, options):
            note(options)
            return h + strength, skip

        def source(n, context, value, extra):
            note(extra)
            return n, context + strength, value

        def after(out, extra):
            note(extra)
            return out + strength

        def embedding(emb, channels, options):
            note(options)
            return emb + strength

        def replaced(q, k, v, extra):
            note(extra)
            assert extra["n_heads"] * extra["dim_head"] == q.shape[-1]
            return optimized_attention(q, k, v, extra["n_heads"]) + strength

        put = {
            "attn1": (m.set_model_attn1_patch, source),
            "attn2": (m.set_model_attn2_patch, source),
            "attn1_output": (m.set_model_attn1_output_patch, after),
            "attn2_output": (m.set_model_attn2_output_patch, after),
            "input": (m.set_model_input_block_patch, block),
            "after_skip": (m.set_model_input_block_patch_after_skip, block),
            "output": (m.set_model_output_block_patch, join),
            "emb": (m.set_model_emb_patch, embedding),
            "attn1_replace": (m.set_model_attn1_replace, replaced, "middle", 0),
            "attn2_replace": (m.set_model_attn2_replace, replaced, "input", 1, 0),
            "middle": (m.set_model_patch, after, "middle_patch"),
        }
        setter, *arguments = put[kind]
        setter(*arguments)
        return (m,)


class Wraps:
    """Wraps every stage of a run and notes the order."""

    RETURN_TYPES = ("MODEL",)
    FUNCTION = "wrap"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",)}}

    def wrap(self, model):
        m = model.clone()

        def wrapper(stage):
            def around(executor, *args, **kwargs):
                if ("wrap", stage) not in SEEN:
                    SEEN.append(("wrap", stage))
                return executor(*args, **kwargs)

            return around

        for stage in (
            WrappersMP.OUTER_SAMPLE, WrappersMP.PREPARE_SAMPLING, WrappersMP.SAMPLER_SAMPLE, WrappersMP.PREDICT_NOISE,
            WrappersMP.CALC_COND_BATCH, WrappersMP.APPLY_MODEL, WrappersMP.DIFFUSION_MODEL,
        ):  # fmt: skip
            m.add_wrapper_with_key(stage, "mine", wrapper(stage))
        m.add_callback_with_key(CallbacksMP.ON_PRE_RUN, "mine", lambda patcher: SEEN.append(("call", "pre_run")))
        m.add_callback_with_key(CallbacksMP.ON_CLEANUP, "mine", lambda patcher: SEEN.append(("call", "cleanup")))
        m.set_injections(
            "mine",
            [
                comfy.patcher_extension.PatcherInjection(
                    lambda patcher: SEEN.append(("call", "inject")), lambda patcher: SEEN.append(("call", "eject"))
                )
            ],
        )
        return (m,)


class Perturbs:
    """Guidance away from a model whose middle self-attention is the identity, evaluated a second time."""

    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",), "scale": ("FLOAT", {"default": 3.0})}}

    def patch(self, model, scale):
        m = model.clone()

        def perturbed(q, k, v, extra):
            return v

        def after(args):
            options = comfy.model_patcher.create_model_options_clone(args["model_options"])
            options = comfy.model_patcher.set_model_options_patch_replace(options, perturbed, "attn1", "middle", 0)
            (worse,) = comfy.samplers.calc_cond_batch(
                args["model"], [args["cond"]], args["input"], args["sigma"], options
            )
            return args["denoised"] + (args["cond_denoised"] - worse) * scale

        m.set_model_sampler_post_cfg_function(after)
        return (m,)


class Levels:
    """Samples under noise levels of its own."""

    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",), "kind": (["eps", "v", "zsnr", "flow"],)}}

    def patch(self, model, kind):
        m = model.clone()
        kinds = {"eps": "EPS", "v": "V_PREDICTION", "zsnr": "EPS", "flow": "CONST"}
        base = comfy.model_sampling.ModelSamplingDiscrete
        if kind == "flow":
            base = comfy.model_sampling.ModelSamplingDiscreteFlow

        class Mine(base, getattr(comfy.model_sampling, kinds[kind])):
            pass

        levels = Mine(model.model.model_config)
        if kind == "flow":
            levels.set_parameters(shift=3.0)
        if kind == "zsnr":
            levels.set_sigmas(comfy.model_sampling.rescale_zero_terminal_snr_sigmas(levels.sigmas))
        m.add_object_patch("model_sampling", levels)
        return (m,)


class TwiceGuider(comfy.samplers.CFGGuider):
    """Plain guidance, computed by hand from both estimates."""

    def predict_noise(self, x, timestep, model_options={}, seed=None):
        negative, positive = comfy.samplers.calc_cond_batch(
            self.inner_model, [self.conds["negative"], self.conds["positive"]], x, timestep, model_options
        )
        return comfy.samplers.cfg_function(
            self.inner_model, positive, negative, self.cfg, x, timestep, model_options,
            cond=self.conds["positive"], uncond=self.conds["negative"],
        )  # fmt: skip


class ByHand:
    """A guider and a sampler of its own."""

    RETURN_TYPES = ("GUIDER", "SAMPLER", "SAMPLER")
    FUNCTION = "make"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",), "positive": ("CONDITIONING",), "negative": ("CONDITIONING",)}}

    def make(self, model, positive, negative):
        guider = TwiceGuider(model)
        guider.set_conds(positive, negative)
        guider.set_cfg(2.0)
        return guider, comfy.samplers.KSAMPLER(sample_plain_euler), WholeSampler()


@torch.no_grad()
def sample_plain_euler(model, x, sigmas, extra_args=None, callback=None, disable=None, s_noise=1.0):
    extra_args = {} if extra_args is None else extra_args
    s_in = x.new_ones([x.shape[0]])
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i] * s_in, **extra_args)
        d = k_sampling.to_d(x, sigmas[i] * s_in, denoised)
        if callback is not None:
            callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
        x = x + d * (sigmas[i + 1] - sigmas[i])
    return x


class WholeSampler(comfy.samplers.Sampler):
    """A sampler that is no function at all."""

    def sample(self, model_wrap, sigmas, extra_args, callback, noise, latent_image=None, denoise_mask=None, disable_pbar=False):
        extra_args["denoise_mask"] = denoise_mask
        model_k = comfy.samplers.KSamplerX0Inpaint(model_wrap, sigmas)
        model_k.latent_image = latent_image
        model_k.noise = noise
        levels = model_wrap.inner_model.model_sampling
        x = levels.noise_scaling(sigmas[0], noise, latent_image, self.max_denoise(model_wrap, sigmas))
        total = len(sigmas) - 1
        x = sample_plain_euler(
            model_k, x, sigmas, extra_args, lambda told: callback(told["i"], told["denoised"], told["x"], total)
        )
        return levels.inverse_noise_scaling(sigmas[-1], x)


def linear_levels(model_sampling, steps):
    return torch.linspace(float(model_sampling.sigma_max), 0.0, steps + 1)


k_sampling.sample_plain_euler = sample_plain_euler
comfy.samplers.KSampler.SAMPLERS.append("plain_euler")
comfy.samplers.SCHEDULER_HANDLERS["plain_linear"] = comfy.samplers.SchedulerHandler(linear_levels)
comfy.samplers.SCHEDULER_NAMES.append("plain_linear")

NODE_CLASS_MAPPINGS = {cls.__name__: cls for cls in (Inside, Wraps, Perturbs, Levels, ByHand)}
NODE_DISPLAY_NAME_MAPPINGS = {"KSampler": "Sample (renamed by a pack)"}
