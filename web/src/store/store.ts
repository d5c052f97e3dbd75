/** The one store. */
import { createStore } from "zustand/vanilla";
import { EMPTY_DOCUMENT, type WorkflowDocument } from "../core/document";
import { NO_HISTORY } from "../core/history";
import type { Run, State, Tab } from "./state";

export const NO_RUN: Run = { job: null, nodes: {}, problems: [] };

export function newTab(id: string, document: WorkflowDocument): Tab {
  return { id, document, history: NO_HISTORY, saved: document, viewport: null };
}

function startingState(): State {
  return {
    document: { tabs: [newTab("first", EMPTY_DOCUMENT)], active: "first" },
    view: {
      viewport: { x: 0, y: 0, k: 1 },
      selection: new Set(),
      linkDrag: null,
      marquee: null,
      palette: null,
      connecting: null,
      commandsOpen: false,
      menu: null,
      panel: null,
      lightbox: null,
      renaming: null,
      minimap: true,
      notices: [],
    },
    jobs: { connection: "connecting", remaining: 0, rows: {}, runs: {}, submitting: false },
    catalogue: { specs: {}, state: "loading", message: "" },
  };
}

export function newStore() {
  return createStore<State>()(() => startingState());
}

export function activeTab(state: State): Tab {
  const { tabs, active } = state.document;
  const tab = tabs.find((candidate) => candidate.id === active) ?? tabs[0];
  if (!tab) throw new Error("the editor always has a tab");
  return tab;
}
export function activeDocument(state: State): WorkflowDocument {
  return activeTab(state).document;
}
export function activeRun(state: State): Run {
  return state.jobs.runs[state.document.active] ?? NO_RUN;
}
