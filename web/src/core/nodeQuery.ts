/** What somebody searches nodes by: words, and filters written as `takes:IMAGE gives:MASK in:sampling`. */
import { type Catalogue, type NodeSpec, visibleInputs } from "./catalogue";

export const FILTERS = ["takes", "gives", "in"] as const;
export type Filter = (typeof FILTERS)[number];
export interface NodeQuery {
  readonly words: string;
  readonly filters: Readonly<Partial<Record<Filter, string>>>;
}

const WORD = /(?:^|\s)(takes|gives|in):(?:"([^"]*)"|(\S*))/gi;

export function readQuery(text: string): NodeQuery {
  const filters: Partial<Record<Filter, string>> = {};
  for (const [, name = "", quoted, plain] of text.matchAll(WORD)) filters[name.toLowerCase() as Filter] = quoted ?? plain ?? "";
  return { words: text.replace(WORD, " ").trim(), filters };
}

/** The text with one filter set to something else; an empty value takes it away. */
export function withFilter(text: string, filter: Filter, value: string): string {
  const { words, filters } = readQuery(text);
  const next = { ...filters, [filter]: value };
  const written = FILTERS.flatMap((name) => (next[name] ? [`${name}:${/\s/.test(next[name]) ? `"${next[name]}"` : next[name]}`] : []));
  return [...written, words].join(" ").trimEnd() + (words === "" && written.length ? " " : "");
}

/** By the beginning of a type's name. A wildcard takes everything: somebody who asks for a type means nodes made for it. */
function named(type: string, wanted: string): boolean {
  return type.toLowerCase().split(",").some((part) => part.trim().startsWith(wanted.toLowerCase()));
}

export function passes(spec: NodeSpec, { takes, gives, in: category }: NodeQuery["filters"]): boolean {
  if (takes && !visibleInputs(spec).some(({ type }) => named(type, takes))) return false;
  if (gives && !spec.outputs.some(({ type }) => named(type, gives))) return false;
  return !category || spec.category.toLowerCase().split("/").some((_, at, parts) => parts.slice(at).join("/").startsWith(category.toLowerCase()));
}

/** What each filter can be set to with these nodes. */
export function filterChoices(catalogue: Catalogue): Readonly<Record<Filter, readonly string[]>> {
  const takes = new Set<string>();
  const gives = new Set<string>();
  const categories = new Set<string>();
  for (const spec of Object.values(catalogue)) {
    for (const { type, widget } of visibleInputs(spec)) if (!widget && !/[*,]/.test(type)) takes.add(type);
    for (const { type } of spec.outputs) if (!/[*,]/.test(type)) gives.add(type);
    spec.category.split("/").forEach((_, at, parts) => categories.add(parts.slice(0, at + 1).join("/")));
  }
  const sorted = (set: ReadonlySet<string>) => [...set].filter(Boolean).sort((a, b) => a.localeCompare(b));
  return { takes: sorted(takes), gives: sorted(gives), in: sorted(categories) };
}
