"""How a run comes to its end: completed, failed, or cancelled, with nobody left running."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

from graph_runtime import events
from graph_runtime.errors import Cancelled, DependencyCycleError
from graph_runtime.failure import current_inputs, exception_type, fix_for, message_of, traceback_lines
from graph_runtime.graph import Node
from graph_runtime.hidden import SECRET_KINDS
from graph_runtime.work import Work

if TYPE_CHECKING:
    from graph_runtime.run import Run

__all__ = ["Ending"]

_LOOK_AGAIN = 0.1
_log = logging.getLogger(__name__)


class Ending:
    """Decides once how a run ends: the first failure or cancellation wins.

    Attributes:
        completed: everything that was wanted is done.
        failure: set if a node failed.
        cached_at_start: nodes whose results were known when the run began.
    """

    def __init__(self, run: Run) -> None:
        self.completed = False
        self.failure: events.RunFailed | None = None
        self.cached_at_start: tuple[str, ...] = ()
        self._run = run
        self._stopped_at: Node | None = None

    @property
    def status(self) -> Literal["succeeded", "failed", "cancelled"]:
        """How it ended."""
        return "failed" if self.failure is not None else "succeeded" if self.completed else "cancelled"

    def cancel(self) -> None:
        """The run was asked to stop; called from any thread."""
        run = self._run
        with run.lock:
            if not self.completed and not run.services.stopping.is_set():
                self._stopped_at = next((work.node for work in run.working.values()), None)
                self._stop_all()

    def fail(self, work: Work, error: BaseException) -> None:
        """A node's code raised; called from any thread."""
        run = self._run
        with run.lock:
            self.stop(work, error)
            run.leave(work)

    def stop(self, at: Work | Node | None, error: BaseException) -> None:
        """Stop the run because of an error, unless it stops already.

        Args:
            at: the node concerned; None for the engine's own steps.
        """
        run = self._run
        node = at.node if isinstance(at, Work) else at
        with run.lock:
            if not run.services.stopping.is_set():
                if isinstance(error, Cancelled):
                    self._stopped_at = node
                else:
                    self.failure = self._describe(node, at if isinstance(at, Work) else None, error)
            elif self.failure is None and self._stopped_at is None and isinstance(error, Cancelled):
                self._stopped_at = node
            self._stop_all()

    def _stop_all(self) -> None:
        run = self._run
        run.services.stopping.set()
        run.coroutines.cancel()
        run.changed.notify_all()

    def _describe(self, node: Node | None, work: Work | None, error: BaseException) -> events.RunFailed:
        run = self._run
        node_id = node.id if node is not None else next(iter(run.targets), "")
        blamed = run.nodes.get(run.identities.real(node_id))
        return events.RunFailed(
            node=blamed.id if blamed is not None else node_id,
            node_type=blamed.type if blamed is not None else "",
            executed=run.announce.told,
            message=message_of(error),
            exception_type=exception_type(error),
            traceback=traceback_lines(error),
            current_inputs=current_inputs(_shown(work)) if work is not None else {},
            current_outputs=self.cached_at_start,
            fix=fix_for(error),
        )

    def report_cycle(self) -> None:
        """Fail because everything that is left waits for each other."""
        run = self._run
        cycle = run.plan.find_cycle() or run.plan.open_nodes()
        ephemeral = next((node_id for node_id in cycle if run.identities.is_ephemeral(node_id)), None)
        blamed = run.identities.display(ephemeral) if ephemeral is not None else cycle[0]
        shown = " → ".join([*cycle[:8], *(["…"] if len(cycle) > 8 else []), cycle[0]])
        error = DependencyCycleError(
            "Dependency cycle detected", fix=f"These nodes wait for each other: {shown}. Remove one of the links."
        )
        self.stop(run.nodes.get(blamed) or Node(blamed, ""), error)

    def settle_down(self) -> None:
        """Wait until no node is active; coroutines that refuse to end are left behind after the engine's patience."""
        run = self._run
        patience = run.engine.patience
        with run.lock:
            while run.working and patience > 0:
                if not run.services.stopping.is_set():
                    run.changed.wait()
                    continue
                run.coroutines.cancel()
                if all(work.behaviour.asynchronous for work in run.working.values()):
                    if not run.changed.wait(min(_LOOK_AGAIN, patience)):
                        patience -= _LOOK_AGAIN
                else:
                    run.changed.wait()

    def announce(self) -> None:
        """Run what nodes left for the end, then emit the run's last event."""
        run = self._run
        for function in run.services.after_run:
            try:
                function()
            except Exception:
                _log.exception("Cleaning up after job %s failed.", run.services.job)
        executed = run.announce.told
        if self.failure is not None:
            run.services.emit(self.failure)
        elif self.completed:
            run.services.emit(events.RunSucceeded())
        else:
            at = self._stopped_at
            real = run.nodes.get(run.identities.real(at.id)) if at is not None else None
            run.services.emit(
                events.RunCancelled(
                    real.id if real is not None else None, real.type if real is not None else None, executed
                )
            )


def _shown(work: Work) -> dict[str, list[Any]]:
    """The inputs of a node without the keys and tokens that it was given to use, not to show."""
    secret = {item.name for item in work.spec.hidden_inputs if item.hidden in SECRET_KINDS}
    return {name: values for name, values in work.lists.items() if name not in secret}
