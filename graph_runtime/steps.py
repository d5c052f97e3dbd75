"""Working on one node: lazy checks, calls, and handing over what they give.

`work_on` does it in a thread, `work_on_loop` on the event loop. Both leave the run's lock alone while node code runs.
"""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING, Any

from graph_runtime.behaviour import Blocker, Invocation, Result
from graph_runtime.context import Context, _current
from graph_runtime.errors import Cancelled, NodeReturnedWrongly, UnknownInput
from graph_runtime.failure import is_out_of_memory
from graph_runtime.lists import EmptyList, blocked, call_count, nth_call, spread
from graph_runtime.runner import Scoped
from graph_runtime.work import BlockedInput, LazyInput, Work, find_blocker

if TYPE_CHECKING:
    from graph_runtime.run import Run

__all__ = ["work_on", "work_on_loop"]


def work_on(run: Run, work: Work) -> None:
    """Run a node in this thread; what goes wrong stops the run, and is never raised here."""
    try:
        if work.behaviour.lazy == "check":
            asked = [
                run.coroutines.wait_for(names) if inspect.isawaitable(names) else names for names in _ask(run, work)
            ]
            if not _grant(run, work, asked):
                return
        results = []
        for index, arguments in enumerate(spread(work.spec, work.lists, work.spec.whole)):
            context, returned = _call(run, work, index, arguments)
            if context is not None:
                try:
                    if inspect.isawaitable(returned):
                        returned = run.coroutines.wait_for(returned)
                finally:
                    _clean_up(context)
            results.append(_checked(work, returned))
        with run.lock:
            run.complete(work, results)
    except BaseException as error:  # whatever a node raises, SystemExit included, is that node's failure
        run.ending.fail(work, error)


async def work_on_loop(run: Run, work: Work) -> None:
    """Run an asynchronous node; list items run concurrently."""
    try:
        if work.behaviour.lazy == "check":
            asked = [await names if inspect.isawaitable(names) else names for names in _ask(run, work)]
            if not _grant(run, work, asked):
                run.go_on()
                return
        if work.behaviour.lazy == "await":
            results = await _growing(run, work)
        else:
            results = await _together(run, work, enumerate(spread(work.spec, work.lists, work.spec.whole)))
        with run.lock:
            run.complete(work, results)
        run.go_on()
    except BaseException as error:  # CancelledError too: the run already stops then
        run.ending.fail(work, error)


def _ask(run: Run, work: Work) -> list[Any]:
    """Ask a node which lazy inputs it needs, once a call."""
    answers = []
    for index, arguments in enumerate(spread(work.spec, work.lists, work.spec.whole)):
        if work.spec.input_is_list:
            arguments = {name: (None,) if name in work.lazy else value for name, value in arguments.items()}
        if find_blocker(arguments, work.spec.input_is_list) is None:
            answers.append(work.behaviour.needed(_invocation(run, work, index, arguments, _context(run, work, index))))
    return answers


def _grant(run: Run, work: Work, asked: Iterable[Any]) -> bool:
    """Make the node wait for the lazy inputs it named; True if it can go on at once."""
    names = list(dict.fromkeys(name for answer in asked for name in answer or () if isinstance(name, str)))
    needed = []
    for name in names:
        if name in work.lazy:
            needed.append(name)
        elif name not in work.lists:
            raise UnknownInput(
                f"the node says that it needs input '{name}', but nothing is connected there.",
                where=f"node {work.node.id}",
                fix=f"Connect '{name}', or correct the node's lazy check.",
            )
    if not needed:
        return True
    with run.lock:
        return run.put_back(work, needed)


def _invocation(run: Run, work: Work, index: int, arguments: dict[str, Any], context: Context) -> Invocation:
    return Invocation(
        arguments,
        run.hidden(work.node.id),
        context,
        run.engine.instance(work.node.id, work.node.type, work.behaviour),
        index,
    )


def _call(run: Run, work: Work, index: int, arguments: dict[str, Any]) -> tuple[Context | None, Any]:
    """Call a node once; without a context if a blocker prevented it."""
    run.services.cancel.raise_if_cancelled()
    blocker = find_blocker(arguments, work.spec.input_is_list or bool(work.spec.whole))
    if blocker is not None:
        _tell(run, work, blocker)
        return None, blocked(work.spec)
    context = _context(run, work, index)
    invocation = _invocation(run, work, index, arguments, context)
    token = _current.set(context)
    try:
        try:
            return context, run.runner.call(work.spec, invocation)
        except Exception as error:
            if not _recovered(run, error):
                raise
        return context, run.runner.call(work.spec, invocation)
    except BaseException:
        _clean_up(context)
        raise
    finally:
        _current.reset(token)


def _recovered(run: Run, error: Exception) -> bool:
    """Ask the host to make room after a failed call; the frames of the call must not keep its values meanwhile."""
    if isinstance(error, Cancelled):
        return False
    if is_out_of_memory(error):
        traceback.clear_frames(error.__traceback__)
    return run.engine.recover(error)


def _context(run: Run, work: Work, index: int) -> Context:
    known, node_id = run.identities, work.node.id
    context = Context(
        run.services,
        node_id,
        work.node.type,
        display_id=known.display(node_id),
        parent_id=known.parent(node_id),
        real_id=known.real(node_id),
        list_index=index,
        key=run.keys.get(node_id),
    )
    work.contexts.append(context)
    run.engine.latest = context
    return context


def _tell(run: Run, work: Work, blocker: Blocker) -> None:
    """Tell of a call that a blocker with a message prevented."""
    if blocker.message is not None:
        with run.lock:
            run.announce.blocked(work.node.id, work.node.type, str(blocker.message))


def _clean_up(context: Context) -> None:
    functions, context._cleanups = context._cleanups or (), None
    for function in functions:
        function()


def _checked(work: Work, returned: Any) -> Result:
    if isinstance(returned, Result):
        return returned
    if isinstance(returned, Blocker):
        return Result([returned for _ in work.spec.outputs])
    raise NodeReturnedWrongly(
        f"its behaviour returned {type(returned).__name__} instead of a Result.", where=f"node {work.node.id}"
    )


async def _together(run: Run, work: Work, calls: Iterable[tuple[int, dict[str, Any]]]) -> list[Result]:
    items = list(calls)
    with run.lock:
        work.running += len(items)
        run.balance(work)
    if len(items) == 1:
        return [await _one(run, work, *items[0])]
    tasks = [asyncio.ensure_future(_one(run, work, index, arguments)) for index, arguments in items]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def _one(run: Run, work: Work, index: int, arguments: dict[str, Any]) -> Result:
    context: Context | None = None
    try:
        context, returned = await _called(run, work, index, arguments)
        return _checked(work, returned)
    except BlockedInput as reached:
        _tell(run, work, reached.blocker)
        return blocked(work.spec)
    finally:
        if context is not None:
            _clean_up(context)
        with run.lock:
            work.running -= 1
            run.balance(work)


async def _called(run: Run, work: Work, index: int, arguments: dict[str, Any]) -> tuple[Context | None, Any]:
    """Call a node and await what it returns; once more where memory ran out and room could be made."""
    tried = False
    while True:
        context, returned = _call(run, work, index, arguments)
        if context is None or not inspect.isawaitable(returned):
            return context, returned
        try:
            return context, await _awaited(run, context, returned)
        except BaseException as error:
            _clean_up(context)
            if tried or not isinstance(error, Exception) or not _recovered(run, error):
                raise
            tried = True


async def _awaited(run: Run, context: Context, awaitable: Awaitable[Any]) -> Any:
    token = _current.set(context)
    try:
        return await Scoped(awaitable, run.runner.scope)
    finally:
        _current.reset(token)


async def _growing(run: Run, work: Work) -> list[Result]:
    """Call a node whose lazy inputs may turn out to be lists: once for each item of the longest one that it used."""
    plain = {name: values for name, values in work.lists.items() if name not in work.lazy}
    used: set[str] = set()
    count = call_count(plain, work.spec.whole)
    results: list[Result] = []
    while len(results) < count:
        calls = []
        for index in range(len(results), count):
            arguments = nth_call(plain, index, work.spec.whole)
            for name in work.lazy:
                arguments[name] = LazyInput(name, _fetcher(run, work, index, used))
            calls.append((index, arguments))
        results += await _together(run, work, calls)
        count = max([count, *(len(_values(run, work, name)) for name in used)])
    return results


def _values(run: Run, work: Work, name: str) -> list[Any]:
    link = work.lazy[name]
    if not link.node:
        return work.lists[name]
    outputs: Any = run.ledger.results[link.node].outputs
    return outputs[link.output] if 0 <= link.output < len(outputs) else [None]


def _fetcher(run: Run, work: Work, index: int, used: set[str]) -> Any:
    async def fetch(lazy: LazyInput) -> Any:
        used.add(lazy.name)
        link = work.lazy[lazy.name]
        if link.node:
            arrived = run.await_result(work, index, link.node)
            if arrived is not None:
                await arrived
        values = _values(run, work, lazy.name)
        if not values:
            raise EmptyList(f"list index out of range: input '{lazy.name}' received an empty list.")
        value = values[index] if index < len(values) else values[-1]
        if isinstance(value, Blocker):
            raise BlockedInput(value)
        return value

    return fetch
