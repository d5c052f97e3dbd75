import { useEffect } from "react";
import { activeRun, activeTab } from "../store/store";
import { useEditorState } from "./context";

/** Shows the document, and how far its job is, in the window's title. */
export function useTitle(): void {
  const name = useEditorState((state) => activeTab(state).document.name);
  const percent = useEditorState((state) => {
    const running = Object.values(activeRun(state).nodes).find((node) => node.state === "running");
    return running ? Math.round((100 * running.value) / Math.max(1, running.max)) : null;
  });
  useEffect(() => {
    document.title = `${percent === null ? "" : `${percent} % · `}${name} · Heddle`;
  }, [name, percent]);
}
