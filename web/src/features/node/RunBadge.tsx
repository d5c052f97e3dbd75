import { IconAlertTriangle, IconCheck, IconRecycle } from "@tabler/icons-react";
import type { NodeRun } from "../../store/state";
import { activeRun } from "../../store/store";
import { useEditorState } from "../../ui/context";
import { durationText } from "../../ui/duration";
import { t } from "../../ui/i18n";
import { Popup } from "../../ui/Popup";
import css from "./NodeHeader.module.css";

/** What the newest job did with the node: it runs, ran for so long, or its result was there already, and why. */
export function RunBadge({ id }: { id: string }) {
  const run = useEditorState((state) => activeRun(state).nodes[id]);
  const failed = useEditorState((state) => activeRun(state).problems.some((problem) => problem.node === id));
  if (failed) return <IconAlertTriangle className={css.failed} size={15} aria-label={t("Failed")} />;
  switch (run?.state) {
    case "running":
      return (
        <span className={css.running} role="status">
          {run.max > 1 ? `${run.value}/${run.max}` : t("running")}
        </span>
      );
    case "done":
    case "cached":
      return <Explained run={run} />;
    default:
      return null;
  }
}

function Explained({ run }: { run: NodeRun }) {
  const cached = run.state === "cached";
  const took = run.seconds !== null && run.seconds >= 0.05 ? durationText(run.seconds) : "";
  const word = cached ? t("cached") : took ? t("ran for {time}", { time: took }) : t("Ran in this job");
  const otherwise = cached ? t("Nothing changed: the result of an earlier run was used") : t("Ran in this job");
  const reasons = run.reasons.length ? run.reasons : [otherwise];
  return (
    <Popup
      width={280}
      position="top-end"
      className={css.why}
      target={(press) => (
        <button type="button" className={cached ? css.cached : css.done} data-widget aria-label={`${word}. ${t("Why?")}`} title={reasons.join("\n")} onClick={press}>
          {cached ? <IconRecycle size={13} aria-hidden="true" /> : <IconCheck size={13} aria-hidden="true" />}
          {!cached && took}
        </button>
      )}
    >
      <b>{cached ? t("cached") : t("Ran in this job")}</b>
      {took && !cached && <span> · {took}</span>}
      {reasons.map((reason) => (
        <p key={reason}>{reason}</p>
      ))}
    </Popup>
  );
}
