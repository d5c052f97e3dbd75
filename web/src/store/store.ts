/** The one store. */
import { createStore } from "zustand/vanilla";
import { EMPTY_DOCUMENT, type WorkflowDocument } from "../core/document";
import { DEFAULT_SETTINGS } from "../core/settings";
import { NO_HISTORY } from "../core/history";
import { prefixOf, scopeOf } from "../core/scope";
import { NO_RUN, runInScope } from "./runScope";
import type { JobsSlice, State, Run, Tab } from "./state";

export const NO_JOBS: JobsSlice = {
  connection: "connecting",
  remaining: 0,
  rows: {},
  runs: {},
  submitting: false,
  paused: false,
  turns: [],
  times: 1,
  following: null,
};

export function newTab(id: string, document: WorkflowDocument): Tab {
  return { id, document, history: NO_HISTORY, saved: document, viewport: null, path: [], shared: null, lineage: id };
}

function startingState(): State {
  return {
    document: { tabs: [newTab("first", EMPTY_DOCUMENT)], active: "first" },
    view: {
      viewport: { x: 0, y: 0, k: 1 },
      selection: new Set(),
      linkDrag: null,
      marquee: null,
      lasso: null,
      palette: null,
      connecting: null,
      choosingSockets: null,
      commandsOpen: false,
      settingsOpen: false,
      templatesOpen: false,
      menu: null,
      panel: null,
      lightbox: null,
      shelf: [],
      comparing: null,
      renaming: null,
      minimap: true,
      form: "hidden",
      notices: [],
    },
    jobs: NO_JOBS,
    settings: DEFAULT_SETTINGS,
    extensions: { packs: [], widgets: [], panels: [] },
    catalogue: { specs: {}, state: "loading", packs: "loading", message: "" },
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
/** What the canvas shows: the document, or the inside of a subgraph as one. */
export function activeDocument(state: State): WorkflowDocument {
  const { document, path } = activeTab(state);
  return scopeOf(document, path);
}
/** The newest run of the active tab by path ids, whatever part of the document is shown. */
export function wholeRun(state: State): Run {
  return state.jobs.runs[state.document.active] ?? NO_RUN;
}
/** The newest run of the active tab, by the ids of the nodes that the canvas shows. */
export function activeRun(state: State): Run {
  const run = wholeRun(state);
  const { document, path } = activeTab(state);
  return document.definitions ? runInScope(run, prefixOf(path)) : run;
}
