"""One pack in the way that popular packs are written: filters, a sampler built on the host's, switches, previews, routes."""

import os, sys, json, math, random, hashlib, logging, copy
import torch, numpy as np
import torch.nn.functional as F
from PIL import Image, ImageFilter, ImageOps
import folder_paths
import nodes
import comfy.sd, comfy.utils, comfy.samplers, comfy.sample, comfy.model_management as model_management
from comfy.cli_args import args
import comfy_extras.nodes_mask as nodes_mask
from comfy_extras.nodes_mask import MaskComposite
import latent_preview
import node_helpers
import execution
from nodes import MAX_RESOLUTION, PreviewImage, SaveImage, KSampler, CheckpointLoaderSimple, common_ksampler
from server import PromptServer
from aiohttp import web
import inspect

def tensor2pil(image):
    return Image.fromarray(np.clip(255. * image.cpu().numpy().squeeze(), 0, 255).astype(np.uint8))
def pil2tensor(image):
    return torch.from_numpy(np.array(image).astype(np.float32) / 255.0).unsqueeze(0)

class AnyType(str):
    def __ne__(self, o): return False
any_typ = AnyType("*")

class FlexibleOptionalInputType(dict):
    def __init__(self, type, data=None):
        self.type = type; self.data = data or {}
        for k, v in self.data.items(): self[k] = v
    def __getitem__(self, key):
        if key in self.data: return self.data[key]
        return (self.type,)
    def __contains__(self, key): return True

class Blur:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"image": ("IMAGE",), "radius": ("INT", {"default": 2, "min": 0, "max": 50, "step": 1}), "mode": (["gauss", "box"], {"default": "gauss"})}}
    RETURN_TYPES = ("IMAGE",); RETURN_NAMES = ("blurred",)
    FUNCTION = "blur"; CATEGORY = "whole/filters"; DESCRIPTION = "x"
    def blur(self, image, radius, mode):
        pbar = comfy.utils.ProgressBar(len(image)); out = []
        for im in image:
            model_management.throw_exception_if_processing_interrupted()
            p = tensor2pil(im); p = p.filter(ImageFilter.GaussianBlur(radius) if mode == "gauss" else ImageFilter.BoxBlur(radius))
            out.append(pil2tensor(p)); pbar.update(1)
        return (torch.cat(out),)

class MyKSampler(KSampler):
    @classmethod
    def INPUT_TYPES(s):
        t = copy.deepcopy(KSampler.INPUT_TYPES())
        t["required"]["extra"] = ("FLOAT", {"default": 0.0})
        t["optional"] = {"seed_override": ("INT", {"forceInput": True})}
        return t
    CATEGORY = "whole"
    FUNCTION = "go"
    def go(self, extra, seed_override=None, **kw):
        if seed_override is not None: kw["seed"] = seed_override
        return super().sample(**kw)

class All:
    """the whole pipeline by host classes"""
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"ckpt": (folder_paths.get_filename_list("checkpoints"),), "text": ("STRING", {"multiline": True, "default": "a red circle"}),
                             "sampler": (comfy.samplers.KSampler.SAMPLERS,), "scheduler": (comfy.samplers.KSampler.SCHEDULERS,)},
                "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO", "id": "UNIQUE_ID"}}
    RETURN_TYPES = ("IMAGE", "LATENT", "MODEL", "CLIP", "VAE", "CONDITIONING"); FUNCTION = "go"; CATEGORY = "whole"
    def go(self, ckpt, text, sampler, scheduler, prompt=None, extra_pnginfo=None, id=None):
        m, c, v = CheckpointLoaderSimple().load_checkpoint(ckpt)
        lora = folder_paths.get_filename_list("loras")
        if lora: m, c = nodes.LoraLoader().load_lora(m, c, lora[0], 0.5, 0.5)
        (pos,) = nodes.CLIPTextEncode().encode(c, text)
        (neg,) = nodes.CLIPTextEncode().encode(c, "")
        (pos,) = nodes.ConditioningSetTimestepRange().set_range(pos, 0.0, 1.0)
        (pos,) = nodes.ConditioningCombine().combine(pos, pos)
        neg = nodes.ConditioningZeroOut().zero_out(neg)[0]
        (lat,) = nodes.EmptyLatentImage().generate(128, 128, 1)
        (out,) = common_ksampler(m, 5, 4, 3.0, sampler, scheduler, pos, neg, lat, denoise=1.0)
        (out2,) = nodes.KSamplerAdvanced().sample(m, "enable", 5, 4, 3.0, sampler, scheduler, pos, neg, lat, 0, 10000, "disable")
        (img,) = nodes.VAEDecode().decode(v, out)
        (enc,) = nodes.VAEEncode().encode(v, img)
        (up,) = nodes.LatentUpscaleBy().upscale(enc, "bislerp", 1.5)
        img2 = v.decode_tiled(out["samples"], tile_x=64, tile_y=64)
        comp = nodes_mask.composite(torch.zeros(1,3,16,16), torch.ones(1,3,8,8), 4, 4, multiplier=1)
        assert comp.sum() == 3*64, comp.sum()
        cl = c.clone(); cl.clip_layer(-2)
        tok = cl.tokenize(text); cond, pooled = cl.encode_from_tokens(tok, return_pooled=True)
        s = comfy.samplers.KSampler(m, steps=3, device=m.load_device, sampler=sampler, scheduler=scheduler, denoise=0.5, model_options=m.model_options)
        noise = comfy.sample.prepare_noise(enc["samples"], 3)
        r = s.sample(noise, pos, neg, cfg=2.0, latent_image=enc["samples"], seed=3)
        assert r.shape == enc["samples"].shape
        return (img, out, m, c, v, pos)

class Show(PreviewImage):
    def __init__(self):
        super().__init__(); self.prefix_append = "_whole"
    @classmethod
    def INPUT_TYPES(s): return {"required": {"images": ("IMAGE",)}, "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"}}
    FUNCTION = "show"
    def show(self, images, prompt=None, extra_pnginfo=None):
        r = self.save_images(images, "whole", prompt, extra_pnginfo)
        PromptServer.instance.send_sync("whole.shown", {"n": len(images)})
        return {"ui": r["ui"], "result": (images,)}
    RETURN_TYPES = ("IMAGE",)

class Switch:
    @classmethod
    def INPUT_TYPES(s):
        opt = {"input1": (any_typ, {"lazy": True})}
        stack = inspect.stack()
        if len(stack) > 2 and stack[2].function == "get_input_info":
            class AllContainer:
                def __contains__(self, item): return True
                def __getitem__(self, key): return any_typ, {"lazy": True}
            opt = AllContainer()
        return {"required": {"select": ("INT", {"default": 1, "min": 1, "max": 9})}, "optional": opt, "hidden": {"unique_id": "UNIQUE_ID"}}
    RETURN_TYPES = (any_typ, "STRING", "INT"); FUNCTION = "go"; CATEGORY = "whole"
    def check_lazy_status(self, *a, **kw):
        return [f"input{int(kw['select'])}"]
    def go(self, select, unique_id=None, **kw):
        return kw[f"input{select}"], "label", select

class Join:
    @classmethod
    def INPUT_TYPES(s): return {"required": {}, "optional": FlexibleOptionalInputType(any_typ), "hidden": {}}
    RETURN_TYPES = ("STRING",); FUNCTION = "go"; OUTPUT_NODE = True; CATEGORY = "whole"
    @classmethod
    def IS_CHANGED(s, **kw): return float("nan")
    @classmethod
    def VALIDATE_INPUTS(s, **kw): return True
    def go(self, **kw): return {"ui": {"text": [f"{k}={type(v).__name__}" for k, v in sorted(kw.items())]}, "result": (str(sorted(kw)),)}

_orig = comfy.samplers.sample
def patched_sample(*a, **k): return _orig(*a, **k)
comfy.samplers.sample = patched_sample
nodes.EXTENSION_WEB_DIRS["whole_extra"] = os.path.join(os.path.dirname(__file__), "js")
folder_paths.folder_names_and_paths.setdefault("ipadapter", ([os.path.join(folder_paths.models_dir, "ipadapter")], folder_paths.supported_pt_extensions))

@PromptServer.instance.routes.get("/whole/file")
async def f(request): return web.FileResponse(__file__)

NODE_CLASS_MAPPINGS = {"Whole Blur": Blur, "Whole KSampler": MyKSampler, "Whole All": All, "Whole Show": Show, "Whole Switch": Switch, "Whole Join": Join}
NODE_DISPLAY_NAME_MAPPINGS = {k: k + " (whole)" for k in NODE_CLASS_MAPPINGS}
WEB_DIRECTORY = "./js"
__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "WEB_DIRECTORY"]
