"""Nodes that use models as packs do: load, clone, hook, encode, sample, decode."""

import comfy.latent_formats
import comfy.lora
import comfy.model_base
import comfy.model_management
import comfy.model_sampling
import comfy.sample
import comfy.samplers
import comfy.sd
import comfy.utils
import folder_paths
import latent_preview
import nodes
import torch


class Loads:
    RETURN_TYPES = ("MODEL", "CLIP", "VAE")
    FUNCTION = "load"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"ckpt_name": (folder_paths.get_filename_list("checkpoints"),)}}

    def load(self, ckpt_name):
        path = folder_paths.get_full_path_or_raise("checkpoints", ckpt_name)
        return comfy.sd.load_checkpoint_guess_config(path, output_vae=True, output_clip=True)[:3]


class Encodes:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "encode"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"clip": ("CLIP",), "text": ("STRING", {"default": ""}), "scheduled": ("BOOLEAN",)}}

    def encode(self, clip, text, scheduled):
        tokens = clip.clone().tokenize(text)
        if scheduled:
            return (clip.encode_from_tokens_scheduled(tokens),)
        cond, pooled = clip.encode_from_tokens(tokens, return_pooled=True)
        return ([[cond, {"pooled_output": pooled}]],)


class Hooks:
    """Replaces guidance by its own arithmetic; `shift` must change nothing when it is 0."""

    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",), "kind": (["cfg", "post", "pre", "wrapper"],), "shift": ("FLOAT",)}}

    def patch(self, model, kind, shift):
        model = model.clone()
        if kind == "cfg":
            model.set_model_sampler_cfg_function(
                lambda args: args["uncond"] + args["cond_scale"] * (args["cond"] - args["uncond"]) + shift
            )
        if kind == "post":
            model.set_model_sampler_post_cfg_function(lambda args: args["denoised"] + shift)
        if kind == "pre":
            model.set_model_sampler_pre_cfg_function(lambda args: [out + shift for out in args["conds_out"]])
        if kind == "wrapper":
            model.set_model_unet_function_wrapper(
                lambda apply, p: apply(p["input"], p["timestep"], **p["c"]) + shift * len(p["cond_or_uncond"])
            )
        return (model,)


class Wrapped:
    """A sampler around another one, which is no subclass of the host's."""

    def __init__(self, inner):
        self.inner = inner

    def sample(self, *args, **kwargs):
        return self.inner.sample(*args, **kwargs)


class Samples:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "sample"

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "model": ("MODEL",),
                "positive": ("CONDITIONING",),
                "negative": ("CONDITIONING",),
                "latent": ("LATENT",),
                "how": (["common", "sample", "custom", "wrapped", "guider", "class"],),
                "sampler": (comfy.samplers.KSampler.SAMPLERS,),
            }
        }

    def sample(self, model, positive, negative, latent, how, sampler):
        if how == "common":
            return nodes.common_ksampler(model, 7, 3, 2.0, sampler, "normal", positive, negative, latent)
        if how == "class":
            return nodes.KSampler().sample(model, 7, 3, 2.0, sampler, "normal", positive, negative, latent, 1.0)
        samples = comfy.sample.fix_empty_latent_channels(model, latent["samples"])
        noise = comfy.sample.prepare_noise(samples, 7, None)
        callback = latent_preview.prepare_callback(model, 3)
        if how == "sample":
            result = comfy.sample.sample(
                model, noise, 3, 2.0, sampler, "normal", positive, negative, samples, denoise=1.0, callback=callback, seed=7
            )
            return ({**latent, "samples": result},)
        sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "normal", 3)
        method = comfy.samplers.sampler_object(sampler)
        if how == "wrapped":
            method = Wrapped(method)
        if how in ("custom", "wrapped"):
            result = comfy.sample.sample_custom(
                model, noise, 2.0, method, sigmas, positive, negative, samples, callback=callback, seed=7
            )
        else:
            guider = comfy.samplers.CFGGuider(model)
            guider.set_conds(positive, negative)
            guider.set_cfg(2.0)
            result = guider.sample(noise, samples, method, sigmas, callback=callback, seed=7)
        return ({**latent, "samples": result},)


class Decodes:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "decode"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"vae": ("VAE",), "latent": ("LATENT",), "as_class": ("BOOLEAN",)}}

    def decode(self, vae, latent, as_class):
        if as_class:
            return nodes.VAEDecode().decode(vae, latent)
        return (vae.decode(latent["samples"]),)


class Numbers:
    """Shows a tensor's numbers."""

    RETURN_TYPES = ()
    FUNCTION = "show"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": ("LATENT,IMAGE",)}}

    def show(self, value):
        tensor = value["samples"] if isinstance(value, dict) else value
        return {"ui": {"shape": list(tensor.shape), "sum": [float(tensor.double().abs().sum())]}}


class Asks:
    """Asks a model what packs ask."""

    RETURN_TYPES = ()
    FUNCTION = "ask"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",), "vae": ("VAE",)}}

    def ask(self, model, vae):
        clone = model.clone()
        clone.model_options["transformer_options"]["mine"] = 1
        sampling = model.get_model_object("model_sampling")
        facts = {
            "clone shares": clone.is_clone(model) and "mine" not in model.model_options["transformer_options"],
            "device": comfy.model_management.get_torch_device() == model.load_device,
            "sigmas fall": float(sampling.sigma_max) > float(sampling.sigma_min) > 0,
            "percent": sampling.percent_to_sigma(1.0) == 0.0,
            "latent format": model.model.latent_format.latent_channels == vae.latent_channels,
            "size": model.model_size() > 0 and model.model_dtype() == torch.float32,
            "other layers are closed": _fails(lambda: model.model.diffusion_model.double_blocks),
            "closed layers are not there": not hasattr(model.model.diffusion_model, "joint_blocks"),
            "parts cannot be replaced": _fails(lambda: model.clone().add_object_patch("diffusion_model.out", None)),
            "kinds are told": isinstance(sampling, comfy.model_sampling.ModelSamplingDiscrete)
            and isinstance(sampling, comfy.model_sampling.EPS)
            and model.model.model_type == comfy.model_base.ModelType.EPS,
            "spaces are told": isinstance(model.model.latent_format, comfy.latent_formats.SD15),
            "configuration": model.model.model_config.unet_config["context_dim"] == 32,
            "unknown is unknown": not hasattr(model, "no_such_method"),
        }
        return {"ui": {"failed": [name for name, true in facts.items() if not true]}}


def _fails(function):
    try:
        function()
    except NotImplementedError as error:
        return "not supported by this engine" in str(error)
    return False


NODE_CLASS_MAPPINGS = {cls.__name__: cls for cls in (Loads, Encodes, Hooks, Samples, Decodes, Numbers, Asks)}


class Guides:
    """A guider made by a pack for our sampler, or ours used by a pack."""

    RETURN_TYPES = ("GUIDER", "SAMPLER", "LATENT")
    FUNCTION = "guide"

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"model": ("MODEL",), "positive": ("CONDITIONING",), "negative": ("CONDITIONING",)},
            "optional": {"ours": ("GUIDER",), "latent": ("LATENT",), "noise": ("NOISE",), "sigmas": ("SIGMAS",)},
        }

    def guide(self, model, positive, negative, ours=None, latent=None, noise=None, sigmas=None):
        sampler = comfy.samplers.sampler_object("euler")
        if ours is None:
            guider = comfy.samplers.CFGGuider(model)
            guider.set_conds(positive, negative)
            guider.set_cfg(2.0)
            return guider, sampler, None
        samples = comfy.sample.fix_empty_latent_channels(ours.model_patcher, latent["samples"])
        drawn = noise.generate_noise({**latent, "samples": samples})
        callback = latent_preview.prepare_callback(ours.model_patcher, len(sigmas) - 1)
        result = ours.sample(drawn, samples, sampler, sigmas, callback=callback, seed=noise.seed)
        return ours, sampler, {**latent, "samples": result}


NODE_CLASS_MAPPINGS["Guides"] = Guides
