"""Built-in nodes subclassed, called and looked up."""

import folder_paths
import nodes
from nodes import NODE_CLASS_MAPPINGS as ALL
from nodes import PreviewImage, SaveImage


class SaveElsewhere(SaveImage):
    def __init__(self):
        super().__init__()
        self.prefix_append = "_mine"
        self.compress_level = 1

    @classmethod
    def INPUT_TYPES(cls):
        inputs = SaveImage.INPUT_TYPES()
        inputs["required"]["extra"] = ("STRING", {"default": ""})
        return inputs

    FUNCTION = "save"
    CATEGORY = "specimen"

    def save(self, images, extra, filename_prefix="x", prompt=None, extra_pnginfo=None):
        return self.save_images(images, f"{filename_prefix}{extra}", prompt, extra_pnginfo)


class PreviewBridge(PreviewImage):
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "bridge"

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"images": ("IMAGE",)},
            "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
        }

    def bridge(self, images, prompt=None, extra_pnginfo=None):
        return {**self.save_images(images, "bridge", prompt, extra_pnginfo), "result": (images,)}


class Calls:
    """Calls built-in nodes as plain classes, by position and by keyword."""

    RETURN_TYPES = ("LATENT", "STRING")
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"size": ("INT", {"default": 64})}}

    def run(self, size):
        (latent,) = nodes.EmptyLatentImage().generate(size, size, 2)
        cls = ALL["EmptyLatentImage"]
        again = getattr(cls(), cls.FUNCTION)(width=size, height=size, batch_size=1)[0]
        told = [list(latent["samples"].shape), list(again["samples"].shape), cls.RETURN_TYPES[0]]
        told += [list(cls.INPUT_TYPES()["required"]), nodes.MAX_RESOLUTION, folder_paths.get_output_directory()]
        return {"ui": {"told": told}, "result": (latent, "")}


class MakesPicture:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"level": ("FLOAT", {"default": 0.5})}}

    def run(self, level):
        import torch

        return (torch.full((2, 8, 8, 3), level),)


NODE_CLASS_MAPPINGS = {
    "SaveElsewhere": SaveElsewhere,
    "PreviewBridge": PreviewBridge,
    "Calls": Calls,
    "MakesPicture": MakesPicture,
    "EmptyLatentImage": Calls,
}
