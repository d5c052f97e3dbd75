"""Control flow as packs build it from the engine's parts: loops out of expansions, lists, lazy mixing, own types."""

import time

from comfy_execution.graph_utils import GraphBuilder, is_link


class Type(str):
    """A type that equals every union that holds it."""

    def __ne__(self, other):
        return "*" not in (self, other) and not set(self.split(",")) <= set(str(other).split(","))


ANY = Type("*")
COUNT = 3
"""Values that a loop carries."""


def carried(options=None):
    """The optional inputs of a loop's ends."""
    return {f"value{n}": (ANY, options) if options else (ANY,) for n in range(COUNT)}


class Mix:
    """Mixes two numbers, and asks for those that count only."""

    @classmethod
    def INPUT_TYPES(cls):
        lazy = {"lazy": True}
        return {"required": {"a": ("FLOAT", lazy), "b": ("FLOAT", lazy), "share": ("FLOAT", {"default": 0.5})}}

    RETURN_TYPES = ("FLOAT",)
    FUNCTION = "run"

    def check_lazy_status(self, share, a, b):
        return [name for name, value, counts in (("a", a, share < 1), ("b", b, share > 0)) if value is None and counts]

    def run(self, share, a=None, b=None):
        return ((0 if a is None else a * (1 - share)) + (0 if b is None else b * share),)


class List:
    """Gives its inputs as one list."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value1": (ANY,)}, "optional": {f"value{n}": (ANY,) for n in range(2, 6)}}

    RETURN_TYPES = (ANY,)
    OUTPUT_IS_LIST = (True,)
    FUNCTION = "run"

    def run(self, **values):
        return ([values[name] for name in sorted(values)],)


class Mixed:
    """Returns a plain tuple, a result, or an expansion: each call in its own way."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"number": ("FLOAT",)}}

    RETURN_TYPES = ("FLOAT", "STRING")
    FUNCTION = "run"

    def run(self, number):
        if number < 1:
            return (number, "tuple")
        if number < 2:
            return {"result": (number, "result")}
        graph = GraphBuilder()
        mix = graph.node("FlowsMix", a=number, b=0.0, share=0.5)
        return {"result": (mix.out(0), "expansion"), "expand": graph.finalize()}


class Subtract:
    """Counts down."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"number": ("INT", {"forceInput": True})}}

    RETURN_TYPES = ("INT", "BOOLEAN")
    FUNCTION = "run"

    def run(self, number):
        return (number - 1, number > 1)


class WhileOpen:
    """Opens a loop that goes on while a condition holds."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"condition": ("BOOLEAN", {"default": True})}, "optional": carried()}

    RETURN_TYPES = ("FLOW_CONTROL", *[ANY] * COUNT)
    FUNCTION = "run"

    def run(self, condition, **values):
        return ("open", *(values.get(f"value{n}") for n in range(COUNT)))


class WhileClose:
    """Ends it, or expands into its body and another end."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "flow": ("FLOW_CONTROL", {"rawLink": True}),
                "condition": ("BOOLEAN", {"forceInput": True}),
            },
            "optional": carried(),
            "hidden": {"dynprompt": "DYNPROMPT", "me": "UNIQUE_ID"},
        }

    RETURN_TYPES = (ANY,) * COUNT
    FUNCTION = "run"

    def run(self, flow, condition, dynprompt, me, **values):
        if not condition:
            return tuple(values.get(f"value{n}") for n in range(COUNT))
        opening, users = flow[0], {}
        pending = [me]
        while pending:
            node_id = pending.pop()
            for value in dynprompt.get_node(node_id)["inputs"].values():
                if is_link(value):
                    pending += [] if value[0] in users else [value[0]]
                    users.setdefault(value[0], set()).add(node_id)
        inside, pending = {opening, me}, [opening]
        while pending:
            new = users.get(pending.pop(), set()) - inside
            inside |= new
            pending += new
        graph = GraphBuilder()
        names = {node_id: "again" if node_id == me else node_id for node_id in inside}
        for node_id, name in names.items():
            graph.node(dynprompt.get_node(node_id)["class_type"], name).set_override_display_id(node_id)
        for node_id, name in names.items():
            for key, value in dynprompt.get_node(node_id)["inputs"].items():
                if is_link(value) and value[0] in names:
                    value = graph.lookup_node(names[value[0]]).out(value[1])
                graph.lookup_node(name).set_input(key, value)
        for n in range(COUNT):
            graph.lookup_node(opening).set_input(f"value{n}", values.get(f"value{n}"))
        again = graph.lookup_node("again")
        return {"result": tuple(again.out(n) for n in range(COUNT)), "expand": graph.finalize()}


class ForOpen:
    """Opens a loop of so many rounds, by expanding into the other kind."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"rounds": ("INT", {"default": 1, "min": 0})},
            "optional": {f"value{n}": (ANY,) for n in range(1, COUNT)},
            "hidden": {"value0": (ANY,)},
        }

    RETURN_TYPES = ("FLOW_CONTROL", "INT", *[ANY] * (COUNT - 1))
    FUNCTION = "run"

    def run(self, rounds, value0=None, **values):
        left = rounds if value0 is None else value0
        graph = GraphBuilder()
        graph.node("FlowsWhileOpen", condition=left, value0=left, **values)
        return {
            "result": ("open", left, *(values.get(f"value{n}") for n in range(1, COUNT))),
            "expand": graph.finalize(),
        }


class ForClose:
    """Closes it."""

    @classmethod
    def INPUT_TYPES(cls):
        raw = {"rawLink": True}
        return {
            "required": {"flow": ("FLOW_CONTROL", raw)},
            "optional": {f"value{n}": (ANY, raw) for n in range(1, COUNT)},
        }

    RETURN_TYPES = (ANY,) * (COUNT - 1)
    FUNCTION = "run"

    def run(self, flow, **values):
        graph = GraphBuilder()
        down = graph.node("FlowsSubtract", number=[flow[0], 1])
        end = graph.node("FlowsWhileClose", flow=flow, condition=down.out(1), value0=down.out(0), **values)
        return {"result": tuple(end.out(n) for n in range(1, COUNT)), "expand": graph.finalize()}


class OwnTypes:
    """Takes numbers of either type, and checks by itself what is connected and what is typed in."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"a": ("INT,FLOAT",), "b": ("INT,FLOAT",)}}

    RETURN_TYPES = ("FLOAT",)
    FUNCTION = "run"

    @classmethod
    def VALIDATE_INPUTS(cls, input_types, a=None, b=None):
        for name, value in (("a", a), ("b", b)):
            if value is not None and not isinstance(value, (int, float)):
                return f"Invalid type of {name}: {type(value).__name__}"
            if input_types.get(name, "INT") not in ("INT", "FLOAT"):
                return f"Invalid type of {name}: {input_types[name]}"
        return True

    def run(self, a, b):
        return (float(a * b),)


class Together:
    """Expands into nodes that wait beside each other."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"seconds": ("FLOAT", {"default": 0.3}), "count": ("INT", {"default": 3})}}

    RETURN_TYPES = (ANY,)
    FUNCTION = "run"
    OUTPUT_NODE = True

    def run(self, seconds, count):
        graph = GraphBuilder()
        waits = [graph.node("ProbeWait", seconds=seconds, value=n) for n in range(count)]
        every = graph.node("FlowsList", **{f"value{n + 1}": wait.out(0) for n, wait in enumerate(waits)})
        return {"result": (every.out(0),), "expand": graph.finalize()}


class Progress:
    """Tells its progress from a thread, through the blocking form of the schema API."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": (ANY,)}}

    RETURN_TYPES = (ANY,)
    FUNCTION = "run"

    def run(self, value):
        from comfy_api.v0_0_2 import ComfyAPISync

        for step in range(3):
            ComfyAPISync().execution.set_progress(value=step / 3, max_value=1.0)
            time.sleep(0.1)
        return (value,)


NODE_CLASS_MAPPINGS = {
    f"Flows{kind.__name__}": kind
    for kind in (Mix, List, Mixed, Subtract, WhileOpen, WhileClose, ForOpen, ForClose, OwnTypes, Together, Progress)
}
