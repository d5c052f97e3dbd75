/** Completing `embedding:name` in a prompt. */
import { fuzzyMatch } from "./fuzzy";

export interface EmbeddingWord {
  /** Where the name begins and the caret stands. */
  readonly start: number;
  readonly end: number;
  readonly typed: string;
}

/** The embedding's name that is being typed at the caret; null when it is another word. */
export function embeddingAt(text: string, caret: number): EmbeddingWord | null {
  const found = /(?:^|[\s,(])embedding:([^\s,():]*)$/.exec(text.slice(0, caret));
  if (!found) return null;
  const typed = found[1] ?? "";
  return { start: caret - typed.length, end: caret, typed };
}

/** Names that fit, best first; none when the only one is written already. */
export function fitting(names: readonly string[], typed: string, most = 8): string[] {
  const scored = names.flatMap((name) => {
    const match = typed === "" ? { score: 0 } : fuzzyMatch(typed, name);
    return match ? [{ name, score: match.score }] : [];
  });
  const found = scored.sort((a, b) => b.score - a.score).map(({ name }) => name);
  return found.length === 1 && found[0] === typed ? [] : found.slice(0, most);
}
