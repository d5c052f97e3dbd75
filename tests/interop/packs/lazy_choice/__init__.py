"""Inputs that are evaluated only when they are asked for."""


class LazyChoice:
    RETURN_TYPES = ("*",)
    FUNCTION = "choose"

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "first": ("BOOLEAN", {"default": True}),
                "a": ("*", {"lazy": True}),
                "b": ("*", {"lazy": True}),
            }
        }

    def check_lazy_status(self, first, a=None, b=None):
        if first and a is None:
            return ["a"]
        if not first and b is None:
            return ["b"]
        return []

    def choose(self, first, a=None, b=None):
        return (a if first else b,)


class Explode:
    RETURN_TYPES = ("*",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"text": ("STRING", {"default": ""})}}

    def run(self, text):
        raise RuntimeError(f"the branch that was not chosen ran: {text}")


NODE_CLASS_MAPPINGS = {"LazyChoice": LazyChoice, "Explode": Explode}
