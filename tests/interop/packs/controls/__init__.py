"""A control network of the pack's own, which adds a constant wherever a U-Net lets it."""

import torch
from comfy.controlnet import ControlBase

SEEN = []


class Constant(ControlBase):
    def __init__(self, value, places):
        super().__init__()
        self.value, self.places = value, places

    def get_control(self, x_noisy, t, cond, batched_number, transformer_options):
        before = None
        if self.previous_controlnet is not None:
            before = self.previous_controlnet.get_control(x_noisy, t, cond, batched_number, transformer_options)
        first, last = self.timestep_range
        if t[0] > first or t[0] < last:
            return before
        SEEN.append((transformer_options["cond_or_uncond"], x_noisy.shape[0], sorted(cond), float(t[0])))
        added = torch.full((), self.value)
        control = {"output": [added] * self.places["output"], "middle": [added] * self.places["middle"]}
        control["input"] = [added, None, None] * self.places["input"]
        return self.control_merge(control, before, x_noisy.dtype)

    def copy(self):
        other = Constant(self.value, self.places)
        self.copy_to(other)
        return other

    def cleanup(self):
        super().cleanup()
        SEEN.append("cleaned")


class MakesControl:
    RETURN_TYPES = ("CONTROL_NET",)
    FUNCTION = "make"

    @classmethod
    def INPUT_TYPES(cls):
        counts = {name: ("INT", {"default": 0}) for name in ("output", "middle", "input")}
        return {"required": {"value": ("FLOAT", {"default": 0.0}), **counts}}

    def make(self, value, **places):
        return (Constant(value, places),)


NODE_CLASS_MAPPINGS = {"MakesControl": MakesControl}
