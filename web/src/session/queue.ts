/** The server's queue as the editor shows it: its jobs, their order, whether it is paused, and why nodes ran. */
import { queueApi } from "../api/queue";
import type { ExplainAnswer, JobItem, MoveBody } from "../api/schema";
import type { Editor } from "../store/editor";
import { emptyRow, explain, type Explanation } from "../store/jobEvents";
import { queuedInTurn } from "../store/turns";
import type { JobRow, JobsSlice } from "../store/state";
import { rowOf } from "./jobRows";

const LISTED_JOBS = 60;
const LISTED_WAITING = 200;
const SETTLES_AFTER_MS = 300;

type Report = <T>(title: string, work: () => Promise<T>) => Promise<T | null>;

export class JobQueue {
  private timer = 0;

  constructor(
    private readonly editor: Editor,
    private readonly report: Report,
    private readonly clientId: string,
  ) {}

  /** Lists again when the number of jobs changes, which other windows cause too; asks why nodes ran when a job ends. */
  watch(): void {
    this.editor.store.subscribe(({ jobs }, { jobs: before }) => {
      if (jobs === before) return;
      if (jobs.remaining !== before.remaining) this.refreshSoon();
      for (const job of justEnded(jobs, before)) void this.explain(job);
    });
  }

  private refreshSoon(): void {
    window.clearTimeout(this.timer);
    const work = () => this.report("The list of jobs could not be read", () => this.refresh());
    this.timer = window.setTimeout(() => void work(), SETTLES_AFTER_MS);
  }

  /** Throws ApiError. */
  async refresh(): Promise<void> {
    const [queue, newest, waiting] = await Promise.all([
      queueApi.queue(),
      queueApi.jobs({ limit: LISTED_JOBS }),
      queueApi.jobs({ state: "queued", limit: LISTED_WAITING }),
    ]);
    this.editor.store.setState(({ jobs }) => {
      const rows: Record<string, JobRow> = { ...jobs.rows };
      for (const data of [...newest.jobs, ...waiting.jobs]) {
        const row = rowOf(data, rows[data.id] ?? emptyRow(data.id));
        rows[data.id] = { ...row, tab: row.tab ?? this.tabOf(data) };
      }
      return { jobs: { ...jobs, rows, paused: queue.paused, turns: waiting.jobs.map(({ id }) => id) } };
    });
  }

  /** After a reload: which tab an unfinished job of this window came from. */
  private tabOf({ state, client_id, name }: JobItem): string | null {
    if (client_id !== this.clientId || (state !== "queued" && state !== "running")) return null;
    return this.editor.state.document.tabs.find(({ document }) => document.name === name)?.id ?? null;
  }

  async setPaused(paused: boolean): Promise<void> {
    const title = paused ? "The queue could not be paused" : "The queue could not be resumed";
    await this.report(title, async () => {
      const queue = await queueApi.setPaused(paused);
      this.editor.store.setState(({ jobs }) => ({ jobs: { ...jobs, paused: queue.paused } }));
    });
  }

  /** Puts a queued job elsewhere: shown at once, and put right by the server's list. */
  async move(job: string, place: MoveBody): Promise<void> {
    this.editor.store.setState(({ jobs }) => ({ jobs: { ...jobs, turns: moved(queuedInTurn(jobs).map(({ id }) => id), job, place) } }));
    await this.report("The job could not be moved", () => queueApi.move(job, place));
    this.refreshSoon();
  }

  async cancelQueued(): Promise<void> {
    await this.report("The queued jobs could not be cancelled", () => queueApi.cancelQueued());
    this.refreshSoon();
  }

  async explain(job: string): Promise<void> {
    await this.report("It is not known why nodes ran", async () => {
      const { nodes } = await queueApi.explain(job);
      this.editor.store.setState(({ jobs }) => ({ jobs: explain(jobs, job, explanations(nodes)) }));
    });
  }
}

function justEnded(jobs: JobsSlice, before: JobsSlice): string[] {
  if (jobs.rows === before.rows) return [];
  return Object.values(jobs.runs).flatMap(({ job }) => {
    const row = job === null ? undefined : jobs.rows[job];
    const old = job === null ? undefined : before.rows[job];
    const ended = row !== undefined && row.state !== "queued" && row.state !== "running";
    return row && ended && row.state !== old?.state ? [row.id] : [];
  });
}

/** The order of ids once one of them stands elsewhere. */
export function moved(ids: readonly string[], id: string, place: MoveBody): string[] {
  const rest = ids.filter((each) => each !== id);
  if (place.to !== undefined) return place.to === "front" ? [id, ...rest] : [...rest, id];
  const beside = place.before ?? place.after ?? "";
  const at = rest.indexOf(beside) + (place.after === undefined ? 0 : 1);
  return [...rest.slice(0, at), id, ...rest.slice(at)];
}

/** What is said of each node of the graph. */
export function explanations(nodes: ExplainAnswer["nodes"]): ReadonlyMap<string, Explanation> {
  const found = new Map<string, Explanation>();
  for (const entry of nodes) {
    const reasons = Array.isArray(entry["reasons"]) ? (entry["reasons"] as readonly Readonly<Record<string, unknown>>[]) : [];
    const waited = reasons.some(({ kind }) => kind === "not_needed" || kind === "not_reached");
    const outcome = entry["ran"] === true ? "done" : waited ? null : "cached";
    found.set(String(entry["node"]), { outcome, reasons: reasons.flatMap(({ text }) => (typeof text === "string" ? [text] : [])) });
  }
  return found;
}
