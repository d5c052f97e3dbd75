"""Nodes that give, show and join values."""

import math

from .kinds import ANY, Every, calls


class Text:
    """A text source with a counter of its calls."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"text": ("STRING", {"default": "a", "multiline": True, "odd_key": 7})}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"
    CATEGORY = "probe/text"
    DESCRIPTION = "Gives its text."
    OUTPUT_TOOLTIPS = ("the text",)

    def run(self, text):
        calls.append(("Text", text))
        return (text,)


class Numbers:
    """Every kind of literal."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "whole": ("INT", {"default": 1, "min": -10, "max": 10}),
                "real": ("FLOAT", {"default": 0.5, "min": 0.0, "max": 1.0}),
                "words": ("STRING",),
                "flag": ("BOOLEAN",),
                "choice": (["one", "two"],),
                "modern": ("COMBO", {"options": ["x", "y"]}),
            },
            "optional": {"more": ("INT", {"default": 3}), "long": ([str(n) for n in range(30)],)},
        }

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self, **given):
        return {"ui": {"given": [given]}}


class Show:
    """Shows what it gets, as text."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": (ANY,)}}

    RETURN_TYPES = (ANY,)
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self, value):
        return {"ui": {"text": [repr(value)]}, "result": (value,)}


class ShowList:
    """Shows the list that it gets."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"value": (ANY,)},
            "optional": {"plain": ("INT", {"default": 7})},
            "hidden": {"unique_id": "UNIQUE_ID"},
        }

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True
    INPUT_IS_LIST = True

    def run(self, value, unique_id, plain=None):
        return {"ui": {"text": [repr(value)], "id": unique_id, "plain": plain or ["absent"]}}


class Split:
    """Gives the letters of a text as a list, and the text."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"text": ("STRING", {"default": ""})}}

    RETURN_TYPES = ("STRING", "STRING")
    RETURN_NAMES = ("letters", "whole")
    OUTPUT_IS_LIST = (True, False)
    FUNCTION = "run"

    def run(self, text):
        return (list(text), text)


class Join:
    """Joins two texts; called once an item."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"a": ("STRING", {"default": ""}), "b": ("STRING", {"default": ""})}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"

    def run(self, a, b):
        return (f"{a}{b}",)


class NoInputs:
    """A node without inputs."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "run"

    def run(self):
        return (42,)


class Returns:
    """Returns things of every form."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "form": (["none", "tuple", "list", "string", "ui", "both", "short", "long", "dict", "number", "shown"],)
            }
        }

    RETURN_TYPES = ("STRING", "STRING")
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self, form):
        return {
            "none": None,
            "tuple": ("a", "b"),
            "list": ["a", "b"],
            "string": "ab",
            "ui": {"ui": {"text": ["u"]}},
            "both": {"ui": {"text": ["u"]}, "result": ("a", "b")},
            "short": ("a",),
            "long": ("a", "b", "c"),
            "dict": {"x": 1},
            "number": 5,
            "shown": {"ui": [1], "result": ("a", "b")},
        }[form]


class Old:
    """Is deprecated and experimental."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "seed": ("INT", {"default": 0, "min": 0, "max": 0xFFFFFFFFFFFFFFFF, "control_after_generate": True})
            }
        }

    RETURN_TYPES = (["one", "two"], "A,B")
    RETURN_NAMES = ("pick", "either")
    FUNCTION = "run"
    DEPRECATED = True
    EXPERIMENTAL = True
    API_NODE = True

    def run(self, seed):
        return ("one", seed)


class TakesB:
    """Takes a union that overlaps."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": ("B, C",)}}

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self, value):
        return {"ui": {"text": [str(value)]}}


class TakesInt:
    """Takes a whole number."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": ("INT",)}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self, value):
        return {"ui": {"text": [str(value)]}, "result": (value,)}


class Nan:
    """Gives NaN, and shows it."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    RETURN_TYPES = ("FLOAT",)
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self):
        return {"ui": {"value": [math.nan]}, "result": (math.nan,)}


class Broken:
    """Cannot describe its inputs."""

    @classmethod
    def INPUT_TYPES(cls):
        raise RuntimeError("no inputs today")

    RETURN_TYPES = ()
    FUNCTION = "run"


class OutputNotQuite:
    """Its OUTPUT_NODE is truthy, but not True."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    OUTPUT_NODE = 1

    def run(self):
        return (1,)


class Hidden:
    """Shows the hidden values."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"plain": ("INT", {"default": 1})},
            "hidden": {
                "me": "UNIQUE_ID",
                "prompt": "PROMPT",
                "extra": "EXTRA_PNGINFO",
                "dyn": "DYNPROMPT",
                "token": "AUTH_TOKEN_COMFY_ORG",
                "key": "API_KEY_COMFY_ORG",
                "own": "MY_OWN_KIND",
            },
        }

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self, plain, me, prompt, extra, dyn, token, key, own="absent"):
        node = dyn.get_node(me)
        return {
            "ui": {
                "me": [me],
                "prompt": [prompt],
                "extra": [extra],
                "secrets": [token == "T", key == "K"],
                "dyn": [
                    node["class_type"],
                    dyn.get_real_node_id(me),
                    dyn.get_display_node_id(me),
                    dyn.get_parent_node_id(me),
                    dyn.has_node("nope"),
                    sorted(dyn.all_node_ids()),
                ],
                "own": [own],
            }
        }


class Dynamic:
    """Takes whatever is connected."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}, "optional": Every()}

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self, **given):
        return {"ui": {"text": [repr(sorted(given.items()))]}}


class Plain:
    """Takes undeclared links, because it has **kwargs."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"a": ("INT", {"default": 0})}}

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self, a, **more):
        return {"ui": {"text": [repr((a, sorted(more.items())))]}}


class Raw:
    """Gets a link as it is."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"link": (ANY, {"rawLink": True})}}

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self, link):
        return {"ui": {"text": [repr(link)]}}
