/** Keeps the open tabs in the browser's storage, so that a crash or a reload loses nothing. */
import { parseJson, stringifyJson } from "../core/json";
import { DocumentError, parseDocument } from "../core/parse";
import { validPath } from "../core/scope";
import type { Editor } from "../store/editor";
import type { Run, Tab } from "../store/state";
import { NO_RUN } from "../store/runScope";
import { newTab } from "../store/store";

const KEY = "heddle.tabs.2";
const TAB_KEY = "heddle.tab.";
const DELAY_MS = 400;

/** The documents lie under keys of their own, so that moving the view writes a few bytes only. */
interface SavedTab {
  readonly id: string;
  readonly viewport: Tab["viewport"];
  readonly job: string | null;
  readonly shared?: string | null;
  readonly lineage?: string;
  /** The subgraph that it showed. */
  readonly path?: Tab["path"];
}
interface Saved {
  readonly active: string;
  readonly tabs: readonly SavedTab[];
}

export class Autosave {
  private timer = 0;
  /** What each tab's key holds, to write it only when it changed. */
  private readonly written = new Map<string, Tab>();

  constructor(
    private readonly editor: Editor,
    private readonly storage: Storage,
  ) {}

  /** Brings back the tabs of the last visit; false when there are none that can be read. */
  restore(): boolean {
    const text = this.storage.getItem(KEY);
    if (text === null) return false;
    try {
      const { active, tabs } = JSON.parse(text) as Saved;
      const read = tabs.map((tab): Tab => {
        const kept = parseJson(this.storage.getItem(TAB_KEY + tab.id) ?? "null") as { document: unknown; saved: unknown };
        const document = parseDocument(kept.document);
        const saved = kept.saved === null ? document : parseDocument(kept.saved);
        return { ...newTab(tab.id, document), saved, viewport: tab.viewport, shared: tab.shared ?? null, lineage: tab.lineage ?? tab.id, path: validPath(document, tab.path ?? []) };
      });
      const first = read[0];
      if (!first) return false;
      const runs: Record<string, Run> = {};
      for (const { id, job } of tabs) if (job !== null) runs[id] = { ...NO_RUN, job };
      const shown = read.find((tab) => tab.id === active) ?? first;
      this.editor.store.setState((state) => ({
        document: { tabs: read, active: shown.id },
        jobs: { ...state.jobs, runs },
        view: shown.viewport ? { ...state.view, viewport: shown.viewport } : state.view,
      }));
      return true;
    } catch (error) {
      if (!(error instanceof DocumentError || error instanceof SyntaxError || error instanceof TypeError)) throw error;
      this.editor.notify("error", "The last session could not be restored", error.message);
      return false;
    }
  }

  watch(): void {
    this.editor.store.subscribe((state, before) => {
      const same = state.document === before.document && state.view.viewport === before.view.viewport;
      if (same && state.jobs.runs === before.jobs.runs) return;
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.save(), DELAY_MS);
    });
    window.addEventListener("pagehide", () => this.save());
  }

  private save(): void {
    const { document, jobs, view } = this.editor.state;
    const saved: Saved = {
      active: document.active,
      tabs: document.tabs.map((tab) => ({
        id: tab.id,
        viewport: tab.id === document.active ? view.viewport : tab.viewport,
        job: jobs.runs[tab.id]?.job ?? null,
        shared: tab.shared,
        lineage: tab.lineage,
        path: tab.path,
      })),
    };
    try {
      for (const tab of document.tabs) this.saveTab(tab);
      for (const id of this.written.keys()) if (!document.tabs.some((tab) => tab.id === id)) this.dropTab(id);
      this.storage.setItem(KEY, JSON.stringify(saved));
    } catch (error) {
      this.editor.notify("error", "This session is not being kept", `The browser's storage is full. Save the workflow as a file. (${String(error)})`);
    }
  }

  private saveTab(tab: Tab): void {
    const before = this.written.get(tab.id);
    if (before?.document === tab.document && before.saved === tab.saved) return;
    const saved = tab.saved === tab.document ? null : tab.saved;
    this.storage.setItem(TAB_KEY + tab.id, stringifyJson({ document: tab.document, saved }));
    this.written.set(tab.id, tab);
  }

  private dropTab(id: string): void {
    this.storage.removeItem(TAB_KEY + id);
    this.written.delete(id);
  }
}
