"""`@node`: a typed function becomes a frozen `NodeSpec`.

The signature is the declaration: names, order, types, constraints and defaults are read from it once, at import, and
the function is returned unchanged. Order is the order of parameters; put `*` first to write inputs with defaults
before inputs without. Author mistakes raise `DeclarationError` with a cure.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from graph_runtime.annotations import Parameter, read_parameters, read_returns
from graph_runtime.catalogue import InputSpec, NodeSpec
from graph_runtime.docstrings import read_docstring
from graph_runtime.errors import DeclarationError
from graph_runtime.native import NativeBehaviour

__all__ = ["node", "spec_of"]

F = TypeVar("F", bound=Callable[..., Any])


def node(
    id: str,
    *,
    title: str = "",
    category: str = "",
    version: int = 1,
    terminal: bool = False,
    cache: bool = True,
    fingerprint: Callable[..., Any] | None = None,
    validate: Callable[..., Any] | None = None,
    hidden: Mapping[str, str] | None = None,
    device: bool = True,
    deprecated: bool = False,
    experimental: bool = False,
    not_idempotent: bool = False,
    api_node: bool | None = None,
    convention: Literal["v1", "v3"] = "v1",
) -> Callable[[F], F]:
    """Declare a function as a node.

    Args:
        id: the name by which graphs refer to it.
        title: shown instead of the id.
        category: slash-separated place in the palette.
        version: raise it when the same inputs give another result.
        terminal: a run may start from it; nodes that save or show something are.
        cache: False means never use an old result, for this node or what depends on it.
        fingerprint: takes some of the inputs by name (linked ones are None) and returns a token that stands for
            their literals in the cache key: a file's digest in place of its name.
        validate: takes some of the inputs by name and returns None, or a text saying what is wrong. The engine's own
            range and choice checks are left to it for the inputs it names.
        hidden: name → kind of hidden inputs that clients are told of; read their values from the `Context`.
        device: False lets the node run beside the one that uses the device (files, encoding, CPU image work).
    """

    def compile(function: F) -> F:
        where = f"{function.__module__}.{function.__qualname__} (node '{id}')"
        parameters = read_parameters(function, where)
        doc = read_docstring(function)
        _check_docstring(doc.arguments, parameters, where)
        asynchronous = inspect.iscoroutinefunction(function)
        _check_lazy(parameters, asynchronous, where)
        outputs = read_returns(function, where, doc.returns)
        behaviour = NativeBehaviour(function, parameters, len(outputs), fingerprint, validate, where)
        inputs = [_with_tooltip(item.spec, doc.arguments) for item in parameters if item.spec is not None]
        inputs.sort(key=lambda item: 2 if item.hidden else 0 if item.required else 1)
        extra = [InputSpec(name, kind, required=False, hidden=kind) for name, kind in (hidden or {}).items()]
        spec = NodeSpec(
            id=id,
            inputs=(*inputs, *extra),
            outputs=outputs,
            display_name=title,
            description=doc.summary,
            category=category,
            version=version,
            terminal=terminal,
            cache=cache,
            deprecated=deprecated,
            experimental=experimental,
            api_node=api_node,
            not_idempotent=not_idempotent,
            checks_inputs=behaviour.checked_names,
            fingerprint=fingerprint is not None,
            device=device,
            convention=convention,
            behaviour=behaviour,
        )
        function.__node_spec__ = spec  # type: ignore[attr-defined]
        return function

    return compile


def spec_of(function: Callable[..., Any]) -> NodeSpec:
    """Return the spec that `@node` attached to a function."""
    spec = getattr(function, "__node_spec__", None)
    if not isinstance(spec, NodeSpec):
        raise DeclarationError(f"{function!r} is not a node.", fix="Decorate it with @node('Id').")
    return spec


def _with_tooltip(item: InputSpec, texts: Mapping[str, str]) -> InputSpec:
    from dataclasses import replace

    text = texts.get(item.name)
    if not text or "tooltip" in item.options or item.hidden:
        return item
    return replace(item, options={**item.options, "tooltip": text})


def _check_docstring(arguments: Mapping[str, str], parameters: list[Parameter], where: str) -> None:
    names = {item.name for item in parameters}
    missing = [name for name in arguments if name not in names]
    if missing:
        raise DeclarationError(
            f"the docstring describes '{missing[0]}', which is no parameter.",
            where=where,
            fix=f"The parameters are: {', '.join(sorted(names)) or 'none'}.",
        )


def _check_lazy(parameters: list[Parameter], asynchronous: bool, where: str) -> None:
    lazy = next((item.name for item in parameters if item.spec is not None and item.spec.mode == "lazy"), None)
    if lazy is not None and not asynchronous:
        raise DeclarationError(
            f"'{lazy}' is Lazy, but the function cannot await it.", where=where, fix="Write `async def`."
        )
