import { useMemo } from "react";
import type { JobRow, JobState } from "../../store/state";
import { useEditorState } from "../../ui/context";
import { t } from "../../ui/i18n";
import { JobCard } from "./JobCard";
import css from "./jobs.module.css";

const ORDER: Readonly<Record<JobState, number>> = { running: 0, queued: 1, failed: 2, cancelled: 2, succeeded: 2 };

function newestFirst(a: JobRow, b: JobRow): number {
  const group = ORDER[a.state] - ORDER[b.state];
  if (group !== 0) return group;
  if (a.state === "queued") return a.number - b.number;
  return (b.createdAt ?? 0) - (a.createdAt ?? 0) || b.number - a.number;
}

/** Running, queued and finished jobs, fed by the server's events. */
export function JobsPanel() {
  const rows = useEditorState((state) => state.jobs.rows);
  const sorted = useMemo(() => Object.values(rows).sort(newestFirst), [rows]);
  if (sorted.length === 0) return <p className={css.empty}>{t("No jobs yet. Press Run to make the first one.")}</p>;
  return (
    <ul className={css.list}>
      {sorted.map((row) => (
        <JobCard key={row.id} row={row} />
      ))}
    </ul>
  );
}
