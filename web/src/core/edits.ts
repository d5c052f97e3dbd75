/** Every way a document is edited, as functions from a document to a diff. */
import { isBoundary } from "./boundary";
import { type Catalogue, findInput, hasSeedControl, outputType, startingValue, visibleInputs } from "./catalogue";
import { change, type Diff, NO_CHANGE, type RecordKey } from "./diff";
import {
  freshNodeId,
  type InputValue,
  isLink,
  isPromoted,
  linkOver,
  type Json,
  literalOf,
  type NodeMode,
  type NodeRecord,
  type Pair,
  type Placement,
  type SeedControl,
  storedLiteral,
  type WorkflowDocument,
} from "./document";
import { normalWhole } from "./json";
import { type OutputEnd, uncovered, withInput } from "./links";
import { typesFit } from "./sockets";

export interface Added {
  readonly diff: Diff;
  readonly id: string;
}

/** A node of this type with every widget at its starting value. */
export function addNode(document: WorkflowDocument, catalogue: Catalogue, type: string, pos: Pair): Added {
  const id = freshNodeId(document);
  const spec = catalogue[type];
  const inputs: Record<string, InputValue> = {};
  const controls: Record<string, SeedControl> = {};
  for (const input of spec ? visibleInputs(spec) : []) {
    const value = startingValue(input);
    if (value !== undefined) inputs[input.name] = storedLiteral(value);
    if (hasSeedControl(input)) controls[input.name] = "randomize";
  }
  const node: NodeRecord = { type, inputs, ...(Object.keys(controls).length ? { controls } : {}) };
  const place: Placement = { pos: [Math.round(pos[0]), Math.round(pos[1])] };
  return { id, diff: change(document, { [`node:${id}`]: node, [`place:${id}`]: place }) };
}

/** The output that takes a removed node's place for one of its links, where a type fits. */
function throughLink(document: WorkflowDocument, catalogue: Catalogue, id: string, output: string): OutputEnd | null {
  const node = document.nodes[id];
  const type = outputType(catalogue[node?.type ?? ""], output);
  if (!node || type === undefined) return null;
  for (const [name, value] of Object.entries(node.inputs)) {
    const spec = findInput(catalogue[node.type], name);
    if (isLink(value) && spec && spec.type === type) return { node: value.link[0], output: value.link[1] };
  }
  return null;
}

/** Removes nodes; links that went through one are joined where a type fits. */
export function removeNodes(document: WorkflowDocument, catalogue: Catalogue, chosen: ReadonlySet<string>): Diff {
  const ids = new Set([...chosen].filter((id) => !isBoundary(id)));
  const next: Partial<Record<RecordKey, unknown>> = {};
  for (const id of ids) {
    if (document.nodes[id]) next[`node:${id}`] = undefined;
    if (document.layout.nodes[id]) next[`place:${id}`] = undefined;
  }
  for (const [id, node] of Object.entries(document.nodes)) {
    if (ids.has(id)) continue;
    let changed = node;
    for (const [name, value] of Object.entries(node.inputs)) {
      if (!isLink(value) || !ids.has(value.link[0])) continue;
      let source: OutputEnd | null = { node: value.link[0], output: value.link[1] };
      for (let hops = 0; source && ids.has(source.node); hops += 1)
        source = hops > ids.size ? null : throughLink(document, catalogue, source.node, source.output);
      const instead = source ? linkOver(value, source.node, source.output) : uncovered(catalogue, node, name);
      changed = withInput(changed, name, instead);
    }
    if (changed !== node) next[`node:${id}`] = changed;
  }
  return change(document, next);
}

export function setInput(document: WorkflowDocument, id: string, name: string, value: Json): Diff {
  const node = document.nodes[id];
  if (!node) return NO_CHANGE;
  return change(document, { [`node:${id}`]: withInput(node, name, storedLiteral(value)) });
}

export function setControl(document: WorkflowDocument, id: string, name: string, control: SeedControl): Diff {
  const node = document.nodes[id];
  if (!node) return NO_CHANGE;
  return change(document, { [`node:${id}`]: { ...node, controls: { ...node.controls, [name]: control } } });
}

export function setTitle(document: WorkflowDocument, id: string, title: string): Diff {
  const node = document.nodes[id];
  if (!node) return NO_CHANGE;
  const { title: _old, ...rest } = node;
  const trimmed = title.trim();
  return change(document, { [`node:${id}`]: trimmed ? { ...rest, title: trimmed } : rest });
}

/** Sets a mode on all nodes, or takes it away when all have it already. */
export function toggleMode(document: WorkflowDocument, ids: Iterable<string>, mode: NodeMode): Diff {
  const nodes = [...ids].flatMap((id) => (document.nodes[id] ? [[id, document.nodes[id]] as const] : []));
  const on = nodes.some(([, node]) => node.mode !== mode);
  const next: Partial<Record<RecordKey, NodeRecord>> = {};
  for (const [id, { mode: _old, ...rest }] of nodes) next[`node:${id}`] = on ? { ...rest, mode } : rest;
  return change(document, next);
}

export function moveNodes(document: WorkflowDocument, ids: Iterable<string>, dx: number, dy: number): Diff {
  const next: Partial<Record<RecordKey, Placement>> = {};
  for (const id of ids) {
    const place = document.layout.nodes[id] ?? { pos: [0, 0] };
    next[`place:${id}`] = { ...place, pos: [Math.round(place.pos[0] + dx), Math.round(place.pos[1] + dy)] };
  }
  return change(document, next);
}

/** Puts nodes at the given places (tidy, align, distribute). */
export function placeNodes(document: WorkflowDocument, places: ReadonlyMap<string, Pair>): Diff {
  const next: Partial<Record<RecordKey, Placement>> = {};
  for (const [id, pos] of places) {
    const place = document.layout.nodes[id];
    next[`place:${id}`] = { ...place, pos: [Math.round(pos[0]), Math.round(pos[1])] };
  }
  return change(document, next);
}

export function changePlacement(document: WorkflowDocument, id: string, part: Partial<Placement>): Diff {
  const merged: Record<string, unknown> = { pos: [0, 0], ...document.layout.nodes[id], ...part };
  for (const [key, value] of Object.entries(merged)) if (value === undefined || value === false) delete merged[key];
  return change(document, { [`place:${id}`]: merged });
}

type Nodes = Readonly<Record<string, NodeRecord>>;

/** Value of each controlled seed for the next run, inside subgraphs too. `random` gives numbers in 0..1. */
export function advanceSeeds(document: WorkflowDocument, catalogue: Catalogue, random: () => number): Diff {
  const next: Partial<Record<RecordKey, unknown>> = {};
  for (const [id, node] of Object.entries(advancedNodes(document.nodes, catalogue, random))) next[`node:${id}`] = node;
  for (const [id, definition] of Object.entries(document.definitions ?? {})) {
    const nodes = advancedNodes(definition.nodes ?? {}, catalogue, random);
    if (Object.keys(nodes).length) next[`definition:${id}`] = { ...definition, nodes: { ...definition.nodes, ...nodes } };
  }
  return change(document, next);
}

/** The nodes whose seeds move, after they moved. */
function advancedNodes(nodes: Nodes, catalogue: Catalogue, random: () => number): Record<string, NodeRecord> {
  const next: Record<string, NodeRecord> = {};
  for (const [id, node] of Object.entries(nodes)) {
    for (const [name, control] of Object.entries(node.controls ?? {})) {
      const spec = findInput(catalogue[node.type], name);
      const given = node.inputs[name];
      const current = given === undefined ? spec?.default : literalOf(given);
      if (control === "fixed" || isPromoted(given) || (typeof current !== "number" && typeof current !== "bigint")) continue;
      const value = nextSeed(current, control, spec?.options["min"], spec?.options["max"], random);
      next[id] = withInput(next[id] ?? node, name, value);
    }
  }
  return next;
}

/** Random seeds stay below 2^50 so that every program reads them exactly. */
const LARGEST_SEED = 2 ** 50;

function nextSeed(
  current: number | bigint,
  control: Exclude<SeedControl, "fixed">,
  low: Json | undefined,
  high: Json | undefined,
  random: () => number,
): number | bigint {
  const min = typeof low === "number" || typeof low === "bigint" ? low : 0;
  const max = typeof high === "number" || typeof high === "bigint" ? high : LARGEST_SEED;
  const by = (step: 1 | -1) => (typeof current === "number" && !Number.isInteger(current) ? current + step : normalWhole(BigInt(current) + BigInt(step)));
  switch (control) {
    case "increment":
      return current >= max ? max : by(1);
    case "increment-wrap":
      return current >= max ? min : by(1);
    case "decrement":
      return current <= min ? min : by(-1);
    case "randomize": {
      const least = Math.max(Number(min), -LARGEST_SEED);
      return least + Math.floor(random() * (Math.min(Number(max), LARGEST_SEED) - least));
    }
  }
}

/** Gives every widget of these nodes the value that a new node has; links stay. */
export function resetInputs(document: WorkflowDocument, catalogue: Catalogue, ids: Iterable<string>): Diff {
  const next: Partial<Record<RecordKey, NodeRecord>> = {};
  for (const id of ids) {
    let node = document.nodes[id];
    const spec = catalogue[node?.type ?? ""];
    if (!node || !spec) continue;
    for (const input of visibleInputs(spec)) {
      const start = startingValue(input);
      if (start !== undefined && !isLink(node.inputs[input.name])) node = withInput(node, input.name, storedLiteral(start));
    }
    next[`node:${id}`] = node;
  }
  return change(document, next);
}

/** Links `source` to the first input of `id` that takes its type; nothing when none does. */
export function firstFittingInput(catalogue: Catalogue, type: string, given: string): string | null {
  const spec = catalogue[type];
  const inputs = spec ? visibleInputs(spec) : [];
  const exact = inputs.find((input) => input.type === given);
  return (exact ?? inputs.find((input) => typesFit(given, input.type)))?.name ?? null;
}
