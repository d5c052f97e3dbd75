import { useMemo } from "react";
import type { Problem } from "../../store/state";
import { activeRun } from "../../store/store";
import { useEditorState } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./NodeProblems.module.css";

const NONE: readonly Problem[] = [];

/** What is wrong with the node and what to do, below it. */
export function NodeProblems({ id, known, type }: { id: string; known: boolean; type: string }) {
  const all = useEditorState((state) => activeRun(state).problems);
  const { state, packs } = useEditorState(({ catalogue }) => catalogue);
  const problems = useMemo(() => {
    const own = all.filter((problem) => problem.node === id);
    return own.length ? own : NONE;
  }, [all, id]);
  if (!known && packs === "loading" && problems.length === 0)
    return (
      <p className={css.waiting} role="status">
        {t("Packs are still loading; one of them may bring this node.")}
      </p>
    );
  if (!known && state === "ready" && problems.length === 0)
    return (
      <div className={css.problems} role="alert">
        <p className={css.what}>{t("This server has no node type “{type}”.", { type })}</p>
        <p className={css.fix}>{t("Install the pack that brings it, or replace the node. Its values and links are kept.")}</p>
      </div>
    );
  if (problems.length === 0) return null;
  return (
    <div className={css.problems} role="alert" data-widget>
      {problems.slice(0, 4).map((problem, index) => (
        <div key={index}>
          <p className={css.what}>
            {problem.input !== null && <b>{problem.input}: </b>}
            {problem.what}
          </p>
          {problem.fix && <p className={css.fix}>{problem.fix}</p>}
        </div>
      ))}
    </div>
  );
}
