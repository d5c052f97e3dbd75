"""Nodes that take time, report, or fail."""

import asyncio
import time

from .kinds import ANY


class Fail:
    """Raises."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"message": ("STRING", {"default": "no"})}, "optional": {"value": (ANY,)}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"

    def run(self, message, value=None):
        raise ValueError(message)


class OwnError(Exception):
    """An exception of the pack."""


class FailOwn:
    """Raises an exception of its own."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self):
        raise OwnError("mine")


class Mute(Exception):
    """An exception that cannot say anything, nor can its objects."""

    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


class FailMute:
    """Raises what has no text, or shows it."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"how": (["raise", "show", "exit"],)}}

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self, how):
        if how == "raise":
            raise Mute
        if how == "exit":
            raise SystemExit(3)
        return {"ui": {"text": [Mute(), "said"]}}


class Sleep:
    """Blocks for a while, with progress, asking whether it is interrupted."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"seconds": ("FLOAT", {"default": 1.0, "step": 0.01})}, "optional": {"value": (ANY,)}}

    RETURN_TYPES = (ANY,)
    FUNCTION = "run"

    def run(self, seconds, value=None):
        from comfy.utils import ProgressBar

        bar = ProgressBar(10)
        for _ in range(10):
            time.sleep(seconds / 10)
            bar.update(1)
        return (value,)


class Preview:
    """Sends previews."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "kind": (["JPEG", "PNG"],),
                "width": ("INT", {"default": 64}),
                "height": ("INT", {"default": 32}),
            }
        }

    RETURN_TYPES = ("INT",)
    FUNCTION = "run"

    def run(self, kind, width, height):
        from comfy.utils import ProgressBar
        from PIL import Image

        bar = ProgressBar(2)
        for step in range(2):
            bar.update_absolute(step + 1, 2, (kind, Image.new("RGB", (width, height), "red"), 512))
            time.sleep(0.15)
        return (1,)


class Deliver:
    """Delivers pictures through its progress bar, as the pack that saves to websockets does."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"count": ("INT", {"default": 1})}}

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self, count):
        from comfy.utils import ProgressBar
        from PIL import Image

        bar = ProgressBar(count)
        for step in range(count):
            bar.update_absolute(step, count, ("PNG", Image.new("L", (600, 3), step), None))
        return {}

    @classmethod
    def IS_CHANGED(cls, count):
        return time.time()


class Send:
    """Sends a picture as a binary event, given as a list as some packs do."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self):
        from PIL import Image

        from server import BinaryEventTypes, PromptServer

        server = PromptServer.instance
        picture = ["PNG", Image.new("L", (600, 3), 7), None]
        server.send_sync(BinaryEventTypes.UNENCODED_PREVIEW_IMAGE, picture, server.client_id)
        return {"ui": {"images": [{"source": "websocket", "content-type": "image/png", "type": "output"}]}}


class Wait:
    """Waits without holding anything."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"seconds": ("FLOAT", {"default": 1.0, "step": 0.01})},
            "optional": {"value": (ANY,), "fail": ("BOOLEAN", {"default": False})},
        }

    RETURN_TYPES = (ANY,)
    FUNCTION = "run"

    async def run(self, seconds, value=None, fail=False):
        await asyncio.sleep(seconds)
        if fail:
            raise RuntimeError("waited in vain")
        return (value,)


class WaitForever:
    """Is never done."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    OUTPUT_NODE = True

    async def run(self):
        await asyncio.Event().wait()
