"""Plain V1 nodes that make, join and show values."""


class Number:
    DESCRIPTION = "A number."
    CATEGORY = "specimen"
    RETURN_TYPES = ("INT",)
    FUNCTION = "make"
    made = 0

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": ("INT", {"default": 1, "min": 0, "max": 100})}}

    def make(self, value):
        type(self).made += 1
        return (value,)


class Items:
    RETURN_TYPES = ("INT",)
    RETURN_NAMES = ("items",)
    OUTPUT_IS_LIST = (True,)
    OUTPUT_TOOLTIPS = ("One by one.",)
    FUNCTION = "make"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"count": ("INT", {"default": 3}), "start": ("INT", {"default": 0})}}

    def make(self, count, start):
        return (list(range(start, start + count)),)


class Add:
    RETURN_TYPES = ("INT",)
    FUNCTION = "add"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"a": ("INT",), "b": ("INT",)}, "optional": {"c": ("INT",)}}

    def add(self, a, b, c=0):
        return (a + b + c,)


class Sum:
    RETURN_TYPES = ("INT",)
    FUNCTION = "sum"
    INPUT_IS_LIST = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"values": ("INT",), "times": ("INT", {"default": 1})}, "hidden": {"id": "UNIQUE_ID"}}

    def sum(self, values, times, id):
        assert isinstance(times, list) and isinstance(id, list)
        return (sum(values) * times[0],)


class Show:
    RETURN_TYPES = ()
    FUNCTION = "show"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": ("*",)}}

    def show(self, value):
        return {"ui": {"values": [value]}}


class Hidden:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "tell"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {},
            "hidden": {"me": "UNIQUE_ID", "prompt": "PROMPT", "png": "EXTRA_PNGINFO", "live": "DYNPROMPT"},
        }

    def tell(self, me, prompt, png, live):
        found = [me, sorted(prompt), png, sorted(live.all_node_ids()), live.get_node(me)["class_type"]]
        return {"ui": {"hidden": found}, "result": (me,)}


class Counter:
    """Keeps a count on the instance, which lives as long as the node id is used."""

    RETURN_TYPES = ("INT",)
    FUNCTION = "count"
    NOT_IDEMPOTENT = True

    def __init__(self):
        self.calls = 0

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"any": ("INT",)}}

    @classmethod
    def IS_CHANGED(cls, **inputs):
        return float("nan")

    def count(self, any):
        self.calls += 1
        return (self.calls,)


class Old:
    DEPRECATED = True
    EXPERIMENTAL = True
    API_NODE = True
    RETURN_TYPES = (["a", "b"],)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"choice": (["a", "b"], {"default": "b"}), "new": ("COMBO", {"options": ["x", "y"]})}}

    def run(self, choice, new):
        return (choice,)


class TooFew:
    RETURN_TYPES = ("INT", "INT")
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    def run(self):
        return (1,)


class Nothing:
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    def run(self):
        return None


class Unreadable:
    """Listing it fails, which must not take the others with it."""

    RETURN_TYPES = ("INT",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls):
        raise OSError("the folder of choices is gone")

    def run(self):
        return (1,)


class Careless:
    """No method under its name, a type without its comma, a section that is None."""

    RETURN_TYPES = "INT"
    FUNCTION = "no_such_method"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"a": "INT"}, "optional": None}


NODE_CLASS_MAPPINGS = {
    cls.__name__: cls
    for cls in (Number, Items, Add, Sum, Show, Hidden, Counter, Old, TooFew, Nothing, Unreadable, Careless)
}
NODE_DISPLAY_NAME_MAPPINGS = {"Number": "A Number"}
