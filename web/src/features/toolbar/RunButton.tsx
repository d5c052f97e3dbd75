import { IconPlayerPlayFilled, IconPlayerStopFilled } from "@tabler/icons-react";
import { runCommand } from "../../commands/registry";
import { activeRun } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { useKeyOf } from "../../ui/useKeyOf";
import css from "./toolbar.module.css";

/** Queue the workflow; while its job is under way also stop it. */
export function RunButton() {
  const workbench = useWorkbench();
  const key = useKeyOf("run.queue");
  const ready = useEditorState((state) => state.catalogue.state === "ready");
  const submitting = useEditorState((state) => state.jobs.submitting);
  const remaining = useEditorState((state) => state.jobs.remaining);
  const busy = useEditorState((state) => {
    const { job } = activeRun(state);
    const row = job === null ? undefined : state.jobs.rows[job];
    return row?.state === "running" || row?.state === "queued";
  });
  return (
    <div className={css.run}>
      {remaining > 0 && (
        <button type="button" className={css.count} onClick={() => workbench.editor.patchView({ panel: "jobs" })}>
          {remaining === 1 ? t("1 job") : t("{count} jobs", { count: remaining })}
        </button>
      )}
      {busy && (
        <button type="button" className={css.stop} aria-label={t("Cancel this workflow's job")} title={t("Cancel this workflow's job")} onClick={() => runCommand("run.cancel", workbench)}>
          <IconPlayerStopFilled size={15} />
        </button>
      )}
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
      </button>
    </div>
  );
}
