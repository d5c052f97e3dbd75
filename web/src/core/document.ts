/** The workflow document: names instead of positions, meaning apart from layout. Values are immutable. */

import { stringifyJson } from "./json";

export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [key: string]: Json };

/** `[node id, output name]`. */
export interface LinkInput {
  readonly link: readonly [string, string];
  /** The literal that applies again when the link is removed. */
  readonly value?: Json;
}
/** A literal that is itself an object or a list, wrapped so that it cannot be taken for a link. */
export interface WrappedInput {
  readonly value: Json;
}
/** Only inside a definition: whatever the definition's own input gets. */
export interface PromotedInput {
  readonly input: string;
  readonly value?: Json;
}
export type InputValue = null | boolean | number | bigint | string | LinkInput | WrappedInput | PromotedInput;

export type NodeMode = "muted" | "bypassed";
export const SEED_CONTROLS = ["fixed", "randomize", "increment", "decrement", "increment-wrap"] as const;
export type SeedControl = (typeof SEED_CONTROLS)[number];

export interface NodeRecord {
  readonly type: string;
  readonly title?: string;
  readonly mode?: NodeMode;
  readonly inputs: Readonly<Record<string, InputValue>>;
  readonly controls?: Readonly<Record<string, SeedControl>>;
  /** Sockets of a type that is not installed. */
  readonly sockets?: {
    readonly inputs?: readonly SocketRecord[];
    readonly outputs?: readonly SocketRecord[];
  };
  /** What another editor stored; carried along untouched. */
  readonly kept?: Json;
}
export interface SocketRecord {
  readonly name: string;
  readonly type: string;
  readonly label?: string;
  readonly widget?: boolean;
}
/** A subgraph: nodes behind named inputs and outputs. */
export interface Definition {
  readonly name: string;
  readonly description?: string;
  readonly inputs?: readonly SocketRecord[];
  readonly outputs?: readonly DefinitionOutput[];
  readonly nodes?: Readonly<Record<string, NodeRecord>>;
  readonly layout?: Partial<Layout>;
  readonly kept?: Json;
}
export interface DefinitionOutput {
  readonly name: string;
  readonly type: string;
  readonly label?: string;
  readonly link?: readonly [string, string];
  readonly input?: string;
}
export type Pair = readonly [number, number];
export interface Placement {
  readonly pos: Pair;
  readonly size?: Pair;
  readonly collapsed?: boolean;
  readonly pinned?: boolean;
  readonly color?: string;
  readonly background?: string;
  /** Inputs with a value that are shown as plain sockets. */
  readonly sockets?: readonly string[];
}
export type BoxTuple = readonly [number, number, number, number];
export interface Group {
  readonly title?: string;
  readonly box: BoxTuple;
  readonly color?: string;
  readonly kept?: Json;
}
export interface Note {
  readonly id: string;
  readonly text: string;
  readonly box: BoxTuple;
  readonly markdown?: boolean;
  readonly title?: string;
  readonly color?: string;
  readonly background?: string;
}
/** A point that links are drawn through. */
export interface Waypoint {
  readonly id: string;
  readonly pos: Pair;
  /** The waypoint before this one, towards the source. */
  readonly after?: string;
  /** `[node id, input name]` of each link whose last waypoint this is. */
  readonly links?: readonly (readonly [string, string])[];
  readonly floating?: "input" | "output";
}
/** Which inputs and outputs the form shows, in order, for people who never see the nodes. */
export interface FormRecord {
  readonly title?: string;
  readonly description?: string;
  readonly inputs?: readonly FormField[];
  readonly outputs?: readonly FormOutput[];
}
export interface FormField {
  /** Path id of the node, `12:3` inside a subgraph. */
  readonly node: string;
  readonly input: string;
  readonly label?: string;
  readonly help?: string;
}
export interface FormOutput {
  readonly node: string;
  readonly label?: string;
}
export interface Layout {
  readonly nodes: Readonly<Record<string, Placement>>;
  readonly groups?: readonly Group[];
  readonly notes?: readonly Note[];
  readonly reroutes?: readonly Waypoint[];
  readonly view?: Json;
}
export interface WorkflowDocument {
  readonly format: "heddle-workflow";
  readonly version: 1;
  readonly name: string;
  readonly nodes: Readonly<Record<string, NodeRecord>>;
  readonly definitions?: Readonly<Record<string, Definition>>;
  readonly layout: Layout;
  readonly form?: FormRecord;
  readonly meta?: Json;
}

export const EMPTY_DOCUMENT: WorkflowDocument = {
  format: "heddle-workflow",
  version: 1,
  name: "Untitled",
  nodes: {},
  layout: { nodes: {} },
};

export function isLink(value: InputValue | undefined): value is LinkInput {
  return typeof value === "object" && value !== null && "link" in value;
}

export function isPromoted(value: InputValue | undefined): value is PromotedInput {
  return typeof value === "object" && value !== null && "input" in value;
}

/** The promoted form of a link, keeping the literal it covers. */
export function promotedOver(link: LinkInput, input: string): PromotedInput {
  return link.value === undefined ? { input } : { input, value: link.value };
}

/** The literal behind an input, or undefined when it is linked or absent. */
export function literalOf(value: InputValue | undefined): Json | undefined {
  if (value === undefined || isLink(value)) return undefined;
  return typeof value === "object" && value !== null ? value.value : value;
}

/** A link that remembers the literal it covers. */
export function linkOver(covered: InputValue | undefined, node: string, output: string): LinkInput {
  const value = isLink(covered) ? covered.value : literalOf(covered);
  return value === undefined ? { link: [node, output] } : { link: [node, output], value };
}

/** The form in which a literal is stored: plain, or wrapped when it is an object or a list. */
export function storedLiteral(value: Json): InputValue {
  return typeof value === "object" && value !== null ? { value } : value;
}

/** A value as people read it. */
export function jsonText(value: Json): string {
  return typeof value === "string" ? value : stringifyJson(value);
}

export function freshNodeId(document: WorkflowDocument): string {
  let largest = 0;
  for (const id of Object.keys(document.nodes)) {
    const number = Number(id);
    if (Number.isInteger(number) && number > largest) largest = number;
  }
  return String(largest + 1);
}

/** Orders ids as people do: 2 before 10, numbers before words. */
export function compareIds(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

function sortedById<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => compareIds(a, b)));
}

/** The document as text; the same document gives the same bytes whatever was done and undone before. */
export function serialize(document: WorkflowDocument): string {
  const { nodes, layout } = document;
  const ordered: Record<string, unknown> = {
    format: document.format,
    version: document.version,
    name: document.name,
    nodes: sortedById(nodes),
  };
  if (document.definitions) ordered["definitions"] = sortedById(document.definitions);
  const orderedLayout: Record<string, unknown> = { nodes: sortedById(layout.nodes) };
  if (layout.groups) orderedLayout["groups"] = layout.groups;
  if (layout.notes) orderedLayout["notes"] = layout.notes;
  if (layout.reroutes !== undefined) orderedLayout["reroutes"] = layout.reroutes;
  if (layout.view !== undefined) orderedLayout["view"] = layout.view;
  ordered["layout"] = orderedLayout;
  if (document.form) ordered["form"] = document.form;
  if (document.meta !== undefined) ordered["meta"] = document.meta;
  return `${stringifyJson(ordered, 2)}\n`;
}
