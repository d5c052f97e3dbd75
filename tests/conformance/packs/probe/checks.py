"""Nodes that check their inputs, or say that they changed."""

import asyncio
import time

from .kinds import ANY, calls


class Picky:
    """Checks a named input, and through it forgoes the engine's checks."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"number": ("INT", {"min": 0, "max": 5}), "other": ("INT", {"min": 0, "max": 5})},
            "optional": {"choice": (["one"],)},
        }

    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def VALIDATE_INPUTS(cls, number, choice="one"):
        if number == 13:
            return "thirteen is not allowed"
        return number != 99

    def run(self, number, other, choice="one"):
        return {"ui": {"text": [f"{number} {other} {choice}"]}, "result": (number,)}


class PickyTypes:
    """Checks the types of what is connected, asynchronously."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": ("INT",)}, "hidden": {"me": "UNIQUE_ID", "prompt": "PROMPT"}}

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    async def VALIDATE_INPUTS(cls, input_types, me):
        await asyncio.sleep(0)
        return True if input_types.get("value") == "STRING" else f"{me} got {dict(input_types)}"

    def run(self, value, me, prompt):
        return {"ui": {"text": [repr(value)]}}


class PickyAll:
    """Checks everything."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"number": ("INT", {"min": 0, "max": 5}), "choice": (["one"],)},
            "optional": {"linked": (ANY,)},
        }

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def VALIDATE_INPUTS(cls, **given):
        return True if given.get("number") == 100 else f"got {sorted(given)}"

    def run(self, **given):
        return {"ui": {"text": [repr(sorted(given.items()))]}}


class PickyRaises:
    """Fails while it checks."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"number": ("INT",)}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def VALIDATE_INPUTS(cls, number):
        raise RuntimeError("cannot check")

    def run(self, number):
        return (number,)


class Changing:
    """Asks a global whether it changed."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"mode": (["same", "new", "nan", "raises", "true"],)},
            "optional": {"linked": (ANY,)},
            "hidden": {"me": "UNIQUE_ID"},
        }

    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    asked = []

    @classmethod
    def IS_CHANGED(cls, mode, linked="absent", me=None):
        cls.asked.append((mode, linked, me))
        if mode == "new":
            return time.monotonic_ns()
        if mode == "nan":
            return float("nan")
        if mode == "raises":
            raise RuntimeError("no token")
        return mode == "true"

    def run(self, mode, linked=None, me=None):
        calls.append(("Changing", mode))
        return (len(calls),)


class Count:
    """Counts its own calls, in the instance."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"salt": ("INT", {"default": 0})}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "run"

    def __init__(self):
        self.count = 0

    def run(self, salt):
        self.count += 1
        return (self.count,)


class Unique:
    """Is not idempotent."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    NOT_IDEMPOTENT = True

    def run(self):
        calls.append(("Unique",))
        return (len(calls),)


class Calls:
    """Shows how often nodes were called; never cached."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}, "optional": {"after": (ANY,)}}

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def IS_CHANGED(cls, after=None):
        return time.monotonic_ns()

    def run(self, after=None):
        taken = [list(call) for call in calls]
        calls.clear()
        asked = [list(item) for item in Changing.asked]
        Changing.asked.clear()
        return {"ui": {"calls": taken, "asked": asked}}


class Exits:
    """Ends the program when it is asked about its inputs."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"number": ("INT", {"default": 1})}}

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    @classmethod
    def VALIDATE_INPUTS(cls, number):
        if number == 1:
            raise SystemExit(4)
        return True

    @classmethod
    def IS_CHANGED(cls, number):
        raise SystemExit(5)

    def run(self, number):
        return {"ui": {"text": [str(number)]}}
