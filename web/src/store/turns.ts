/** The queued jobs in the order in which they will run, newest ones that the server has not listed yet last. */
import type { JobRow, JobsSlice } from "./state";

export function queuedInTurn({ rows, turns }: Pick<JobsSlice, "rows" | "turns">): JobRow[] {
  const turn = ({ id }: JobRow) => (turns.includes(id) ? turns.indexOf(id) : turns.length);
  return Object.values(rows)
    .filter(({ state }) => state === "queued")
    .sort((a, b) => turn(a) - turn(b) || a.number - b.number || (a.createdAt ?? 0) - (b.createdAt ?? 0));
}
