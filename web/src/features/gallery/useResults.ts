/** Finished pictures of all jobs, searched on the server, page by page. */
import { useEffect, useState } from "react";
import { queueApi } from "../../api/queue";
import type { JobItem } from "../../api/schema";
import { type FileRef, mediaIn } from "../../core/wire";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";

export interface Search {
  readonly text: string;
  /** Days as the browser's date field writes them, or empty. */
  readonly from: string;
  readonly to: string;
}
export interface Result {
  readonly file: FileRef;
  readonly job: string;
  readonly name: string;
  readonly created: number;
}
const PAGE = 40;
const TYPING_MS = 250;
const DAY_MS = 86_400_000;

export function resultsOf(jobs: readonly JobItem[]): Result[] {
  return jobs.flatMap(({ id, name, created, outputs }) =>
    Object.values(outputs)
      .flatMap((output) => mediaIn(output as Readonly<Record<string, unknown>>))
      .map((file) => ({ file, job: id, name: name ?? "", created })),
  );
}

export function queryOf({ text, from, to }: Search, offset: number) {
  return {
    state: "succeeded,failed,cancelled",
    limit: PAGE,
    offset,
    q: text.trim() || null,
    created_after: from === "" ? null : new Date(`${from}T00:00`).getTime(),
    created_before: to === "" ? null : new Date(`${to}T00:00`).getTime() + DAY_MS,
  };
}

export function useResults(search: Search) {
  const { session } = useWorkbench();
  const finished = useEditorState(({ jobs }) => Object.values(jobs.rows).filter(({ finishedAt }) => finishedAt !== null).length);
  const [results, setResults] = useState<readonly Result[] | null>(null);
  const [read, setRead] = useState(0);
  const [total, setTotal] = useState(0);
  useEffect(() => {
    let stale = false;
    const load = () =>
      session.report(t("The pictures could not be listed"), async () => {
        const page = await queueApi.jobs(queryOf(search, 0));
        if (stale) return;
        setResults(resultsOf(page.jobs));
        setRead(page.jobs.length);
        setTotal(page.total);
      });
    const timer = window.setTimeout(() => void load(), TYPING_MS);
    return () => {
      stale = true;
      window.clearTimeout(timer);
    };
  }, [session, search, finished]);
  const more = () =>
    session.report(t("The pictures could not be listed"), async () => {
      const page = await queueApi.jobs(queryOf(search, read));
      setResults([...(results ?? []), ...resultsOf(page.jobs)]);
      setRead(read + page.jobs.length);
    });
  return { results, more: read < total ? () => void more() : null };
}
