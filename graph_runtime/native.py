"""Calling typed functions: the behaviour of nodes declared with `@node`."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from graph_runtime.annotations import Parameter
from graph_runtime.behaviour import Behaviour, Blocker, Invocation, Result
from graph_runtime.context import Context
from graph_runtime.errors import DeclarationError, HeddleError, NodeReturnedWrongly
from graph_runtime.expansion import Subgraph, child_prefix
from graph_runtime.graph import Link
from graph_runtime.prompt import is_link

__all__ = ["NativeBehaviour", "Refused"]


@dataclass(frozen=True, slots=True)
class Refused:
    """What a validation hook returns when it refuses a value and can say what to do instead."""

    what: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.what} {self.fix}".rstrip()


class NativeBehaviour(Behaviour):
    """Runs one function; checks that it returns as many values as it declares."""

    def __init__(
        self,
        function: Callable[..., Any],
        parameters: list[Parameter],
        outputs: int,
        fingerprint: Callable[..., Any] | None,
        validate: Callable[..., Any] | None,
        where: str,
    ) -> None:
        inputs = [item for item in parameters if item.role == "input"]
        self.function = function
        self.where = where
        self.asynchronous = inspect.iscoroutinefunction(function)
        self.lazy: Literal["none", "check", "await"] = (
            "await" if any(item.spec is not None and item.spec.mode == "lazy" for item in inputs) else "none"
        )
        self._names = frozenset(item.name for item in inputs)
        self._converters = {item.name: item.convert for item in inputs if item.convert is not None}
        self._wires = tuple(item.name for item in inputs if item.spec is not None and item.spec.mode == "ref")
        self._context = next((item.name for item in parameters if item.role == "context"), None)
        self._subgraph = next((item.name for item in parameters if item.role == "subgraph"), None)
        self._outputs = outputs
        self._fingerprint = None if fingerprint is None else _Hook(fingerprint, self._names, where)
        self._validate = None if validate is None else _Hook(validate, self._names, where)
        self.replaces = frozenset(self._fingerprint.names if self._fingerprint else ())

    @property
    def checked_names(self) -> tuple[str, ...] | None:
        """The inputs that the validation hook takes, or None without a hook."""
        return None if self._validate is None else tuple(self._validate.names)

    def call(self, invocation: Invocation) -> Result | Blocker | Awaitable[Result | Blocker]:
        """Call the function with the inputs it names."""
        names = self._names
        given = invocation.inputs
        arguments = given if names >= given.keys() else {name: given[name] for name in given if name in names}
        for name, convert in self._converters.items():
            if isinstance(arguments.get(name), str):
                arguments = {**arguments, name: convert(arguments[name])}
        for name in self._wires:
            if is_link(arguments.get(name)):
                arguments = {**arguments, name: Link(arguments[name][0], int(arguments[name][1]))}
        context = invocation.context
        if self._context is not None:
            arguments = {**arguments, self._context: context}
        if self._subgraph is not None:
            assert context is not None, "the engine always gives a context to `call`"
            prefix = child_prefix(context.node_id, context.real_id)
            if invocation.list_index:
                prefix = f"{prefix}{invocation.list_index}."
            arguments = {**arguments, self._subgraph: Subgraph(context._services.catalogue, prefix)}
        returned = self.function(**arguments)
        return self._await(returned) if self.asynchronous else self._result(returned)

    async def _await(self, returned: Awaitable[Any]) -> Result | Blocker:
        return self._result(await returned)

    def _result(self, returned: Any) -> Result | Blocker:
        if isinstance(returned, Result | Blocker):
            return returned
        count = self._outputs
        if count == 1 and not _holds_one(returned):
            return Result((returned,))
        values = () if returned is None else returned
        if not isinstance(values, tuple):
            values = (values,)
        if len(values) != count:
            raise NodeReturnedWrongly(
                f"the function returned {len(values)} values, but declares {count}.",
                where=self.where,
                fix="Return one value an output, in the order of the return annotation.",
            )
        return Result(values)

    def fingerprint(self, invocation: Invocation) -> Any:
        """Call the fingerprint hook."""
        assert self._fingerprint is not None, "called only for specs with a fingerprint"
        return self._fingerprint(invocation)

    def check(self, invocation: Invocation, input_types: Mapping[str, Any]) -> Any:
        """Call the validation hook; None means good."""
        assert self._validate is not None, "called only for specs with a validation hook"
        verdict = self._validate(invocation)
        return _verdict_later(verdict) if inspect.isawaitable(verdict) else _verdict(verdict)


def _holds_one(returned: Any) -> bool:
    """Whether a returned value is a tuple, plain or named, around the single output instead of the output itself."""
    plain_or_named = type(returned) is tuple or (isinstance(returned, tuple) and hasattr(returned, "_fields"))
    return plain_or_named and len(returned) == 1


class _Hook:
    """A fingerprint or validation function: takes some inputs by name, and a `Context` if it wants one."""

    def __init__(self, function: Callable[..., Any], inputs: frozenset[str], where: str) -> None:
        self.function = function
        self.names: list[str] = []
        self._context: str | None = None
        hints = inspect.get_annotations(function)
        for name, parameter in inspect.signature(function).parameters.items():
            if hints.get(name) in (Context, "Context"):
                self._context = name
            elif name in inputs:
                self.names.append(name)
            elif parameter.default is parameter.empty:
                raise DeclarationError(
                    f"the hook '{function.__name__}' takes '{name}', which is no input of the node.",
                    where=where,
                    fix=f"Take some of: {', '.join(sorted(inputs)) or 'none'}.",
                )

    def __call__(self, invocation: Invocation) -> Any:
        arguments = {name: invocation.inputs.get(name) for name in self.names}
        if self._context is not None:
            arguments[self._context] = invocation.context
        return self.function(**arguments)


def _verdict(verdict: Any) -> Any:
    if verdict is None or verdict is True:
        return True
    if isinstance(verdict, Refused | HeddleError):
        return str(verdict)
    return verdict


async def _verdict_later(verdict: Awaitable[Any]) -> Any:
    return _verdict(await verdict)
