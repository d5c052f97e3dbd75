import { IconPlayerPause, IconPlayerPlay, IconTrash } from "@tabler/icons-react";
import { useMemo } from "react";
import { runCommand } from "../../commands/registry";
import { queuedInTurn } from "../../store/turns";
import type { JobRow } from "../../store/state";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { JobCard } from "./JobCard";
import css from "./jobs.module.css";
import { useReorder } from "./useReorder";

function newestFirst(a: JobRow, b: JobRow): number {
  return (b.createdAt ?? 0) - (a.createdAt ?? 0) || b.number - a.number;
}

/** Running, queued and finished jobs, fed by the server's events. */
export function JobsPanel() {
  const rows = useEditorState((state) => state.jobs.rows);
  const turns = useEditorState((state) => state.jobs.turns);
  const { place, gripOf } = useReorder();
  const groups = useMemo(() => {
    const all = Object.values(rows);
    return {
      running: all.filter(({ state }) => state === "running").sort(newestFirst),
      queued: queuedInTurn({ rows, turns }),
      finished: all.filter(({ state }) => state !== "running" && state !== "queued").sort(newestFirst),
    };
  }, [rows, turns]);
  return (
    <>
      <QueueTools waiting={groups.queued.length} />
      {Object.keys(rows).length === 0 && <p className={css.empty}>{t("No jobs yet. Press Run to make the first one.")}</p>}
      <Group title={t("Running")} rows={groups.running} card={(row) => <JobCard key={row.id} row={row} />} />
      <Group
        title={t("Queued")}
        rows={groups.queued}
        card={(row) => <JobCard key={row.id} row={row} grip={gripOf(row.id)} drop={place?.job === row.id ? (place.below ? "below" : "above") : undefined} />}
      />
      <Group title={t("Finished")} rows={groups.finished} card={(row) => <JobCard key={row.id} row={row} />} />
    </>
  );
}

function Group({ title, rows, card }: { title: string; rows: readonly JobRow[]; card: (row: JobRow) => React.ReactNode }) {
  if (rows.length === 0) return null;
  return (
    <section className={css.group}>
      <h3>{title}</h3>
      <ul className={css.list} aria-label={title}>
        {rows.map(card)}
      </ul>
    </section>
  );
}

function QueueTools({ waiting }: { waiting: number }) {
  const workbench = useWorkbench();
  const paused = useEditorState((state) => state.jobs.paused);
  return (
    <div className={css.tools}>
      <button type="button" onClick={() => runCommand(paused ? "run.resume" : "run.pause", workbench)}>
        {paused ? <IconPlayerPlay size={15} aria-hidden="true" /> : <IconPlayerPause size={15} aria-hidden="true" />}
        {paused ? t("Resume the queue") : t("Pause the queue")}
      </button>
      {waiting > 1 && (
        <button type="button" onClick={() => runCommand("run.clear", workbench)}>
          <IconTrash size={15} aria-hidden="true" /> {t("Cancel all queued jobs")}
        </button>
      )}
      {paused && <p role="status">{t("Running jobs go on; queued ones wait until you resume.")}</p>}
    </div>
  );
}
