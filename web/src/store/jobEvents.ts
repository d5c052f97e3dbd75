/** What an event from the server does to the jobs slice. Pure: time and picture addresses are arguments. */
import { keyOfFile, type NodeProgress, type Shown, shownIn, type WireEvent } from "../core/wire";
import type { JobRow, JobsSlice, JobState, NodeRun, Problem, Run } from "./state";
import { NO_RUN } from "./runScope";

const NEW_NODE: NodeRun = {
  state: "waiting",
  value: 0,
  max: 1,
  startedAt: null,
  seconds: null,
  preview: null,
  reasons: [],
  images: [],
  comparison: null,
  texts: [],
};

export function emptyRow(id: string): JobRow {
  return {
    id,
    number: Infinity,
    state: "queued",
    name: "",
    tab: null,
    createdAt: null,
    startedAt: null,
    finishedAt: null,
    images: [],
    failure: null,
  };
}

export function withRow(jobs: JobsSlice, id: string, part: Partial<JobRow>): JobsSlice {
  const row = jobs.rows[id] ?? emptyRow(id);
  return { ...jobs, rows: { ...jobs.rows, [id]: { ...row, ...part } } };
}

export function withoutRow(jobs: JobsSlice, id: string): JobsSlice {
  const { [id]: _gone, ...rows } = jobs.rows;
  return { ...jobs, rows };
}

/** Changes the run of the tab that shows this job; other jobs show in the panel only. */
function withRun(jobs: JobsSlice, job: string, next: (run: Run) => Run): JobsSlice {
  const tab = jobs.rows[job]?.tab ?? null;
  const run = tab === null ? undefined : jobs.runs[tab];
  if (tab === null || !run || run.job !== job) return jobs;
  return { ...jobs, runs: { ...jobs.runs, [tab]: next(run) } };
}

function withNode(run: Run, id: string, next: (node: NodeRun) => Partial<NodeRun>): Run {
  const node = run.nodes[id] ?? NEW_NODE;
  return { ...run, nodes: { ...run.nodes, [id]: { ...node, ...next(node) } } };
}

/** A job is on its way for this tab: pictures of the last run stay until new ones come. */
export function begin(jobs: JobsSlice, tab: string, job: string, nodes: Iterable<string>): JobsSlice {
  const old = jobs.runs[tab]?.nodes ?? {};
  const waiting: Record<string, NodeRun> = {};
  for (const id of nodes) {
    const { images, comparison, texts, preview } = old[id] ?? NEW_NODE;
    waiting[id] = { ...NEW_NODE, images, comparison, texts, preview };
  }
  return { ...jobs, runs: { ...jobs.runs, [tab]: { job, nodes: waiting, problems: [] } } };
}

/** Several jobs of a tab may wait: the tab shows the one that runs. */
function showStarted(jobs: JobsSlice, id: string): JobsSlice {
  const tab = jobs.rows[id]?.tab ?? null;
  const run = tab === null ? undefined : jobs.runs[tab];
  if (tab === null || !run || run.job === id) return jobs;
  return begin(jobs, tab, id, Object.keys(run.nodes));
}

/** What the server says of a node: whether it ran, its result was there already, or neither; and why. */
export interface Explanation {
  readonly outcome: "done" | "cached" | null;
  readonly reasons: readonly string[];
}

/** Puts the server's explanations on the nodes of the tab that shows this job; after a reload they also say what ran. */
export function explain(jobs: JobsSlice, job: string, told: ReadonlyMap<string, Explanation>): JobsSlice {
  const ended = jobs.rows[job]?.state;
  return withRun(jobs, job, (run) => {
    const nodes: Record<string, NodeRun> = { ...run.nodes };
    for (const [id, { outcome, reasons }] of told) {
      const node = nodes[id] ?? NEW_NODE;
      const unknown = node.state === "waiting" && outcome !== null && ended !== "queued" && ended !== "running";
      nodes[id] = { ...node, reasons, ...(unknown ? { state: outcome } : {}) };
    }
    return { ...run, nodes };
  });
}

/** What the server found: the problems show on the nodes, results stay. */
export function refuse(jobs: JobsSlice, tab: string, problems: readonly Problem[]): JobsSlice {
  const run = jobs.runs[tab] ?? NO_RUN;
  return { ...jobs, runs: { ...jobs.runs, [tab]: { ...run, problems } } };
}

function applyProgress(run: Run, nodes: readonly NodeProgress[], now: number): Run {
  let next = run;
  for (const { node_id, display_node_id, value, max, state } of nodes) {
    const id = display_node_id || node_id;
    if (node_id !== id && state !== "running") continue;
    next = withNode(next, id, (node) => {
      const startedAt = node.startedAt ?? now;
      if (state === "running") return { state: "running", value, max, startedAt };
      if (state === "error") return { state: "failed", value, max };
      if (state === "finished" && node.state !== "cached" && node.state !== "done")
        return { state: "done", value: max, max, seconds: (now - startedAt) / 1000 };
      return {};
    });
  }
  return next;
}

function runningNode(run: Run | undefined): string | null {
  const found = Object.entries(run?.nodes ?? {}).find(([, node]) => node.state === "running");
  return found?.[0] ?? null;
}

function finish(jobs: JobsSlice, id: string, state: JobState, now: number): JobsSlice {
  const done = withRow(jobs, id, { state, finishedAt: now });
  return withRun(done, id, (run) => {
    const nodes = Object.entries(run.nodes).map(([node, of]): [string, NodeRun] => {
      if (of.state === "running") return [node, { ...of, state: state === "succeeded" ? "done" : "waiting" }];
      return [node, of];
    });
    return { ...run, nodes: Object.fromEntries(nodes) };
  });
}

/** `url` is the address of a preview's picture, made by the caller. */
export function applyEvent(jobs: JobsSlice, event: WireEvent, now: number, url: string | null = null): JobsSlice {
  switch (event.kind) {
    case "status":
      return { ...jobs, remaining: event.remaining };
    case "started":
      return withRow(showStarted(jobs, event.job), event.job, { state: "running", startedAt: now, finishedAt: null, failure: null });
    case "cached":
      return withRun(jobs, event.job, (run) =>
        event.nodes.reduce((all, id) => (all.nodes[id] ? withNode(all, id, () => ({ state: "cached" })) : all), run),
      );
    case "executing": {
      const { job, node } = event;
      if (job === null || node === null) return jobs;
      return withRun(jobs, job, (run) =>
        withNode(run, node, ({ startedAt }) => ({ state: "running", startedAt: startedAt ?? now })),
      );
    }
    case "progress":
      return withRun(jobs, event.job, (run) => applyProgress(run, event.nodes, now));
    case "shown":
      return applyShown(jobs, event.job, event.node, shownIn(event.output));
    case "succeeded":
      return finish(jobs, event.job, "succeeded", now);
    case "cancelled":
      return finish(jobs, event.job, "cancelled", now);
    case "failed": {
      const { failure } = event;
      const problem: Problem = { code: failure.exception, node: failure.node, input: null, what: failure.message, fix: failure.fix };
      const ended = finish(withRow(jobs, event.job, { failure }), event.job, "failed", now);
      return withRun(ended, event.job, (run) => ({
        ...withNode(run, failure.node, () => ({ state: "failed" })),
        problems: [...run.problems.filter((known) => known.node !== problem.node || known.what !== problem.what), problem],
      }));
    }
    case "preview":
      return applyPreview(jobs, event.job, event.node, url);
    case "text": {
      const job = runningJob(jobs);
      return job === undefined ? jobs : withRun(jobs, job, (run) => withNode(run, event.node, () => ({ texts: [event.text] })));
    }
    case "other":
      return jobs;
  }
}

export function applyShown(jobs: JobsSlice, job: string, node: string, shown: Shown): JobsSlice {
  const row = jobs.rows[job] ?? emptyRow(job);
  const known = new Set(row.images.map(keyOfFile));
  const fresh = shown.images.filter((file) => !known.has(keyOfFile(file)));
  const listed = fresh.length ? withRow(jobs, job, { images: [...row.images, ...fresh] }) : jobs;
  return withRun(listed, job, (run) => withNode(run, node, () => ({ ...shown, preview: null })));
}

/** The job that messages without one belong to. */
function runningJob(jobs: JobsSlice): string | undefined {
  return Object.values(jobs.rows).find((row) => row.state === "running" && row.tab !== null)?.id;
}

function applyPreview(jobs: JobsSlice, job: string | null, node: string | null, url: string | null): JobsSlice {
  const running = job ?? runningJob(jobs);
  if (running === undefined) return jobs;
  return withRun(jobs, running, (run) => {
    const id = node ?? runningNode(run);
    return id === null ? run : withNode(run, id, () => ({ preview: url }));
  });
}

/** Which preview addresses are shown now; others may be given back. */
export function previewsShown(jobs: JobsSlice): ReadonlySet<string> {
  const shown = new Set<string>();
  for (const run of Object.values(jobs.runs))
    for (const { preview } of Object.values(run.nodes)) if (preview !== null) shown.add(preview);
  return shown;
}
