/** Links of a document, and the rules for making one. */
import { type Catalogue, findInput, outputType, startingValue } from "./catalogue";
import { change, type Diff, NO_CHANGE, type RecordKey } from "./diff";
import { type InputValue, isLink, linkOver, type NodeRecord, storedLiteral, type WorkflowDocument } from "./document";
import { NEW_SOCKET, OUTPUTS_NODE } from "./boundary";
import { typesFit } from "./sockets";

export interface OutputEnd {
  readonly node: string;
  readonly output: string;
}
export interface InputEnd {
  readonly node: string;
  readonly input: string;
}
export interface Link {
  readonly from: OutputEnd;
  readonly to: InputEnd;
}

export function linksInto(id: string, node: NodeRecord): Link[] {
  const links: Link[] = [];
  for (const [input, value] of Object.entries(node.inputs))
    if (isLink(value)) links.push({ from: { node: value.link[0], output: value.link[1] }, to: { node: id, input } });
  return links;
}

export function allLinks(document: WorkflowDocument): Link[] {
  return Object.entries(document.nodes).flatMap(([id, node]) => linksInto(id, node));
}

function closure(start: string, next: (id: string) => readonly string[]): ReadonlySet<string> {
  const seen = new Set([start]);
  const open = [start];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const other of next(id)) {
      if (seen.has(other)) continue;
      seen.add(other);
      open.push(other);
    }
  }
  return seen;
}

/** The node and everything its value depends on. */
export function upstream(document: WorkflowDocument, id: string): ReadonlySet<string> {
  return closure(id, (at) =>
    Object.values(document.nodes[at]?.inputs ?? {}).flatMap((value) => (isLink(value) ? [value.link[0]] : [])),
  );
}

/** The node and everything that depends on its value. */
export function downstream(document: WorkflowDocument, id: string): ReadonlySet<string> {
  const users = new Map<string, string[]>();
  for (const { from, to } of allLinks(document)) {
    const list = users.get(from.node);
    if (list) list.push(to.node);
    else users.set(from.node, [to.node]);
  }
  return closure(id, (at) => users.get(at) ?? []);
}

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly why: string };

/** Whether a link may be made: both ends exist, the types fit and no cycle results. */
export function mayConnect(document: WorkflowDocument, catalogue: Catalogue, from: OutputEnd, to: InputEnd): Verdict {
  const source = document.nodes[from.node];
  const target = document.nodes[to.node];
  if (!source || !target) return { ok: false, why: "One of the nodes is gone." };
  const given = outputType(catalogue[source.type], from.output);
  const taken = findInput(catalogue[target.type], to.input);
  if (given === undefined) return { ok: false, why: `${source.type} has no output ${from.output}.` };
  if (!taken) return { ok: false, why: `${target.type} has no input ${to.input}.` };
  if (taken.options["socketless"] === true) return { ok: false, why: `${to.input} cannot be linked.` };
  if (!typesFit(given, taken.type)) return { ok: false, why: `${given} does not fit ${taken.type}.` };
  if (from.output === NEW_SOCKET && to.node === OUTPUTS_NODE) return { ok: false, why: "Link a node between the two ends." };
  if (upstream(document, from.node).has(to.node)) return { ok: false, why: "That would make a loop." };
  return { ok: true };
}

export function withInput(node: NodeRecord, name: string, value: InputValue | undefined): NodeRecord {
  const inputs = { ...node.inputs };
  if (value === undefined) delete inputs[name];
  else inputs[name] = value;
  return { ...node, inputs };
}

/** Links two sockets; a link that was in the input before is replaced. Nothing when the rules forbid it. */
export function connect(document: WorkflowDocument, catalogue: Catalogue, from: OutputEnd, to: InputEnd): Diff {
  const target = document.nodes[to.node];
  if (!target || !mayConnect(document, catalogue, from, to).ok) return NO_CHANGE;
  const linked = linkOver(target.inputs[to.input], from.node, from.output);
  return change(document, { [`node:${to.node}`]: withInput(target, to.input, linked) });
}

/** Takes links away; a widget gets the value back that the link covered, else its default. */
export function disconnect(document: WorkflowDocument, catalogue: Catalogue, ends: readonly InputEnd[]): Diff {
  const next: Partial<Record<RecordKey, NodeRecord>> = {};
  for (const { node: id, input } of ends) {
    const node = next[`node:${id}`] ?? document.nodes[id];
    if (!node || !isLink(node.inputs[input])) continue;
    next[`node:${id}`] = withInput(node, input, uncovered(catalogue, node, input));
  }
  return change(document, next);
}

/** What an input holds once its link is gone. */
export function uncovered(catalogue: Catalogue, node: NodeRecord, input: string): InputValue | undefined {
  const value = node.inputs[input];
  if (isLink(value) && value.value !== undefined) return storedLiteral(value.value);
  const spec = findInput(catalogue[node.type], input);
  const start = spec ? startingValue(spec) : undefined;
  return start === undefined ? undefined : storedLiteral(start);
}
