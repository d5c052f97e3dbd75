/** Emphasis in prompts: `(words:1.15)`. */

export interface Weighted {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

function wordAround(text: string, start: number, end: number): readonly [number, number] {
  if (start !== end) return [start, end];
  let left = start;
  let right = end;
  while (left > 0 && !/[\s,()]/.test(text[left - 1] ?? "")) left -= 1;
  while (right < text.length && !/[\s,()]/.test(text[right] ?? "")) right += 1;
  return [left, right];
}

/** Changes the weight of the selection, or of the word at the caret; weight 1 takes the brackets away. */
export function adjustWeight(text: string, start: number, end: number, by: number): Weighted {
  const [from, to] = wordAround(text, start, end);
  if (from === to) return { text, start, end };
  const inside = text.slice(from, to);
  const after = /^:(-?[\d.]+)\)/.exec(text.slice(to));
  const bracketed = after !== null && text[from - 1] === "(";
  const weight = Math.round(((bracketed ? Number(after[1]) : 1) + by) * 100) / 100;
  const left = text.slice(0, bracketed ? from - 1 : from);
  const right = text.slice(bracketed ? to + after[0].length : to);
  if (weight === 1) return { text: left + inside + right, start: left.length, end: left.length + inside.length };
  const at = left.length + 1;
  return { text: `${left}(${inside}:${weight})${right}`, start: at, end: at + inside.length };
}
