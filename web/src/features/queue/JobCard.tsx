import { IconX } from "@tabler/icons-react";
import { viewUrl } from "../../core/wire";
import type { JobRow, JobState } from "../../store/state";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./jobs.module.css";

function word(state: JobState): string {
  switch (state) {
    case "queued":
      return t("queued");
    case "running":
      return t("running");
    case "succeeded":
      return t("done");
    case "failed":
      return t("failed");
    case "cancelled":
      return t("cancelled");
  }
}

function duration(row: JobRow): string {
  if (row.startedAt === null || row.finishedAt === null) return "";
  const seconds = Math.max(0, (row.finishedAt - row.startedAt) / 1000);
  return seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

export function JobCard({ row }: { row: JobRow }) {
  const { editor, session } = useWorkbench();
  const open = row.state === "running" || row.state === "queued";
  return (
    <li className={css.card} data-state={row.state}>
      <div className={css.line}>
        <i className={css.mark} aria-hidden="true" />
        <span className={css.name}>{row.name || t("Job {number}", { number: row.number })}</span>
        <span className={css.state}>
          {word(row.state)} {duration(row)}
        </span>
        {(row.state === "failed" || row.state === "cancelled") && (
          <button type="button" className={css.retry} onClick={() => void session.retry(row.id)}>
            {t("Retry")}
          </button>
        )}
        {open && (
          <button type="button" className={css.cancel} aria-label={t("Cancel job {number}", { number: row.number })} onClick={() => void session.cancel(row.id)}>
            <IconX size={14} />
          </button>
        )}
      </div>
      {row.state === "running" && <Running row={row} />}
      {row.failure && row.state === "failed" && <p className={css.failure}>{row.failure.message}</p>}
      {row.images.length > 0 && (
        <div className={css.pictures}>
          {row.images.slice(0, 6).map((file) => (
            <button key={file.filename} type="button" aria-label={t("Show {name} large", { name: file.filename })} onClick={() => editor.patchView({ lightbox: file })}>
              <img src={viewUrl(file)} alt="" loading="lazy" />
            </button>
          ))}
        </div>
      )}
    </li>
  );
}

/** How far the job is, by the nodes of the tab that shows it. */
function Running({ row }: { row: JobRow }) {
  const share = useEditorState((state) => {
    const run = row.tab === null ? undefined : state.jobs.runs[row.tab];
    if (!run || run.job !== row.id) return null;
    const nodes = Object.values(run.nodes);
    const done = nodes.reduce((sum, node) => sum + (node.state === "running" ? node.value / Math.max(1, node.max) : node.state === "waiting" ? 0 : 1), 0);
    return nodes.length ? done / nodes.length : 0;
  });
  if (share === null) return null;
  return (
    <div className={css.bar} role="progressbar" aria-label={t("Progress")} aria-valuenow={Math.round(share * 100)}>
      <i style={{ transform: `scaleX(${share})` }} />
    </div>
  );
}
