import { useEffect, useState } from "react";
import { secondsLeft, shareDone } from "../../store/timeLeft";
import type { JobRow } from "../../store/state";
import { useEditorState, useWorkbench } from "../../ui/context";
import { durationText } from "../../ui/duration";
import { t } from "../../ui/i18n";
import css from "./jobs.module.css";

/** How far the job is, what it shows so far, and how long it still takes. */
export function RunningJob({ row }: { row: JobRow }) {
  const share = useEditorState(({ jobs }) => shareDone(jobs, row));
  const preview = useEditorState(({ jobs }) => {
    const run = row.tab === null ? undefined : jobs.runs[row.tab];
    return run?.job === row.id ? (Object.values(run.nodes).find((node) => node.state === "running" && node.preview !== null)?.preview ?? null) : null;
  });
  return (
    <>
      {preview !== null && <img className={css.preview} src={preview} alt={t("Preview of the running step")} />}
      {share !== null && (
        <div className={css.bar} role="progressbar" aria-label={t("Progress")} aria-valuenow={Math.round(share * 100)}>
          <i style={{ transform: `scaleX(${share})` }} />
        </div>
      )}
      <TimeLeft row={row} />
    </>
  );
}

function TimeLeft({ row }: { row: JobRow }) {
  const { editor } = useWorkbench();
  const [now, setNow] = useState(() => editor.outside.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(editor.outside.now()), 1000);
    return () => window.clearInterval(timer);
  }, [editor]);
  const left = secondsLeft(editor.state.jobs, row, now);
  const spent = row.startedAt === null ? null : (now - row.startedAt) / 1000;
  return (
    <p className={css.time}>
      {spent !== null && spent >= 0 && <span>{durationText(Math.floor(spent))}</span>}
      {left !== null && <span>{left < 1 ? t("nearly done") : t("about {time} left", { time: durationText(Math.ceil(left)) })}</span>}
    </p>
  );
}
