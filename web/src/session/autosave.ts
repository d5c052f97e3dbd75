/** Keeps the open tabs in the browser's storage, so that a crash or a reload loses nothing. */
import { parseJson, stringifyJson } from "../core/json";
import { DocumentError, parseDocument } from "../core/parse";
import { validPath } from "../core/scope";
import type { Editor } from "../store/editor";
import type { Run, Tab } from "../store/state";
import { NO_RUN } from "../store/runScope";
import { newTab } from "../store/store";
import { type KeptTab, KeptWindows } from "./keptWindows";

const TAB_KEY = "heddle.tab.";
const DELAY_MS = 400;

/** The documents lie under keys of their own, so that moving the view writes a few bytes only. */
export class Autosave {
  private timer = 0;
  private readonly windows: KeptWindows;
  /** What each tab's key holds, to write it only when it changed. */
  private readonly written = new Map<string, Tab>();

  constructor(
    private readonly editor: Editor,
    private readonly storage: Storage,
    windowId: string,
  ) {
    this.windows = new KeptWindows(storage, windowId, editor.outside.now);
  }

  /** Brings back the tabs of the last visit; false when there are none that can be read. */
  restore(): boolean {
    try {
      const first = this.windows.first();
      if (first === null) return false;
      const { active } = first.kept;
      const read = first.kept.tabs.map((kept) => ({ kept, tab: this.restored(kept, first.inUse) }));
      const shown = read.find(({ kept }) => kept.id === active) ?? read[0];
      if (!shown) return false;
      const runs: Record<string, Run> = {};
      for (const { kept, tab } of read) if (kept.job !== null) runs[tab.id] = { ...NO_RUN, job: kept.job };
      this.editor.store.setState((state) => ({
        document: { tabs: read.map(({ tab }) => tab), active: shown.tab.id },
        jobs: { ...state.jobs, runs },
        view: shown.tab.viewport ? { ...state.view, viewport: shown.tab.viewport } : state.view,
      }));
      return true;
    } catch (error) {
      if (!(error instanceof DocumentError || error instanceof SyntaxError || error instanceof TypeError)) throw error;
      this.editor.notify("error", "The last session could not be restored", error.message);
      return false;
    }
  }

  /** A tab as it was kept; under an id of its own when another window has it too. */
  private restored({ id, viewport, shared, lineage, path }: KeptTab, copied: boolean): Tab {
    const kept = parseJson(this.storage.getItem(TAB_KEY + id) ?? "null") as { document: unknown; saved: unknown };
    const document = parseDocument(kept.document);
    const saved = kept.saved === null ? document : parseDocument(kept.saved);
    const tab = newTab(copied ? this.editor.outside.freshId() : id, document);
    return { ...tab, saved, viewport, shared, lineage, path: validPath(document, path) };
  }

  watch(): void {
    this.editor.store.subscribe((state, before) => {
      const same = state.document === before.document && state.view.viewport === before.view.viewport;
      if (same && state.jobs.runs === before.jobs.runs) return;
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.save(true), DELAY_MS);
    });
    window.addEventListener("pagehide", () => this.save(false));
    window.addEventListener("pageshow", ({ persisted }) => persisted && this.save(true));
    this.save(true);
    this.dropTabsWithoutWindow();
  }

  private save(open: boolean): void {
    window.clearTimeout(this.timer);
    const { document, jobs, view } = this.editor.state;
    const tabs = document.tabs.map(({ id, viewport, shared, lineage, path }): KeptTab => ({
      id,
      viewport: id === document.active ? view.viewport : viewport,
      job: jobs.runs[id]?.job ?? null,
      shared,
      lineage,
      path,
    }));
    try {
      for (const tab of document.tabs) this.saveTab(tab);
      for (const id of this.written.keys()) if (!document.tabs.some((tab) => tab.id === id)) this.dropTab(id);
      this.windows.write({ open, active: document.active, tabs });
    } catch (error) {
      this.editor.notify("error", "This session is not being kept", `The browser's storage is full. Save the workflow as a file. (${String(error)})`);
    }
  }

  private dropTabsWithoutWindow(): void {
    const inUse = this.windows.tabsInUse();
    for (const key of Object.keys(this.storage)) if (key.startsWith(TAB_KEY) && !inUse.has(key.slice(TAB_KEY.length))) this.storage.removeItem(key);
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
