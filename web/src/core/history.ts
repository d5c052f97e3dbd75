/** Undo and redo as two lists of diffs. */
import { apply, type Diff, isEmpty, reverse, squash } from "./diff";
import type { WorkflowDocument } from "./document";

interface Step {
  readonly label: string;
  readonly diff: Diff;
  /** Steps with the same key that follow each other quickly become one (typing a word, dragging a number). */
  readonly mergeKey: string | null;
  readonly at: number;
}
export interface History {
  readonly past: readonly Step[];
  readonly future: readonly Step[];
}
export interface Edited {
  readonly document: WorkflowDocument;
  readonly history: History;
}

export const NO_HISTORY: History = { past: [], future: [] };
const MERGE_WITHIN_MS = 900;
const KEPT_STEPS = 500;

/** Applies a diff and remembers how to take it back; what had been undone is forgotten. */
export function commit(
  { document, history }: Edited,
  diff: Diff,
  label: string,
  { mergeKey = null, now }: { mergeKey?: string | null; now: number },
): Edited {
  if (isEmpty(diff)) return { document, history };
  const last = history.past.at(-1);
  const merges = mergeKey !== null && last?.mergeKey === mergeKey && now - last.at < MERGE_WITHIN_MS;
  const step: Step = { label, mergeKey, at: now, diff: merges ? squash(last.diff, diff) : diff };
  const before = merges ? history.past.slice(0, -1) : history.past.slice(-KEPT_STEPS + 1);
  return { document: apply(document, diff), history: { past: [...before, step], future: [] } };
}

export function undo({ document, history }: Edited): Edited {
  const step = history.past.at(-1);
  if (!step) return { document, history };
  return {
    document: apply(document, reverse(step.diff)),
    history: { past: history.past.slice(0, -1), future: [step, ...history.future] },
  };
}

export function redo({ document, history }: Edited): Edited {
  const [step, ...future] = history.future;
  if (!step) return { document, history };
  return { document: apply(document, step.diff), history: { past: [...history.past, step], future } };
}
