"""Change tokens, checks before the run, and a pack that looks who asks for its inputs."""

import inspect

state = {"token": 1, "runs": 0, "raise": False}


class Watches:
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"name": ("STRING", {"default": ""})}}

    @classmethod
    def IS_CHANGED(cls, name):
        if state["raise"]:
            raise OSError("gone")
        return state["token"]

    def run(self, name):
        state["runs"] += 1
        return (state["runs"],)


class Checks:
    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"even": ("INT", {"min": 0, "max": 10}), "linked": ("INT",)}}

    @classmethod
    def VALIDATE_INPUTS(cls, even, input_types):
        if input_types.get("linked") not in (None, "INT", "STRING"):
            return f"cannot take {input_types['linked']}"
        return True if even % 2 == 0 else f"{even} is odd"

    def run(self, even, linked):
        return {"ui": {"values": [even, linked]}}


class Permissive(dict):
    def __contains__(self, key):
        return True

    def __getitem__(self, key):
        return ("*", {})


class LooksAtTheStack:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        if any(frame.function == "get_input_info" for frame in inspect.stack()):
            return {"required": {}, "optional": Permissive()}
        return {"required": {}, "optional": {"input1": ("*",)}}

    def run(self, **given):
        return {"ui": {"given": sorted(given)}}


NODE_CLASS_MAPPINGS = {"Watches": Watches, "Checks": Checks, "LooksAtTheStack": LooksAtTheStack}
