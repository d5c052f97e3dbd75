import { IconPlayerPauseFilled, IconPlayerPlayFilled, IconPlayerStopFilled, IconRefresh } from "@tabler/icons-react";
import { runCommand } from "../../commands/registry";
import { activeRun } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { useKeyOf } from "../../ui/useKeyOf";
import { RunMenu } from "./RunMenu";
import css from "./toolbar.module.css";

/** Queue the workflow, how, and how often; while its job is under way also stop it. */
export function RunButton() {
  const workbench = useWorkbench();
  const key = useKeyOf("run.queue");
  const ready = useEditorState((state) => state.catalogue.state === "ready");
  const submitting = useEditorState((state) => state.jobs.submitting);
  const times = useEditorState((state) => state.jobs.times);
  const busy = useEditorState((state) => {
    const { job } = activeRun(state);
    const row = job === null ? undefined : state.jobs.rows[job];
    return row?.state === "running" || row?.state === "queued";
  });
  return (
    <div className={css.run}>
      <QueueMark />
      {busy && (
        <button type="button" className={css.stop} aria-label={t("Cancel this workflow's job")} title={t("Cancel this workflow's job")} onClick={() => runCommand("run.cancel", workbench)}>
          <IconPlayerStopFilled size={15} />
        </button>
      )}
      <div className={css.split}>
        <button
          type="button"
          className={css.primary}
          disabled={!ready || submitting}
          title={key === null ? t("Run") : `${t("Run")} (${key})`}
          data-testid="run"
          onClick={() => runCommand("run.queue", workbench)}
        >
          <IconPlayerPlayFilled size={14} aria-hidden="true" />
          {t("Run")}
          {times > 1 && <span className={css.times}>× {times}</span>}
        </button>
        <RunMenu />
      </div>
    </div>
  );
}

/** What the queue does besides: how much waits, that it is paused, that changes run by themselves. */
function QueueMark() {
  const workbench = useWorkbench();
  const remaining = useEditorState((state) => state.jobs.remaining);
  const paused = useEditorState((state) => state.jobs.paused);
  const following = useEditorState((state) => state.jobs.following === state.document.active);
  return (
    <>
      {following && (
        <button type="button" className={css.count} title={t("Stop running at every change")} onClick={() => runCommand("run.follow", workbench)}>
          <IconRefresh size={13} aria-hidden="true" /> {t("at every change")}
        </button>
      )}
      {paused && (
        <button type="button" className={css.paused} title={t("Resume the queue")} onClick={() => runCommand("run.resume", workbench)}>
          <IconPlayerPauseFilled size={12} aria-hidden="true" /> {t("Paused")}
        </button>
      )}
      {remaining > 0 && (
        <button type="button" className={css.count} onClick={() => workbench.editor.patchView({ panel: "jobs" })}>
          {remaining === 1 ? t("1 job") : t("{count} jobs", { count: remaining })}
        </button>
      )}
    </>
  );
}
