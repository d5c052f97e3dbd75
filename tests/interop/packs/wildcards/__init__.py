"""Types that equal everything, inputs that nobody lists, outputs without end."""


class AnyType(str):
    def __ne__(self, other):
        return False


any_type = AnyType("*")
odd = AnyType("ODD")


class Flexible(dict):
    """Answers for every name; iterating shows only what it really has."""

    def __contains__(self, key):
        return True

    def __getitem__(self, key):
        return super().__getitem__(key) if dict.__contains__(self, key) else (any_type,)


class Endless(tuple):
    def __getitem__(self, index):
        return super().__getitem__(index) if index < len(self) else any_type


class PassAnything:
    RETURN_TYPES = (odd,)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": (odd,)}}

    def run(self, value):
        return (value,)


class TakesAnyName:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}, "optional": Flexible(known=("INT", {"default": 0}))}

    def run(self, **given):
        return {"ui": {"given": [dict(sorted(given.items()))]}, "result": (str(sorted(given)),)}


class ManyOutputs:
    RETURN_TYPES = Endless((any_type,))
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"count": ("INT", {"default": 3})}}

    def run(self, count):
        return tuple(range(count))


NODE_CLASS_MAPPINGS = {"PassAnything": PassAnything, "TakesAnyName": TakesAnyName, "ManyOutputs": ManyOutputs}
