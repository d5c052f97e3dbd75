import { useEffect } from "react";
import { shareDone } from "../store/timeLeft";
import { activeTab, wholeRun } from "../store/store";
import { useEditorState } from "./context";
import { iconAt } from "./progressIcon";

/** Shows the document, and how far its job is, in the window's title and icon. */
export function useTitle(): void {
  const name = useEditorState((state) => activeTab(state).document.name);
  const percent = useEditorState((state) => {
    const { job } = wholeRun(state);
    const row = job === null ? undefined : state.jobs.rows[job];
    const share = row?.state === "running" ? shareDone(state.jobs, row) : null;
    return share === null ? null : Math.round(100 * share);
  });
  useEffect(() => {
    document.title = `${percent === null ? "" : `${percent} % · `}${name} · Heddle`;
  }, [name, percent]);
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
    if (link) link.href = percent === null ? "/heddle.svg" : iconAt(percent / 100);
  }, [percent]);
}
