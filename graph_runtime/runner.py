"""Where node code runs: one thread for the device, a small pool beside it, the event loop for coroutines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Protocol

from graph_runtime.behaviour import Blocker, Invocation, Result
from graph_runtime.errors import HeddleError
from graph_runtime.spec import NodeSpec

__all__ = ["Runner", "Scoped", "ThreadRunner"]


class Runner(Protocol):
    """What the engine needs of the place where nodes run.

    Attributes:
        beside_limit: nodes that may run in the pool at once.
    """

    beside_limit: int

    def start_device(self, work: Callable[[], None]) -> Future[None]:
        """Run a whole job's loop on the device thread."""
        ...

    def start_beside(self, work: Callable[[], None]) -> None:
        """Run one node in the pool."""
        ...

    def scope(self) -> AbstractContextManager[Any]:
        """Surround node code in whichever thread runs it."""
        ...

    def call(self, spec: NodeSpec, invocation: Invocation) -> Result | Blocker | Awaitable[Result | Blocker]:
        """Call a node once."""
        ...

    def close(self) -> None:
        """End the threads; waits for what runs."""
        ...


class ThreadRunner:
    """The real runner. Threads start with the first job.

    Args:
        beside: threads for nodes that do not use the device.
        scope: makes a context manager that surrounds node code, such as an inference mode; per thread, not reentrant.
    """

    def __init__(self, beside: int = 4, scope: Callable[[], AbstractContextManager[Any]] = nullcontext) -> None:
        self.beside_limit = beside
        self._scope = scope
        self._device: ThreadPoolExecutor | None = None
        self._pool: ThreadPoolExecutor | None = None

    def start_device(self, work: Callable[[], None]) -> Future[None]:
        """Run a whole job's loop on the device thread."""
        if self._device is None:
            self._device = ThreadPoolExecutor(1, thread_name_prefix="device")
        return self._device.submit(work)

    def start_beside(self, work: Callable[[], None]) -> None:
        """Run one node in the pool."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.beside_limit, thread_name_prefix="beside")
        self._pool.submit(work)

    def scope(self) -> AbstractContextManager[Any]:
        """Surround node code in whichever thread runs it."""
        return self._scope()

    def call(self, spec: NodeSpec, invocation: Invocation) -> Result | Blocker | Awaitable[Result | Blocker]:
        """Call a node once."""
        if spec.behaviour is None:
            raise HeddleError(
                f"'{spec.id}' is known here only as data and cannot run.", fix="Run it in a process that has its code."
            )
        return spec.behaviour.call(invocation)

    def close(self) -> None:
        """End the threads; waits for what runs."""
        for executor in (self._device, self._pool):
            if executor is not None:
                executor.shutdown(wait=True)
        self._device = self._pool = None


class Scoped:
    """An awaitable that enters `scope` around each of its steps, so that other tasks on the loop are not inside it."""

    def __init__(self, awaitable: Awaitable[Any], scope: Callable[[], AbstractContextManager[Any]]) -> None:
        self._awaitable = awaitable
        self._scope = scope

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._awaitable.__await__()
        resume: Callable[[], Any] = steps.__next__
        while True:
            try:
                with self._scope():
                    waited = resume()
            except StopIteration as stop:
                return stop.value
            try:
                sent = yield waited
            except BaseException as error:
                resume = partial(_throw, steps, error)
            else:
                resume = partial(_send, steps, sent)


def _send(steps: Any, value: Any) -> Any:
    return next(steps) if value is None else steps.send(value)


def _throw(steps: Any, error: BaseException) -> Any:
    if not hasattr(steps, "throw"):
        raise error
    return steps.throw(error)
