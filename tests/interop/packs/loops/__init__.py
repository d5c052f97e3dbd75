"""A loop out of expansion: the closing node copies the body behind the opening node and closes again."""

from comfy_execution.graph_utils import GraphBuilder, is_link


class LoopOpen:
    RETURN_TYPES = ("FLOW_CONTROL", "INT", "*")
    FUNCTION = "open"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"remaining": ("INT", {"default": 1})}, "optional": {"value": ("*",)}}

    def open(self, remaining, value=None):
        return ("flow", remaining, value)


class LoopClose:
    RETURN_TYPES = ("*",)
    FUNCTION = "close"

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"flow": ("FLOW_CONTROL", {"rawLink": True}), "remaining": ("INT",), "value": ("*",)},
            "hidden": {"dynprompt": "DYNPROMPT", "unique_id": "UNIQUE_ID"},
        }

    def _body(self, node_id, dynprompt, upstream):
        for value in dynprompt.get_node(node_id)["inputs"].values():
            if is_link(value):
                parent = value[0]
                if parent not in upstream:
                    upstream[parent] = []
                    self._body(parent, dynprompt, upstream)
                upstream[parent].append(node_id)

    def _collect(self, node_id, upstream, contained):
        for child in upstream.get(node_id, []):
            if child not in contained:
                contained[child] = True
                self._collect(child, upstream, contained)

    def close(self, flow, remaining, value, dynprompt=None, unique_id=None):
        if remaining <= 1:
            return (value,)
        assert is_link(flow), flow
        upstream, contained = {}, {}
        self._body(unique_id, dynprompt, upstream)
        opening = flow[0]
        self._collect(opening, upstream, contained)
        contained[unique_id] = contained[opening] = True
        graph = GraphBuilder()
        for node_id in contained:
            original = dynprompt.get_node(node_id)
            node = graph.node(original["class_type"], "Again" if node_id == unique_id else node_id)
            node.set_override_display_id(node_id)
        for node_id in contained:
            original = dynprompt.get_node(node_id)
            node = graph.lookup_node("Again" if node_id == unique_id else node_id)
            for key, given in original["inputs"].items():
                if is_link(given) and given[0] in contained:
                    node.set_input(key, graph.lookup_node(given[0]).out(given[1]))
                else:
                    node.set_input(key, given)
        graph.lookup_node(opening).set_input("remaining", remaining - 1)
        graph.lookup_node(opening).set_input("value", value)
        return {"result": (graph.lookup_node("Again").out(0),), "expand": graph.finalize()}


class Twice:
    """Expands into two additions; one result is a link, the other a plain value."""

    RETURN_TYPES = ("INT", "STRING")
    FUNCTION = "expand"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": ("INT",)}}

    def expand(self, value):
        graph = GraphBuilder()
        once = graph.node("Add", a=value, b=value)
        twice = graph.node("Add", a=once.out(0), b=once.out(0))
        return {"result": (twice.out(0), "plain"), "expand": graph.finalize()}


NODE_CLASS_MAPPINGS = {"LoopOpen": LoopOpen, "LoopClose": LoopClose, "Twice": Twice}
