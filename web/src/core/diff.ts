/**
 * A change to a document as data: what each touched record was and what it becomes.
 *
 * `reverse` gives undo, `squash` makes one change of two, `apply` restores exactly what `reverse` recorded.
 */
import type { WorkflowDocument } from "./document";

/** What a diff can touch. Records are replaced whole; structural sharing keeps that cheap. */
export type RecordKey =
  | `node:${string}`
  | `place:${string}`
  | `definition:${string}`
  | "name"
  | "groups"
  | "notes"
  | "reroutes"
  | "form"
  | "meta";

/** An absent `from` means the record is added, an absent `to` that it is removed. */
export interface Change {
  readonly from?: unknown;
  readonly to?: unknown;
}
export type Diff = Readonly<Partial<Record<RecordKey, Change>>>;

export const NO_CHANGE: Diff = {};

function entriesOf(diff: Diff): [RecordKey, Change][] {
  return Object.entries(diff) as [RecordKey, Change][];
}

export function isEmpty(diff: Diff): boolean {
  for (const _ in diff) return false;
  return true;
}

/** Structural equality of two JSON values. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && sameJson(left[key], right[key]));
}

function readRecord(document: WorkflowDocument, key: RecordKey): unknown {
  const colon = key.indexOf(":");
  const id = key.slice(colon + 1);
  switch (colon < 0 ? key : key.slice(0, colon)) {
    case "node":
      return document.nodes[id];
    case "place":
      return document.layout.nodes[id];
    case "definition":
      return document.definitions?.[id];
    case "name":
      return document.name;
    case "groups":
      return document.layout.groups;
    case "notes":
      return document.layout.notes;
    case "reroutes":
      return document.layout.reroutes;
    case "form":
      return document.form;
    case "meta":
      return document.meta;
    default:
      throw new Error(`no record ${key}`);
  }
}

/** The diff that gives each named record its new value; records that keep theirs are left out. */
export function change(document: WorkflowDocument, next: Partial<Record<RecordKey, unknown>>): Diff {
  const diff: Partial<Record<RecordKey, Change>> = {};
  for (const [key, to] of Object.entries(next) as [RecordKey, unknown][]) {
    const from = readRecord(document, key);
    if (!sameJson(from, to)) diff[key] = present(from, to);
  }
  return diff;
}

function present(from: unknown, to: unknown): Change {
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

export function reverse(diff: Diff): Diff {
  return Object.fromEntries(entriesOf(diff).map(([key, { from, to }]) => [key, present(to, from)]));
}

/** One diff with the effect of `first`, then `second`. */
export function squash(first: Diff, second: Diff): Diff {
  const merged: Partial<Record<RecordKey, Change>> = { ...first };
  for (const [key, { from, to }] of entriesOf(second)) {
    const earlier = first[key];
    const start = earlier ? earlier.from : from;
    if (sameJson(start, to)) delete merged[key];
    else merged[key] = present(start, to);
  }
  return merged;
}

/** The document after the change; untouched records are the same objects as before. */
export function apply(document: WorkflowDocument, diff: Diff): WorkflowDocument {
  let nodes: Record<string, unknown> | undefined;
  let places: Record<string, unknown> | undefined;
  let definitions: Record<string, unknown> | undefined;
  let layout: Record<string, unknown> | undefined;
  const top: Record<string, unknown> = {};
  for (const [key, { to }] of entriesOf(diff)) {
    const colon = key.indexOf(":");
    const id = key.slice(colon + 1);
    switch (colon < 0 ? key : key.slice(0, colon)) {
      case "node":
        put((nodes ??= { ...document.nodes }), id, to);
        break;
      case "place":
        put((places ??= { ...document.layout.nodes }), id, to);
        break;
      case "definition":
        put((definitions ??= { ...document.definitions }), id, to);
        break;
      case "groups":
      case "notes":
      case "reroutes":
        put((layout ??= { ...document.layout }), key, to);
        break;
      default:
        top[key] = to;
    }
  }
  if (places) layout = { ...(layout ?? document.layout), nodes: places };
  const next: Record<string, unknown> = { ...document };
  if (nodes) next["nodes"] = nodes;
  if (layout) next["layout"] = layout;
  if (definitions) put(next, "definitions", Object.keys(definitions).length ? definitions : undefined);
  for (const [key, value] of Object.entries(top)) put(next, key, value);
  return next as unknown as WorkflowDocument;
}

function put(record: Record<string, unknown>, key: string, value: unknown): void {
  if (value === undefined) delete record[key];
  else record[key] = value;
}
