"""How the engine calls a node's code, whatever convention it was written in.

`NodeSpec` is data; `NodeSpec.behaviour` is the live half. `NativeBehaviour` (in `graph_runtime.native`) calls typed
functions; other conventions bring a subclass of `Behaviour` of their own. The engine does everything that all
conventions share: it resolves links, maps over lists, waits for lazy inputs, expands subgraphs, merges results,
caches, reports. A behaviour does only this: turn one `Invocation` into one call, and what comes back into a `Result`.

Rules for implementers
- `Invocation.inputs` holds the call's keyword arguments, one list item each. With `NodeSpec.input_is_list` every
  value is a list, hidden ones and constants included. Hidden inputs arrive under the names the spec gives them, and
  once more by kind in `Invocation.hidden`.
- An input that is absent from the graph is absent from `inputs`.
- A lazy input that has not been evaluated is None (`(None,)` with `input_is_list`) for `lazy = "none"` and
  `"check"`; for `lazy = "await"` it is an awaitable.
- Methods marked "may be awaitable" may return a coroutine; the engine awaits it on its event loop.
- Exceptions are the node's: let them pass, with their traceback. `errors.Cancelled` (or a subclass) ends the run.
- `call` runs on the device thread, or in the pool where `NodeSpec.device` is False; coroutines run on the event loop.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from graph_runtime.context import Context

__all__ = ["Behaviour", "Blocker", "Invocation", "Result"]


class Blocker:
    """A value that means "do not compute what depends on me".

    Args:
        message: shown at the first node that is blocked; None blocks silently.
    """

    __slots__ = ("message",)

    def __init__(self, message: str | None = None) -> None:
        self.message = message

    def __repr__(self) -> str:
        return f"Blocker({self.message!r})"


@dataclass(frozen=True, slots=True)
class Result:
    """What one call of a node gives.

    Args:
        values: one item an output, in order. Missing ones read as None downstream; further ones are kept, and can be
            linked where the spec has `dynamic_outputs`. An output declared as a list gives a list. With `expand`, an
            item may be a link (`[id, slot]`) into the new nodes or to any existing node.
        ui: what the node shows: name → list.
        expand: new nodes in the API format, `{id: {"class_type", "inputs", "override_display_id"?}}`; None for none.
    """

    values: Sequence[Any] = ()
    ui: Mapping[str, Any] | None = None
    expand: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Invocation:
    """Everything one call of a node may see.

    Args:
        inputs: keyword arguments, hidden inputs included under their declared names.
        hidden: hidden values by kind ("UNIQUE_ID", "PROMPT", "DYNPROMPT", "EXTRA_PNGINFO", …).
        context: services of the running node; None while change tokens and validation hooks are computed.
        instance: what `new_instance` returned for this node id; kept while the node stays in use.
        list_index: which item of the mapped lists this call is for.
    """

    inputs: dict[str, Any]
    hidden: Mapping[str, Any] = field(default_factory=dict)
    context: Context | None = None
    instance: Any = None
    list_index: int = 0


class Behaviour:
    """Base of all behaviours; override what the convention needs.

    Attributes:
        asynchronous: `call` returns an awaitable. Such nodes run on the event loop, concurrently.
        lazy: "none": unevaluated lazy inputs are simply None; "check": ask `needed` before calling;
            "await": hand over awaitables.
        replaces: inputs whose literal no longer counts in the cache key because `fingerprint` stands for it.
    """

    asynchronous: bool = False
    lazy: Literal["none", "check", "await"] = "none"
    replaces: frozenset[str] = frozenset()

    def new_instance(self) -> Any:
        """Make the object that keeps a node's own state between runs; kept per (node id, type)."""
        return None

    def call(self, invocation: Invocation) -> Result | Blocker | Awaitable[Result | Blocker]:
        """Run the node once. May be awaitable (and must be, if `asynchronous`)."""
        raise NotImplementedError

    def accepts(self, name: str) -> bool:
        """Say whether an input that the spec does not list is declared nevertheless; its literal is then passed.

        Asked of the live declaration each time, for packs whose input dictionaries answer for any name.
        Links into undeclared inputs are always evaluated and passed.
        """
        return False

    def needed(self, invocation: Invocation) -> Sequence[str] | Awaitable[Sequence[str] | None] | None:
        """Name the lazy inputs that must be evaluated before `call`. May be awaitable."""
        return None

    def fingerprint(self, invocation: Invocation) -> Any | Awaitable[Any]:
        """Return a change token: the node runs again when it differs from last time. May be awaitable.

        Linked inputs are None. NaN never matches. Called once a run at most, if `NodeSpec.fingerprint`.
        """
        raise NotImplementedError

    def check(self, invocation: Invocation, input_types: Mapping[str, Any]) -> Any | Awaitable[Any]:
        """Validate values before anything runs; True or None is good, False or a text is not. May be awaitable.

        Called if `NodeSpec.checks_inputs` is not None, with the inputs it names (linked ones are None), and with the
        source types of the linked inputs.
        """
        return True
