"""Values that stop what depends on them."""

from comfy_execution.graph import ExecutionBlocker
from comfy_execution.graph_utils import ExecutionBlocker as Same

assert ExecutionBlocker is Same


class Gate:
    RETURN_TYPES = ("INT", "INT")
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": ("INT",), "limit": ("INT", {"default": 1})}}

    def run(self, value, limit):
        return (value if value <= limit else ExecutionBlocker(None), value)


class Blocks:
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"alone": ("BOOLEAN", {"default": True})}}

    def run(self, alone):
        blocker = ExecutionBlocker("nothing to show")
        return blocker if alone else {"ui": {"text": ["blocked"]}, "result": blocker}


NODE_CLASS_MAPPINGS = {"Gate": Gate, "Blocks": Blocks}
