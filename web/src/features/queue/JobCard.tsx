import { IconGripVertical, IconX } from "@tabler/icons-react";
import { keyOfFile } from "../../core/wire";
import type { JobRow, JobState } from "../../store/state";
import { useWorkbench } from "../../ui/context";
import { durationText } from "../../ui/duration";
import { t } from "../../ui/i18n";
import { Thumbnail } from "../../ui/Media";
import css from "./jobs.module.css";
import { RunningJob } from "./RunningJob";

interface Props {
  readonly row: JobRow;
  /** What moves it within the queue; only queued jobs have it. */
  readonly grip?: React.HTMLAttributes<HTMLButtonElement>;
  /** Where a dragged job would be put. */
  readonly drop?: "above" | "below" | undefined;
}

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

function tookText({ startedAt, finishedAt }: JobRow): string {
  return startedAt === null || finishedAt === null || finishedAt < startedAt ? "" : durationText((finishedAt - startedAt) / 1000);
}

export function JobCard({ row, grip, drop }: Props) {
  const { session } = useWorkbench();
  const open = row.state === "running" || row.state === "queued";
  const name = row.name || t("Job {number}", { number: row.number });
  return (
    <li className={css.card} data-state={row.state} data-queued={grip ? row.id : undefined} data-drop={drop}>
      <div className={css.line}>
        {grip ? (
          <button type="button" className={css.grip} aria-label={t("Move {name} in the queue", { name })} title={t("Drag, or press the up and down arrow keys")} {...grip}>
            <IconGripVertical size={15} aria-hidden="true" />
          </button>
        ) : (
          <i className={css.mark} aria-hidden="true" />
        )}
        <span className={css.name} title={name}>
          {name}
        </span>
        <span className={css.state}>
          {word(row.state)} {tookText(row)}
        </span>
        {(row.state === "failed" || row.state === "cancelled") && (
          <button type="button" className={css.retry} onClick={() => void session.retry(row.id)}>
            {t("Retry")}
          </button>
        )}
        {open && (
          <button type="button" className={css.cancel} aria-label={t("Cancel {name}", { name })} onClick={() => void session.cancel(row.id)}>
            <IconX size={14} />
          </button>
        )}
      </div>
      {row.state === "running" && <RunningJob row={row} />}
      {row.failure && row.state === "failed" && (
        <div className={css.failure}>
          <p>{row.failure.message}</p>
          {row.failure.fix && <p className={css.fix}>{row.failure.fix}</p>}
        </div>
      )}
      <Pictures row={row} />
    </li>
  );
}

function Pictures({ row }: { row: JobRow }) {
  const { editor } = useWorkbench();
  if (row.images.length === 0) return null;
  return (
    <div className={css.pictures}>
      {row.images.slice(0, 8).map((file) => (
        <button key={keyOfFile(file)} type="button" aria-label={t("Show {name} large", { name: file.filename })} onClick={() => editor.patchView({ lightbox: file })}>
          <Thumbnail file={file} />
        </button>
      ))}
    </div>
  );
}
