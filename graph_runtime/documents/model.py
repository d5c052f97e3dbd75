"""The workflow document: what a person draws, keeps and shares, described in docs/workflow-format.md.

Inputs and outputs are named, never numbered; meaning (`nodes`) is apart from looks (`layout`), so that moving
a node and changing a value are different lines of a diff. Unknown keys are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    Tag,
    model_validator,
)

if TYPE_CHECKING:
    from graph_runtime.catalogue import NodeSpec
    from graph_runtime.documents.texts import Texts
    from graph_runtime.graph import Graph

FORMAT = "heddle-workflow"
VERSION = 1

Name = Annotated[StrictStr, Field(min_length=1)]
Number = StrictInt | StrictFloat
Point = Annotated[tuple[Number, Number], Field(description="[x, y] in canvas units; y grows downwards.")]
Box = Annotated[tuple[Number, Number, Number, Number], Field(description="[x, y, width, height] in canvas units.")]
Control = Literal["fixed", "increment", "decrement", "randomize", "increment-wrap"]
Scalar = StrictStr | StrictBool | StrictInt | StrictFloat | None


class Part(BaseModel):
    """Base of every part: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Wired(Part):
    """An input that is linked, promoted, or holds a value that is a list or an object."""

    link: tuple[Name, Name] | None = Field(
        default=None, description="[node id, output name]; a repeated output name is written NAME#2, NAME#3, …"
    )
    input: Name | None = Field(
        default=None, description="Inside a definition: the definition's own input that feeds this one."
    )
    value: Any = Field(default=None, description="Any JSON value; beside a link, what applies once the link is gone.")

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        given = self.model_fields_set
        if not given:
            raise ValueError("an input object needs one of 'link', 'input' or 'value'")
        if "link" in given and self.link is None:
            raise ValueError("'link' must be [node id, output name]")
        if "input" in given and self.input is None:
            raise ValueError("'input' must name an input of the definition")
        if self.link is not None and self.input is not None:
            raise ValueError("an input has either a 'link' or an 'input', not both")
        return self

    @property
    def has_value(self) -> bool:
        """Whether a value was written, `null` included."""
        return "value" in self.model_fields_set


def _kind_of_input(value: Any) -> str:
    return "object" if isinstance(value, (dict, Wired)) else "literal"


Input = Annotated[
    Annotated[Wired, Tag("object")] | Annotated[Scalar, Tag("literal")],
    Discriminator(_kind_of_input),
]


class Socket(Part):
    """Name and type of one socket."""

    name: Name
    type: StrictStr
    label: StrictStr | None = None


class InputSocket(Socket):
    """An input socket of a node whose type is not installed."""

    widget: StrictBool | None = None


class Sockets(Part):
    """The sockets of a node whose type is not installed, so that its links keep their meaning."""

    inputs: tuple[InputSocket, ...] = ()
    outputs: tuple[Socket, ...] = ()


class Node(Part):
    """One node: its type and its inputs by name."""

    type: Name = Field(description="A node type of the catalogue, the id of a definition, Reroute or PrimitiveNode.")
    title: StrictStr | None = None
    mode: Literal["muted", "bypassed"] | None = None
    inputs: dict[Name, Input] = Field(
        default_factory=dict, description="By name. A widget that is left out takes its default."
    )
    controls: dict[Name, Control] | None = Field(
        default=None, description="What happens to a value after the workflow was queued."
    )
    sockets: Sockets | None = None
    kept: dict[str, Any] | None = Field(
        default=None, description="What another editor stored and this format does not interpret; exported unchanged."
    )

    @property
    def links_are_bypassed(self) -> bool:
        """Whether links pass by this node.

        Another editor may bypass an instance while nodes inside run as their own modes say (`kept.mode` 4).
        """
        return self.mode == "bypassed" or (self.mode is None and (self.kept or {}).get("mode") == 4)


class NodeLayout(Part):
    """Where a node is and how it looks."""

    pos: Point
    size: Point | None = None
    collapsed: StrictBool | None = None
    pinned: StrictBool | None = None
    color: StrictStr | None = None
    background: StrictStr | None = None
    sockets: tuple[StrictStr, ...] | None = Field(
        default=None, description="Inputs with a value that the editor shows as plain sockets."
    )


class Group(Part):
    """A titled frame behind nodes."""

    title: StrictStr = ""
    box: Box
    color: StrictStr | None = None
    kept: dict[str, Any] | None = None


class Note(Part):
    """Text on the canvas."""

    id: Name
    text: StrictStr
    box: Box
    markdown: StrictBool | None = None
    title: StrictStr | None = None
    color: StrictStr | None = None
    background: StrictStr | None = None


class Waypoint(Part):
    """A point that links are drawn through; it never changes what runs."""

    id: Name
    pos: Point
    after: Name | None = Field(default=None, description="The waypoint before this one, towards the source.")
    links: tuple[tuple[Name, Name], ...] | None = Field(
        default=None,
        description="[node id, input name] of each link whose last waypoint this is; a definition's "
        "own output is ['@outputs', name].",
    )
    floating: Literal["input", "output"] | None = None
    source: tuple[Name, Name] | None = Field(
        default=None,
        description="[node id, output name] where a link begins that goes no further than this waypoint; a "
        "definition's own input is ['@inputs', name].",
    )
    targets: tuple[tuple[Name, Name], ...] | None = Field(
        default=None, description="As `links`, for links that begin at this waypoint and at no output."
    )


class View(Part):
    """The part of the canvas that was last looked at."""

    offset: Point
    scale: Number


class Layout(Part):
    """Everything that changes how a graph looks and nothing that changes what it does."""

    nodes: dict[Name, NodeLayout] | None = None
    groups: tuple[Group, ...] | None = None
    notes: tuple[Note, ...] | None = None
    reroutes: tuple[Waypoint, ...] | None = None
    view: View | None = None


class DefinitionOutput(Socket):
    """An output of a definition and the inner output that feeds it."""

    link: tuple[Name, Name] | None = None
    input: Name | None = Field(default=None, description="The definition's own input, passed straight through.")


class Definition(Part):
    """A subgraph: nodes behind named inputs and outputs, used by nodes whose type is its id."""

    name: StrictStr
    description: StrictStr | None = None
    inputs: tuple[Socket, ...] = ()
    outputs: tuple[DefinitionOutput, ...] = ()
    nodes: dict[Name, Node] = Field(default_factory=dict)
    layout: Layout | None = None
    kept: dict[str, Any] | None = None


class FormField(Part):
    """One value that the form asks for."""

    node: Name = Field(description="Path id of the node: `3`, or `12:3` inside a subgraph.")
    input: Name
    label: StrictStr | None = None
    help: StrictStr | None = None


class FormOutput(Part):
    """A node whose results the form shows."""

    node: Name
    label: StrictStr | None = None


class Form(Part):
    """The workflow as a form for people who never see its nodes; it never changes what runs."""

    title: StrictStr | None = None
    description: StrictStr | None = None
    inputs: tuple[FormField, ...] = ()
    outputs: tuple[FormOutput, ...] = ()


class Document(Part):
    """A workflow as a person sees it: nodes, subgraph definitions, layout, form."""

    schema_uri: StrictStr | None = Field(default=None, alias="$schema", description="For text editors; ignored.")
    format: Literal["heddle-workflow"]
    version: Literal[1]
    name: StrictStr = ""
    nodes: dict[Name, Node]
    definitions: dict[Name, Definition] | None = None
    layout: Layout | None = None
    form: Form | None = None
    meta: dict[str, Any] | None = Field(default=None, description="Free for the reader: author, licence, models, ….")

    def to_data(self) -> dict[str, Any]:
        """The document as plain JSON data, keys in a fixed order, only what was written."""
        return self.model_dump(mode="json", exclude_unset=True, by_alias=True)

    def to_graph(self, catalogue: Mapping[str, NodeSpec], texts: Texts | None = None) -> Graph:
        """The executable graph: subgraphs flattened, reroutes followed, muted and bypassed nodes resolved.

        Args:
            texts: how dynamic prompts and placeholders in file names are filled in; None leaves them as typed.
        Raises:
            InvalidDocument: if links name nodes, outputs or inputs that do not exist, or definitions contain
                themselves; every such problem at once.
        """
        from graph_runtime.documents.flatten import to_prompt
        from graph_runtime.prompt import parse_prompt

        prompt = to_prompt(self, catalogue)
        return parse_prompt(texts.expand(prompt, self, catalogue) if texts is not None else prompt)
