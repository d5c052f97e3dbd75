"""Specimens of the class convention, one for each thing that the protocol says about nodes."""

import asyncio
import math
import time

from comfy_execution.graph import ExecutionBlocker
from comfy_execution.graph_utils import GraphBuilder

calls = []


class Anything(str):
    """A wildcard type: never unequal to anything."""

    def __ne__(self, other):
        return False


ANY = Anything("*")


class Every(dict):
    """An input section that holds every name."""

    def __contains__(self, key):
        return True

    def __getitem__(self, key):
        return ("*",)


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


class Choose:
    """Evaluates only the branch that it is told to."""

    @classmethod
    def INPUT_TYPES(cls):
        lazy = {"lazy": True}
        return {
            "required": {"first": ("BOOLEAN", {"default": True})},
            "optional": {"a": (ANY, lazy), "b": (ANY, lazy)},
        }

    RETURN_TYPES = (ANY,)
    FUNCTION = "run"

    def check_lazy_status(self, first, a=None, b=None):
        return ["a"] if first and a is None else ["b"] if not first and b is None else []

    def run(self, first, a=None, b=None):
        return (a if first else b,)


class AsksWrongly:
    """Says that it needs what is not connected."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}, "optional": {"a": (ANY, {"lazy": True})}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    OUTPUT_NODE = True

    def check_lazy_status(self, a=None):
        return ["a"]

    def run(self, a=None):
        return (1,)


class Grow:
    """Expands into a chain of Text and Join nodes."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"text": ("STRING", {"default": ""}), "times": ("INT", {"default": 2, "min": 0})}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"

    def run(self, text, times):
        graph = GraphBuilder()
        link = graph.node("ProbeText", text=text).out(0)
        for index in range(times):
            shown = graph.node("ProbeJoin", a=link, b=str(index))
            link = shown.out(0)
        return {"result": (link,), "expand": graph.finalize()}


class GrowShown:
    """Expands into an output node with a display id, and a node that fails if asked to."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"text": ("STRING", {"default": ""}), "kind": (["show", "fail", "cycle", "twice", "unknown", "endless"],)},
            "hidden": {"prompt": "DYNPROMPT", "me": "UNIQUE_ID"},
        }

    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self, text, kind, prompt, me):
        graph = GraphBuilder()
        if kind == "show":
            shown = graph.node("ProbeShow", "inner", value=text)
            shown.set_override_display_id(me)
            return {"result": (text,), "expand": graph.finalize()}
        if kind == "fail":
            return {"result": (graph.node("ProbeFail", message="inside").out(0),), "expand": graph.finalize()}
        if kind == "cycle":
            a, b = graph.node("ProbeJoin", "a", b="x"), graph.node("ProbeJoin", "b", b="y")
            a.set_input("a", b.out(0))
            b.set_input("a", a.out(0))
            return {"result": (a.out(0),), "expand": graph.finalize()}
        if kind == "twice":
            return {"result": (text,), "expand": {me: {"class_type": "ProbeText", "inputs": {"text": "x"}}}}
        if kind == "endless":
            return {"result": (graph.node("ProbeGrowShown", text=text, kind=kind).out(0),), "expand": graph.finalize()}
        return {"result": (["x", 0],), "expand": {"x": {"class_type": "NoSuchNode", "inputs": {}}}}


class LoopOpen:
    """Opens a loop."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"left": ("INT", {"default": 3}), "value": (ANY,)}}

    RETURN_TYPES = ("FLOW_CONTROL", "INT", ANY)
    FUNCTION = "run"

    def run(self, left, value):
        return ("stub", left, value)


class LoopClose:
    """Runs the nodes between itself and the opening node again and again, by expanding into copies of them."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"flow": ("FLOW_CONTROL", {"rawLink": True}), "left": ("INT", {"forceInput": True}), "value": (ANY,)},
            "hidden": {"prompt": "DYNPROMPT", "me": "UNIQUE_ID"},
        }

    RETURN_TYPES = (ANY,)
    FUNCTION = "run"

    def run(self, flow, left, value, prompt, me):
        if left <= 1:
            return (value,)
        opening = flow[0]
        inside = self.between(prompt, me, opening)
        graph = GraphBuilder()
        for node_id in inside:
            original = prompt.get_node(node_id)
            node = graph.node(original["class_type"], "again" if node_id == me else node_id)
            node.set_override_display_id(prompt.get_display_node_id(node_id))
        for node_id in inside:
            node = graph.lookup_node("again" if node_id == me else node_id)
            for name, given in prompt.get_node(node_id)["inputs"].items():
                if isinstance(given, list) and given[0] in inside:
                    given = graph.lookup_node("again" if given[0] == me else given[0]).out(given[1])
                node.set_input(name, given)
        graph.lookup_node(opening).set_input("left", left - 1)
        graph.lookup_node(opening).set_input("value", value)
        again = graph.lookup_node("again")
        return {"result": (again.out(0),), "expand": graph.finalize()}

    def between(self, prompt, end, start):
        found = set()

        def visit(node_id):
            if node_id == start:
                return True
            links = [v for v in prompt.get_node(node_id)["inputs"].values() if isinstance(v, list)]
            inside = any([visit(link[0]) for link in links])
            if inside:
                found.add(node_id)
            return inside

        visit(end)
        return found | {start, end}


class Fail:
    """Raises."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"message": ("STRING", {"default": "no"})}, "optional": {"value": (ANY,)}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"

    def run(self, message, value=None):
        raise ValueError(message)


class OwnError(Exception):
    """An exception of the pack."""


class FailOwn:
    """Raises an exception of its own."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self):
        raise OwnError("mine")


class Sleep:
    """Blocks for a while, with progress, asking whether it is interrupted."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"seconds": ("FLOAT", {"default": 1.0, "step": 0.01})}, "optional": {"value": (ANY,)}}

    RETURN_TYPES = (ANY,)
    FUNCTION = "run"

    def run(self, seconds, value=None):
        from comfy.utils import ProgressBar

        bar = ProgressBar(10)
        for _ in range(10):
            time.sleep(seconds / 10)
            bar.update(1)
        return (value,)


class Preview:
    """Sends previews."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"kind": (["JPEG", "PNG"],), "width": ("INT", {"default": 64}), "height": ("INT", {"default": 32})}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "run"

    def run(self, kind, width, height):
        from comfy.utils import ProgressBar
        from PIL import Image

        bar = ProgressBar(2)
        for step in range(2):
            bar.update_absolute(step + 1, 2, (kind, Image.new("RGB", (width, height), "red"), 512))
            time.sleep(0.15)
        return (1,)


class Wait:
    """Waits without holding anything."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"seconds": ("FLOAT", {"default": 1.0, "step": 0.01})}, "optional": {"value": (ANY,), "fail": ("BOOLEAN", {"default": False})}}

    RETURN_TYPES = (ANY,)
    FUNCTION = "run"

    async def run(self, seconds, value=None, fail=False):
        await asyncio.sleep(seconds)
        if fail:
            raise RuntimeError("waited in vain")
        return (value,)


class WaitForever:
    """Is never done."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    OUTPUT_NODE = True

    async def run(self):
        await asyncio.Event().wait()


class Block:
    """Blocks what comes after it."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": (ANY,), "message": ("STRING", {"default": ""}), "only": ("STRING", {"default": ""})}}

    RETURN_TYPES = (ANY,)
    FUNCTION = "run"

    def run(self, value, message, only):
        if only and value != only:
            return (value,)
        return (ExecutionBlocker(message or None),)


class BlockAlone:
    """Returns a blocker and nothing else."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    RETURN_TYPES = ("INT", "INT")
    FUNCTION = "run"

    def run(self):
        return ExecutionBlocker(None)


class Changing:
    """Asks a global whether it changed."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"mode": (["same", "new", "nan", "raises", "true"],)}, "optional": {"linked": (ANY,)}, "hidden": {"me": "UNIQUE_ID"}}

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
        return {"required": {"number": ("INT", {"min": 0, "max": 5}), "choice": (["one"],)}, "optional": {"linked": (ANY,)}}

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
                "me": [me], "prompt": [prompt], "extra": [extra], "secrets": [token == "T", key == "K"],
                "dyn": [node["class_type"], dyn.get_real_node_id(me), dyn.get_display_node_id(me), dyn.get_parent_node_id(me), dyn.has_node("nope"), sorted(dyn.all_node_ids())],
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


class Returns:
    """Returns things of every form."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"form": (["none", "tuple", "list", "string", "ui", "both", "short", "long", "dict", "number"],)}}

    RETURN_TYPES = ("STRING", "STRING")
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self, form):
        return {
            "none": None, "tuple": ("a", "b"), "list": ["a", "b"], "string": "ab", "ui": {"ui": {"text": ["u"]}},
            "both": {"ui": {"text": ["u"]}, "result": ("a", "b")}, "short": ("a",), "long": ("a", "b", "c"),
            "dict": {"x": 1}, "number": 5,
        }[form]


class Old:
    """Is deprecated and experimental."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"seed": ("INT", {"default": 0, "min": 0, "max": 0xFFFFFFFFFFFFFFFF, "control_after_generate": True})}}

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


NODE_CLASS_MAPPINGS = {
    f"Probe{kind.__name__}": kind
    for kind in (
        Text, Numbers, Show, ShowList, Split, Join, NoInputs, Choose, AsksWrongly, Grow, GrowShown, LoopOpen, LoopClose,
        Fail, FailOwn, Sleep, Preview, Wait, WaitForever, Block, BlockAlone, Changing, Count, Unique, Picky, PickyTypes,
        PickyAll, PickyRaises, Hidden, Dynamic, Plain, Raw, Returns, Old, TakesB, TakesInt, Calls, Broken,
        OutputNotQuite, Nan,
    )
}
NODE_DISPLAY_NAME_MAPPINGS = {"ProbeText": "A text (probe)"}
WEB_DIRECTORY = "./web"

from server import PromptServer
from aiohttp import web


@PromptServer.instance.routes.get("/probe/hello/{name}")
async def hello(request):
    """A route of the pack."""
    return web.json_response({"hello": request.match_info["name"], "query": dict(request.query)})


@PromptServer.instance.routes.post("/probe/send")
async def send(request):
    """Sends an event to whom the body names."""
    body = await request.json()
    PromptServer.instance.send_sync(body["type"], body["data"], body.get("sid"))
    return web.json_response({})


def mark(body):
    """Marks submissions that ask for it, and fails for others that ask for that."""
    if body.get("extra_data", {}).get("mark"):
        body["prompt"]["1"]["inputs"]["text"] = "marked"
    if body.get("extra_data", {}).get("break"):
        raise RuntimeError("handler broke")
    return body


PromptServer.instance.add_on_prompt_handler(mark)
