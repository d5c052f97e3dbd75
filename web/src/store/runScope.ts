/** A run as one scope sees it: nodes inside instances are told together, as their instance. */
import type { NodeRun, NodeState, Problem, Run } from "./state";

export const NO_RUN: Run = { job: null, nodes: {}, problems: [] };

const seen = new WeakMap<Run, Map<string, Run>>();
const RANK: Readonly<Record<NodeState, number>> = { failed: 5, running: 4, waiting: 3, done: 2, cached: 1 };

/** The run by ids below `prefix` (`12:3:`); the same run and prefix give the same object. */
export function runInScope(run: Run, prefix: string): Run {
  const known = seen.get(run) ?? new Map<string, Run>();
  seen.set(run, known);
  const found = known.get(prefix) ?? scoped(run, prefix);
  known.set(prefix, found);
  return found;
}

function scoped(run: Run, prefix: string): Run {
  const nodes: Record<string, NodeRun> = {};
  const inside = new Map<string, NodeRun[]>();
  for (const [id, node] of Object.entries(run.nodes)) {
    if (!id.startsWith(prefix)) continue;
    const [head = "", ...below] = id.slice(prefix.length).split(":");
    if (below.length === 0) nodes[head] = node;
    else inside.set(head, [...(inside.get(head) ?? []), node]);
  }
  for (const [id, parts] of inside) nodes[id] = together(parts);
  return { job: run.job, nodes, problems: run.problems.flatMap((problem) => shownProblem(problem, prefix)) };
}

/** One state for many nodes: the most urgent of theirs, all their pictures, the sum of their times. */
function together(parts: readonly NodeRun[]): NodeRun {
  const sorted = [...parts].sort((a, b) => RANK[b.state] - RANK[a.state]);
  const first = sorted[0];
  if (!first) throw new Error("an instance that ran has nodes inside");
  const begun = parts.some(({ state }) => state !== "waiting");
  const timed = parts.flatMap(({ seconds }) => (seconds === null ? [] : [seconds]));
  return {
    ...first,
    state: first.state === "waiting" && begun ? "running" : first.state,
    seconds: timed.length ? timed.reduce((sum, one) => sum + one, 0) : null,
    preview: sorted.find(({ preview }) => preview !== null)?.preview ?? null,
    images: parts.flatMap(({ images }) => images),
    comparison: parts.find(({ comparison }) => comparison !== null)?.comparison ?? null,
    texts: parts.flatMap(({ texts }) => texts),
  };
}

function shownProblem(problem: Problem, prefix: string): Problem[] {
  if (problem.node === null) return [problem];
  if (!problem.node.startsWith(prefix)) return [];
  const [head = "", ...below] = problem.node.slice(prefix.length).split(":");
  return [below.length === 0 ? { ...problem, node: head } : { ...problem, node: head, input: null, what: problem.input === null ? problem.what : `${problem.input}: ${problem.what}` }];
}
