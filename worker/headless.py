"""`main.py run`: a workflow is run in this process, without a server.

Exit status: 0 when every output was produced, 1 when something failed or the workflow has problems, 2 for a wrong
command line, 130 when interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from graph_runtime.cancel import CancelToken
from graph_runtime.catalogue import Catalogue
from graph_runtime.documents import Document, InvalidDocument, Texts, convert, load, to_saved
from graph_runtime.errors import HeddleError
from graph_runtime.graph import Graph
from graph_runtime.problems import Problem
from graph_runtime.prompt import to_prompt
from graph_runtime.run_memory import load_runs, save_runs
from worker import settings as worker_settings
from worker.assignments import Assignment, BadAssignment, assign
from worker.progress_bar import ProgressBar
from worker.report import Report, RunListener, tell
from worker.runtime import Job, Runtime
from worker.workflow_files import OpenedWorkflow, open_workflow

__all__ = ["add_arguments", "main", "run"]

RUN_MEMORY = "last_runs.json"
"""File in DATA with what the last runs knew of their nodes, for `--explain`."""
_log = logging.getLogger(__name__)


def main(argv: Sequence[str]) -> int:
    """Parse the command line of `run` and run it; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="main.py run",
        description="Run a workflow without a server.",
        epilog="Example: main.py run workflows/text-to-image.json --set Prompt.text='a green star'",
    )
    add_arguments(parser)
    return run(parser.parse_args(argv))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `run`."""
    parser.add_argument("workflow", type=Path, help="a workflow or API prompt as JSON, or a picture that carries one")
    parser.add_argument(
        "--set",
        dest="assignments",
        type=_assignment,
        action="append",
        default=[],
        metavar="NODE.INPUT=VALUE",
        help="change an input; NODE is an id, a title, or a type that only one node has; may be repeated",
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="where results go, instead of DATA/output")
    parser.add_argument("--json", action="store_true", help="print one JSON object about the run on standard output")
    parser.add_argument("--explain", action="store_true", help="say of every node why it ran")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument("--verbose", action="store_true", help="show the traceback of a node that fails")
    worker_settings.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run a workflow as parsed arguments say; return the exit status."""
    chosen = worker_settings.from_arguments(args)
    if args.output is not None:
        chosen = replace(chosen, output_dir=args.output)
    try:
        report = asyncio.run(_run(args, chosen))
    except InvalidDocument as error:
        report = Report("invalid", [problem.to_data() for problem in error.problems])
    except (HeddleError, ValueError, OSError) as error:
        report = Report("invalid", [{"what": str(error)}])
    except KeyboardInterrupt:
        report = Report("cancelled")
    tell(report, explain=args.explain, verbose=args.verbose, files=not args.json)
    if args.json:
        print(json.dumps(report.to_data(), default=repr))
    return report.exit_status


async def _run(args: argparse.Namespace, chosen: worker_settings.Settings) -> Report:
    started = time.monotonic()
    opened = open_workflow(args.workflow)
    cancel = CancelToken()
    _cancel_on_interrupt(cancel)
    runtime = Runtime(chosen)
    try:
        plan = await _prepare(runtime, opened, args.assignments)
        report = Report("invalid", [problem.to_data() for problem in plan.problems], plan.warnings)
        if not plan.problems:
            job = Job("run", to_prompt(plan.graph), plan.targets, {"extra_pnginfo": plan.provenance}, graph=plan.graph)
            listener = RunListener(plan.titles)
            memory = chosen.data_dir / RUN_MEMORY
            for record in reversed(load_runs(memory)):
                runtime.engine.explainer.remember(record)
            with ProgressBar(plan.titles, shown=False if args.quiet else None) as bar:
                listener.then(bar.on_event)
                done = await runtime.run(job, listener.on_event, cancel)
            await asyncio.to_thread(_remember, memory, runtime)
            report.fill(done, listener, plan.targets, runtime.folders)
        report.seconds = time.monotonic() - started
        return report
    finally:
        await runtime.close()


def _remember(memory: Path, runtime: Runtime) -> None:
    """Leave the next process what it needs to say why its nodes run; a disk that takes nothing costs only that."""
    try:
        save_runs(memory, runtime.engine.explainer.runs)
    except OSError as error:
        _log.warning("The next run cannot be compared with this one: %s cannot be written: %s.", memory, error)


@dataclass(frozen=True, slots=True)
class _Plan:
    graph: Graph
    targets: tuple[str, ...]
    problems: tuple[Problem, ...]
    warnings: list[str]
    titles: dict[str, str]
    provenance: dict[str, Any]


async def _prepare(runtime: Runtime, opened: OpenedWorkflow, assignments: Sequence[Assignment]) -> _Plan:
    """Make a checked graph of a workflow; packs are loaded only if it needs them."""
    converted = convert(opened.data, runtime.catalogue)
    if any(warning.code == "unknown_type" for warning in converted.warnings):
        await asyncio.to_thread(runtime.load_packs)
        converted = convert(opened.data, runtime.catalogue)
    document = converted.document
    texts = Texts(choose=random.choice, now=datetime.now())
    assigned = assign(document.to_graph(runtime.catalogue, texts), runtime.catalogue, assignments)
    validation = await runtime.validate(assigned.graph)
    problems = (*assigned.problems, *validation.problems)
    catalogue = runtime.catalogue
    return _Plan(
        validation.graph,
        validation.good_outputs,
        problems,
        [str(warning) for warning in converted.warnings if warning.code != "unknown_type"],
        {node_id: _title(assigned.graph, node_id, catalogue) for node_id in assigned.graph},
        {} if problems else _provenance(opened, document, assigned.values, catalogue),
    )


def _title(graph: Graph, node_id: str, catalogue: Catalogue) -> str:
    node = graph[node_id]
    spec = catalogue.get(node.type)
    return node.title or (spec.display_name if spec is not None else node.type)


def _provenance(
    opened: OpenedWorkflow, document: Document, values: Mapping[tuple[str, str], Any], catalogue: Catalogue
) -> dict[str, Any]:
    """What saved pictures carry beside the prompt: the editor's document, with the changes made here.

    A change inside a subgraph cannot be written into the document, which other instances share; the prompt alone
    then says what ran.
    """
    if not values:
        if opened.workflow is not None:
            return {"workflow": opened.workflow}
        return {"workflow": to_saved(document, catalogue)}
    if any(node_id not in document.nodes for node_id, _ in values):
        return {}
    data = document.to_data()
    for (node_id, name), value in values.items():
        inputs = data["nodes"][node_id].setdefault("inputs", {})
        inputs[name] = {"value": value} if isinstance(value, list | dict) else value
    return {"workflow": to_saved(load(data, catalogue), catalogue)}


def _cancel_on_interrupt(cancel: CancelToken) -> None:
    """The first Ctrl-C ends the run at its next step; the second ends the process at once."""

    def interrupted() -> None:
        if cancel.cancelled:
            os._exit(130)
        cancel.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, interrupted)
        except (NotImplementedError, RuntimeError):  # no such signals here, or not the main thread
            return


def _assignment(text: str) -> Assignment:
    try:
        return Assignment.parse(text)
    except BadAssignment as error:
        raise argparse.ArgumentTypeError(str(error)) from error
