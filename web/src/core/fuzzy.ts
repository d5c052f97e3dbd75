/** Fuzzy matching for the palettes. */

export interface Match {
  readonly score: number;
  /** Positions in the text that matched, for emphasis. */
  readonly at: readonly number[];
}

/** For a text that is found as a whole. */
const WHOLE = 12;
/** A match whose letters mostly neither begin a word nor follow each other, spread over more than this many letters for each one typed, is an accident. */
const SPREAD = 4;

function startsWord(text: string, index: number): boolean {
  if (index === 0) return true;
  const before = text[index - 1] ?? "";
  const here = text[index] ?? "";
  return /[\s_\-/.(]/.test(before) || (/[a-z0-9]/.test(before) && /[A-Z]/.test(here));
}

function matchFrom(query: string, text: string, lower: string, start: number): Match | null {
  const at: number[] = [];
  let score = 0;
  let previous = -2;
  let from = start;
  let loose = 0;
  for (const letter of query) {
    const index = lower.indexOf(letter, from);
    if (index < 0) return null;
    score += 1;
    const follows = index === previous + 1;
    const begins = startsWord(text, index);
    if (follows) score += 4;
    if (begins) score += 5;
    if (!follows && !begins) loose += 1;
    at.push(index);
    previous = index;
    from = index + 1;
  }
  const accident = loose * 2 > query.length && previous - start > query.length * SPREAD;
  return { score: accident ? -Infinity : score - (at[0] ?? 0) * 0.1 - text.length * 0.02, at };
}

/** How well the letters of `query` are found, in order, in `text`; null when they are not. Blanks are ignored. */
export function fuzzyMatch(query: string, text: string): Match | null {
  const letters = query.toLowerCase().replace(/\s+/g, "");
  if (letters === "") return { score: 0, at: [] };
  const lower = text.toLowerCase();
  let best: Match | null = null;
  const whole = lower.replace(/[\s_-]+/g, "") === letters ? WHOLE : 0;
  const first = letters[0] ?? "";
  for (let start = lower.indexOf(first); start >= 0; start = lower.indexOf(first, start + 1)) {
    const match = matchFrom(letters, text, lower, start);
    if (!match) break;
    if (match.score > (best?.score ?? -Infinity)) best = match;
  }
  return best && { ...best, score: best.score + whole };
}
