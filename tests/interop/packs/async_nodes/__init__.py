"""Functions that wait: several at once, and until they are stopped."""

import asyncio
import threading

together = {"now": 0, "most": 0}
waiting = threading.Event()


class Waits:
    RETURN_TYPES = ("INT",)
    FUNCTION = "wait"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": ("INT",), "seconds": ("FLOAT", {"default": 0.01})}}

    async def wait(self, value, seconds):
        together["now"] += 1
        together["most"] = max(together["most"], together["now"])
        await asyncio.sleep(seconds)
        together["now"] -= 1
        return (value,)


class WaitsForever:
    RETURN_TYPES = ("INT",)
    FUNCTION = "wait"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    async def wait(self):
        waiting.set()
        await asyncio.Event().wait()


class Interrupts:
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"how": (["raise", "ask"],)}}

    def run(self, how):
        import comfy.model_management as mm
        import nodes
        from comfy.utils import ProgressBar

        if how == "raise":
            raise mm.InterruptProcessingException()
        nodes.interrupt_processing()
        ProgressBar(2).update(1)
        return (1,)


NODE_CLASS_MAPPINGS = {"Waits": Waits, "WaitsForever": WaitsForever, "Interrupts": Interrupts}
