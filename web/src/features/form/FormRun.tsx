import { IconPlayerPlayFilled, IconPlayerStopFilled } from "@tabler/icons-react";
import { runCommand } from "../../commands/registry";
import type { Shown } from "../../core/form";
import { wholeRun } from "../../store/store";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./form.module.css";

/** Run, how far it is, and what went wrong where no field shows it. */
export function FormRun({ outputs }: { outputs: readonly Shown[] }) {
  const workbench = useWorkbench();
  const { editor, session } = workbench;
  const ready = useEditorState((state) => state.catalogue.state === "ready" && !state.jobs.submitting);
  const lost = useEditorState((state) => state.jobs.connection === "lost");
  const state = useEditorState((all) => {
    const { job } = wholeRun(all);
    return job === null ? undefined : all.jobs.rows[job]?.state;
  });
  const share = useEditorState((all) => {
    const running = Object.values(wholeRun(all).nodes).find((node) => node.state === "running");
    return running ? running.value / Math.max(1, running.max) : 0;
  });
  const busy = state === "running" || state === "queued";
  const ends = outputs.filter(({ path, record }) => path.length === 0 && editor.specs[record.type]?.terminal);
  const targets = ends.length > 0 && ends.length === outputs.length ? ends.map(({ id }) => id) : null;
  return (
    <div className={css.run}>
      <OtherProblems />
      {lost && <p role="status">{t("Server lost, reconnecting…")}</p>}
      {busy && (
        <div className={css.bar} role="progressbar" aria-label={t("Progress")} aria-valuenow={Math.round(share * 100)}>
          <i style={{ transform: `scaleX(${share})` }} />
        </div>
      )}
      <div className={css.buttons}>
        <button type="button" className={css.primary} disabled={!ready} data-testid="form-run" onClick={() => void session.run({ targets })}>
          <IconPlayerPlayFilled size={15} aria-hidden="true" />
          {busy ? t("Run again") : t("Run")}
        </button>
        {busy && (
          <button type="button" className={css.stop} onClick={() => runCommand("run.cancel", workbench)}>
            <IconPlayerStopFilled size={15} aria-hidden="true" />
            {t("Stop")}
          </button>
        )}
      </div>
    </div>
  );
}

function OtherProblems() {
  const problems = useEditorState((state) => wholeRun(state).problems);
  const fields = useEditorState((state) => state.document.tabs.find(({ id }) => id === state.document.active)?.document.form?.inputs);
  const others = problems.filter((problem) => !fields?.some((field) => field.node === problem.node && field.input === problem.input));
  if (others.length === 0) return null;
  return (
    <ul className={css.problems} role="alert">
      {others.slice(0, 4).map((problem, index) => (
        <li key={index}>
          {problem.what} {problem.fix}
        </li>
      ))}
    </ul>
  );
}
