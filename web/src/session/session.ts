/** The editor together with its server: start, run, cancel, and what is restored after a reload. */
import defaultDocument from "../../../workflows/text-to-image.json";
import { api, ApiError } from "../api/client";
import type { JobDetail } from "../api/schema";
import { advanceSeeds } from "../core/edits";
import { isOwnFormat, parseDocument } from "../core/parse";
import { EMPTY_DOCUMENT, type WorkflowDocument } from "../core/document";
import { parseJson, stringifyJson } from "../core/json";
import type { Point } from "../core/geometry";
import { shownIn } from "../core/wire";
import type { Editor } from "../store/editor";
import { applyEvent, applyShown, begin, emptyRow, refuse, withoutRow, withRow } from "../store/jobEvents";
import type { JobsSlice } from "../store/state";
import { NO_RUN } from "../store/runScope";
import { activeTab } from "../store/store";
import { Autosave } from "./autosave";
import { JobFeed } from "./feed";
import { rowOf } from "./jobRows";
import { Follower } from "./follower";
import { JobQueue } from "./queue";
import { CatalogueFeed } from "./catalogue";
import { loadPackExtensions, watchExtensions } from "./extensions";
import { addPicture } from "./pictures";
import { sharedForm } from "./sharing";
import { BrowserShelf, type Version, Versions } from "./versions";

export class Session {
  readonly feed: JobFeed;
  readonly versions: Versions;
  readonly queue: JobQueue;
  readonly catalogue: CatalogueFeed;
  private readonly autosave: Autosave;

  constructor(
    readonly editor: Editor,
    readonly clientId: string,
  ) {
    this.feed = new JobFeed(editor, clientId, (again) => {
      if (again) void this.catalogue.load(); // the server may have been started again with other packs
      void this.refresh();
    });
    this.catalogue = new CatalogueFeed(editor, (newerThan) => api.catalogue(newerThan), () => {
      void this.report("The packs' editor extensions could not be listed", () => loadPackExtensions(editor));
    });
    this.queue = new JobQueue(editor, (title, work) => this.report(title, work), clientId);
    this.autosave = new Autosave(editor, window.localStorage, clientId);
    this.versions = new Versions(new BrowserShelf(), editor.outside.now, editor.outside.freshId);
  }

  async start(): Promise<void> {
    const restored = this.autosave.restore();
    if (!restored) this.editor.open(parseDocument(defaultDocument));
    this.autosave.watch();
    this.queue.watch();
    new Follower(this.editor, () => this.run()).watch();
    this.feed.connect();
    watchExtensions(this.editor, window);
    await this.catalogue.load();
    if (!restored) {
      this.editor.openingView();
      await this.takeServersDefault();
    }
  }

  /** Only the form of a shared workflow; the tabs of other visits are left alone. */
  async startForm(id: string): Promise<void> {
    this.editor.patchView({ form: "alone" });
    this.feed.connect();
    watchExtensions(this.editor, window);
    const loaded = this.catalogue.load();
    await this.report("This form is not shared on this server any more", async () => this.editor.open(await sharedForm(id)));
    await loaded;
  }

  /** The server may ship another first workflow than the one this editor was built with. */
  private async takeServersDefault(): Promise<void> {
    const first = activeTab(this.editor.state);
    try {
      const document = parseDocument(await api.defaultDocument());
      // Meanwhile the person may have changed it, closed it, or opened something else: that stays as it is.
      const now = this.editor.state.document.tabs.find(({ id }) => id === first.id);
      if (now?.document !== first.document) return;
      this.editor.patchTab(first.id, { document, saved: document });
      if (activeTab(this.editor.state).id === first.id) this.editor.openingView();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // without templates the built-in copy stays
    }
  }

  /** What happened while nobody listened: the list of jobs, and the results of those that tabs show. */
  async refresh(): Promise<void> {
    try {
      await this.queue.refresh();
      const shown = Object.entries(this.editor.state.jobs.runs);
      await Promise.all(shown.flatMap(([tab, { job }]) => (job === null ? [] : [this.catchUp(tab, job)])));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status !== 0) this.editor.notify("error", "The list of jobs could not be read", error.message);
    }
  }

  private async catchUp(tab: string, id: string): Promise<void> {
    let data: JobDetail;
    try {
      data = await api.job(id);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return; // the job was deleted meanwhile
      throw error;
    }
    const now = this.editor.outside.now();
    this.editor.store.setState((state) => {
      const known = state.jobs.rows[id] ?? emptyRow(id);
      const row = { ...rowOf(data, known), tab };
      let jobs = withRow(state.jobs, id, row);
      const shown = state.document.tabs.find((each) => each.id === tab);
      const fresh = Object.keys(jobs.runs[tab]?.nodes ?? {}).length === 0;
      if (shown && fresh && row.state !== "failed") jobs = begin(jobs, tab, id, Object.keys(shown.document.nodes));
      for (const [node, output] of Object.entries(data.outputs as Record<string, Record<string, unknown>>))
        jobs = applyShown(jobs, id, node, shownIn(output));
      if (row.state === "succeeded") jobs = applyEvent(jobs, { kind: "succeeded", job: id }, row.finishedAt ?? now);
      if (row.state === "cancelled") jobs = applyEvent(jobs, { kind: "cancelled", job: id }, row.finishedAt ?? now);
      if (row.state === "failed" && row.failure)
        jobs = applyEvent(jobs, { kind: "failed", job: id, failure: row.failure }, row.finishedAt ?? now);
      return { jobs };
    });
    if (data.state !== "queued") await this.queue.explain(id);
  }

  /** Queues the shown document as often as the person chose, with the next seed each time. */
  async runTimes(targets: readonly string[] | null = null): Promise<void> {
    for (let left = this.editor.state.jobs.times; left > 0; left -= 1) if (!(await this.run({ targets }))) return;
  }

  /** Queues the shown document, up to some nodes only when `targets` says so; false when the server refused it. */
  async run({ targets = null, front = false }: { targets?: readonly string[] | null; front?: boolean } = {}): Promise<boolean> {
    const { editor } = this;
    const { id: tab, document } = activeTab(editor.state);
    const id = editor.outside.freshId();
    const before = editor.state.jobs.runs[tab] ?? NO_RUN;
    const row = { name: document.name, tab, createdAt: editor.outside.now() };
    const change = (next: (jobs: JobsSlice) => JobsSlice) => editor.store.setState(({ jobs }) => ({ jobs: next(jobs) }));
    // The id is ours and known before the request leaves, so no event can come too early and a reload finds the job.
    change((jobs) => ({ ...begin(withRow(jobs, id, row), tab, id, Object.keys(document.nodes)), submitting: true }));
    try {
      const { number, problems } = await api.submit({ id, document, client_id: this.clientId, targets, front });
      change((jobs) => refuse(withRow(jobs, id, { number }), tab, [...problems, ...(jobs.runs[tab]?.problems ?? [])]));
      this.keepVersion("run", document);
      if (activeTab(editor.state).id === tab)
        editor.commitRoot(advanceSeeds(editor.root, editor.specs, editor.outside.random), "Next seed", "next seed");
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { problems, message } = error;
      change((jobs) => ({ ...withoutRow(jobs, id), runs: { ...jobs.runs, [tab]: { ...before, problems } } }));
      const placed = problems.filter((problem) => problem.node !== null).length;
      const title = placed > 1 ? `Not queued: ${placed} problems` : "Not queued";
      editor.notify("error", title, problems[0]?.what ?? message);
      return false;
    } finally {
      change((jobs) => ({ ...jobs, submitting: false }));
    }
  }

  async cancel(id: string): Promise<void> {
    await this.report("The job could not be cancelled", () => api.cancel(id));
  }

  async retry(id: string): Promise<void> {
    await this.report("The job could not be queued again", async () => {
      await api.retry(id);
      this.editor.store.setState(({ jobs }) => {
        const tab = jobs.rows[id]?.tab ?? null;
        const again = withRow(jobs, id, { state: "queued", failure: null, startedAt: null, finishedAt: null });
        return { jobs: tab === null ? again : begin(again, tab, id, Object.keys(jobs.runs[tab]?.nodes ?? {})) };
      });
    });
    await this.queue.refresh();
  }

  /** The shown document as text of another format; null when the server refused. */
  async exported(format: "prompt" | "saved"): Promise<string | null> {
    const document = this.editor.root;
    return this.report("The workflow could not be exported", async () => `${stringifyJson(await api.exported(document, format), 2)}\n`);
  }

  /** The document in anything a person may have: our documents, other formats, pictures with a workflow inside. */
  async readFile(file: File): Promise<{ readonly document: WorkflowDocument; readonly warnings: readonly string[] }> {
    const isText = /json/.test(file.type) || file.name.endsWith(".json");
    const data: unknown = isText ? readJson(await file.text()) : null;
    if (isOwnFormat(data)) return { document: parseDocument(data), warnings: [] };
    const { document, warnings } = await api.convert(isText ? await file.text() : file);
    return { document: named(parseDocument(document), file.name), warnings };
  }

  /** A picture without a workflow becomes a node that loads it, at `at` on the canvas. */
  async openFile(file: File, at: Point = this.editor.centre()): Promise<void> {
    await this.report(`${file.name} could not be opened`, async () => {
      const read = await this.readFile(file).catch((error: unknown) => {
        if (file.type.startsWith("image/") && error instanceof ApiError && error.status !== 0) return null;
        throw error;
      });
      if (read === null) {
        await addPicture(this.editor, file, at);
        await this.catalogue.load(); // the file is now one of the choices
        return;
      }
      const { document, warnings } = read;
      this.openDocument(document);
      for (const warning of warnings.slice(0, 3)) this.editor.notify("info", "Opened with a remark", warning);
    });
  }

  openDocument(document: WorkflowDocument): void {
    this.editor.open(document);
    const { id } = activeTab(this.editor.state);
    void this.report("The versions of this workflow could not be read", async () => {
      const lineage = await this.versions.lineageOf(document.name);
      if (lineage !== null) this.editor.patchTab(id, { lineage });
    });
  }

  /** Puts the shown workflow, as it is now or was when it was run, among its versions. */
  keepVersion(reason: Version["reason"], document = this.editor.root, name: string | null = null): void {
    const { lineage } = activeTab(this.editor.state);
    void this.report("This version could not be kept", () => this.versions.keep(lineage, document, reason, name));
  }

  openDefault(): void {
    this.editor.open(parseDocument(defaultDocument));
  }

  openEmpty(): void {
    const taken = new Set(this.editor.state.document.tabs.map((tab) => tab.document.name));
    let name = "Untitled";
    for (let count = 2; taken.has(name); count += 1) name = `Untitled ${count}`;
    this.editor.openInNewTab({ ...EMPTY_DOCUMENT, name });
  }

  closeTab(id: string): void {
    this.editor.close(id, EMPTY_DOCUMENT);
  }

  /** Runs something that may fail and says so in the page. */
  async report<T>(title: string, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      this.editor.notify("error", title, error instanceof Error ? error.message : String(error));
      return null;
    }
  }
}

/** Throws Error in words for what is no JSON. */
function readJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw new Error(`It is not JSON: ${error instanceof Error ? error.message : String(error)}. It may be cut off: save or download it again.`, { cause: error });
  }
}

function named(document: WorkflowDocument, fileName: string): WorkflowDocument {
  if (document.name !== "Untitled" && document.name !== "") return document;
  return { ...document, name: fileName.replace(/\.[a-z0-9]+$/i, "") };
}
