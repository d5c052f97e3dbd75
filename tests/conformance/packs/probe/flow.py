"""Nodes that decide what else runs."""

from comfy_execution.graph import ExecutionBlocker
from comfy_execution.graph_utils import GraphBuilder

from .kinds import ANY


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
            "required": {
                "text": ("STRING", {"default": ""}),
                "kind": (["show", "fail", "cycle", "twice", "unknown", "endless"],),
            },
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
            unused = {f"{me}.{n}": {"class_type": "ProbeNoInputs", "inputs": {}} for n in range(20_000)}
            again = graph.node("ProbeGrowShown", text=text, kind=kind)
            return {"result": (again.out(0),), "expand": {**graph.finalize(), **unused}}
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
            "required": {
                "flow": ("FLOW_CONTROL", {"rawLink": True}),
                "left": ("INT", {"forceInput": True}),
                "value": (ANY,),
            },
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


class Block:
    """Blocks what comes after it."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"value": (ANY,), "message": ("STRING", {"default": ""}), "only": ("STRING", {"default": ""})}
        }

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
