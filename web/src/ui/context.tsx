/** Gives components the editor, the session and the canvas engine. */
import { createContext, use } from "react";
import { useStore } from "zustand";
import type { CanvasEngine } from "../canvas/engine";
import type { Editor } from "../store/editor";
import type { Session } from "../session/session";
import type { State } from "../store/state";

export interface Workbench {
  readonly editor: Editor;
  readonly session: Session;
  readonly engine: CanvasEngine;
}
const WorkbenchContext = createContext<Workbench | null>(null);
export const WorkbenchProvider = WorkbenchContext.Provider;

export function useWorkbench(): Workbench {
  const workbench = use(WorkbenchContext);
  if (!workbench) throw new Error("useWorkbench outside its provider");
  return workbench;
}

export function useEditorState<T>(selector: (state: State) => T): T {
  return useStore(useWorkbench().editor.store, selector);
}
