/**
 * JSON whose large whole numbers stay exact: seeds go up to 2^64 − 1, a JavaScript number only to 2^53.
 *
 * A whole number that a JavaScript number holds exactly is one; any other is a bigint.
 */

const STRINGS_AND_NUMBERS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const LARGE = /^-?\d{16,}$/;
/** Stands for a large number between the two steps of reading and writing; no text of a workflow begins like it. */
const MARK = "\u{F8FF}whole:";
const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, "g");

/** A bigint as a number where a number holds it exactly. */
export function normalWhole(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Throws SyntaxError when the text is not JSON. */
export function parseJson(text: string): unknown {
  if (!/\d{16,}/.test(text)) return JSON.parse(text);
  const marked = text.replace(STRINGS_AND_NUMBERS, (token) => (LARGE.test(token) && !Number.isSafeInteger(Number(token)) ? `"${MARK}${token}"` : token));
  if (marked === text) return JSON.parse(text);
  return JSON.parse(marked, (_, value: unknown) => (typeof value === "string" && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value));
}

export function stringifyJson(value: unknown, indent?: number): string {
  const marked = JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? `${MARK}${each}` : each), indent);
  return marked.includes(MARK) ? marked.replace(MARKED, "$1") : marked;
}
