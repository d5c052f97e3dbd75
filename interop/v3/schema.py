"""The schema of a V3 node, and what the node returns.

Source: protocol §5.3.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any

from interop.blocker import ExecutionBlocker
from interop.errors import BadPack
from interop.v3.sockets import Input, Output

__all__ = ["Hidden", "HiddenHolder", "NodeOutput", "PriceBadge", "PriceBadgeDepends", "Schema"]


class Hidden(enum.StrEnum):
    """Values that the engine supplies."""

    unique_id = "UNIQUE_ID"
    prompt = "PROMPT"
    extra_pnginfo = "EXTRA_PNGINFO"
    dynprompt = "DYNPROMPT"
    auth_token_comfy_org = "AUTH_TOKEN_COMFY_ORG"
    api_key_comfy_org = "API_KEY_COMFY_ORG"


class HiddenHolder:
    """The hidden values of one call; those that were not asked for are None."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = dict(values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        kind = Hidden.__members__.get(name)
        return None if kind is None else self.__dict__["values"].get(kind.value)


class Schema:
    """What a node is called, takes and gives.

    Args:
        node_id: unique among all nodes.
        is_input_list: one call receives all lists whole.
        enable_expand: the node may return other nodes.
        more: facts of newer versions; kept, not interpreted.
    Raises:
        BadPack: by `validate`.
    """

    def __init__(
        self,
        node_id: str,
        display_name: str | None = None,
        category: str = "sd",
        inputs: Sequence[Input] | None = None,
        outputs: Sequence[Output] | None = None,
        hidden: Sequence[Hidden] | None = None,
        description: str = "",
        is_input_list: bool = False,
        is_output_node: bool = False,
        is_deprecated: bool = False,
        is_experimental: bool = False,
        is_api_node: bool = False,
        not_idempotent: bool = False,
        enable_expand: bool = False,
        accept_all_inputs: bool = False,
        **more: Any,
    ) -> None:
        self.node_id = node_id
        self.display_name = display_name
        self.category = category
        self.inputs = list(inputs or ())
        self.outputs = list(outputs or ())
        self.hidden = list(hidden or ())
        self.description = description or ""
        self.is_input_list = is_input_list
        self.is_output_node = is_output_node
        self.is_deprecated = is_deprecated
        self.is_experimental = is_experimental
        self.is_api_node = is_api_node
        self.not_idempotent = not_idempotent
        self.enable_expand = enable_expand
        self.accept_all_inputs = accept_all_inputs
        self.more = more

    def finalize(self) -> None:
        """Give outputs without an id theirs, and nodes that save or pay what they need."""
        for index, output in enumerate(self.outputs):
            if output.id is None:
                kind = output.get_io_type()
                output.id = f"_{index}_{kind if isinstance(kind, str) else 'COMBO'}_"
        wanted = [Hidden.prompt, Hidden.extra_pnginfo] if self.is_output_node else []
        if self.is_api_node:
            wanted += [Hidden.auth_token_comfy_org, Hidden.api_key_comfy_org]
        self.hidden += [kind for kind in wanted if kind not in self.hidden]

    def validate(self) -> None:
        """Check that ids are unique.

        Raises:
            BadPack: naming the ids that are not.
        """
        ids = [*(input.id for input in self.inputs), *(output.id for output in self.outputs)]
        for name, names in (("inputs", ids[: len(self.inputs)]), ("outputs", ids[len(self.inputs) :])):
            twice = sorted({str(id) for id in names if names.count(id) > 1})
            if twice:
                raise BadPack(f"Schema '{self.node_id}' has several {name} called {', '.join(twice)}. Rename them.")
        if any(not isinstance(id, str) or not id for id in ids):
            raise BadPack(f"Schema '{self.node_id}' has an input or output without an id. Give each one a text.")


class PriceBadgeDepends:
    """What a price depends on: names of widgets, of inputs, and of groups of inputs."""

    def __init__(self, widgets: Any = (), inputs: Any = (), input_groups: Any = ()) -> None:
        self.widgets, self.inputs, self.input_groups = list(widgets), list(inputs), list(input_groups)


class PriceBadge:
    """What a node of a paid service costs, for editors that show it; this engine keeps it and shows nothing."""

    def __init__(self, expr: str, depends_on: PriceBadgeDepends | None = None, engine: str = "jsonata") -> None:
        self.expr, self.depends_on, self.engine = expr, depends_on or PriceBadgeDepends(), engine


class NodeOutput:
    """What `execute` returns.

    Args:
        args: one value an output.
        ui: what the node shows: a dict, or a helper with `as_dict`.
        expand: nodes to run in its place.
        block_execution: a message; what depends on the node does not run.
    """

    def __init__(
        self,
        *args: Any,
        ui: Any = None,
        expand: Mapping[str, Any] | None = None,
        block_execution: str | None = None,
    ) -> None:
        self.args = args
        self.ui = ui
        self.expand = expand
        self.block_execution = block_execution

    @property
    def result(self) -> tuple[Any, ...] | None:
        """The values; None without any."""
        return self.args or None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NodeOutput:
        """Read what V1 functions return."""
        values = data.get("result") or ()
        blocked = values.message if isinstance(values, ExecutionBlocker) else None
        args = () if isinstance(values, ExecutionBlocker) else tuple(values)
        return cls(*args, ui=data.get("ui"), expand=data.get("expand"), block_execution=blocked)

    def __getitem__(self, index: int) -> Any:
        return self.args[index]
