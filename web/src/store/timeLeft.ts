/** How long a running job still takes, guessed from its steps and from earlier jobs of the same workflow. */
import type { JobRow, JobsSlice, NodeRun } from "./state";

/** Seconds left; null when nothing is known to guess from. */
export function secondsLeft(jobs: Pick<JobsSlice, "rows" | "runs">, row: JobRow, now: number): number | null {
  const run = row.tab === null ? undefined : jobs.runs[row.tab];
  const running = run?.job === row.id ? Object.values(run.nodes).find(({ state }) => state === "running") : undefined;
  const steps = running ? byItsSteps(running, now) : null;
  const usual = usualSeconds(jobs.rows, row);
  const earlier = usual === null || row.startedAt === null ? null : Math.max(0, usual - (now - row.startedAt) / 1000);
  return steps === null || earlier === null ? (steps ?? earlier) : Math.max(steps, earlier);
}

/** What the running node's pace says; its first step also loads things, so one step is no pace yet. */
function byItsSteps({ value, max, startedAt }: NodeRun, now: number): number | null {
  if (startedAt === null || value < 2) return null;
  return ((now - startedAt) / 1000 / value) * (max - value);
}

/** The middle one of the durations of this workflow's jobs. */
function usualSeconds(rows: JobsSlice["rows"], { name }: JobRow): number | null {
  const durations = Object.values(rows).flatMap((row) =>
    row.name === name && row.state === "succeeded" && row.startedAt !== null && row.finishedAt !== null ? [(row.finishedAt - row.startedAt) / 1000] : [],
  );
  return durations.sort((a, b) => a - b)[Math.floor(durations.length / 2)] ?? null;
}

/** How much of a job is done, from 0 to 1; null when no tab shows it. */
export function shareDone(jobs: Pick<JobsSlice, "runs">, { id, tab }: Pick<JobRow, "id" | "tab">): number | null {
  const run = tab === null ? undefined : jobs.runs[tab];
  if (run?.job !== id) return null;
  const nodes = Object.values(run.nodes);
  const done = nodes.reduce((sum, node) => sum + (node.state === "running" ? node.value / Math.max(1, node.max) : node.state === "waiting" ? 0 : 1), 0);
  return nodes.length ? done / nodes.length : 0;
}
