"""What popular packs do with models, one function a habit; each raises where the host would behave otherwise."""

from . import control, guidance, inside, network, samplers
from .bench import Bench

HABITS = {habit.__name__: habit for part in (control, guidance, inside, network, samplers) for habit in part.HABITS}


class Habit:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "show"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        values = {"model": "MODEL", "clip": "CLIP", "vae": "VAE", "positive": "CONDITIONING", "negative": "CONDITIONING"}
        return {"required": {"name": (list(HABITS),), **{name: (kind,) for name, kind in values.items()}}}

    def show(self, name, **values):
        HABITS[name](Bench(**values))
        return {"ui": {"text": [name]}, "result": (name,)}


NODE_CLASS_MAPPINGS = {"Habit": Habit}
