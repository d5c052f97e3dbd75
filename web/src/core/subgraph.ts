/** Making a subgraph of nodes, taking one apart, and changing its sockets everywhere at once. */
import { isBoundary } from "./boundary";
import { type Catalogue, findInput, outputType, uniqueKeys } from "./catalogue";
import { change, type Diff, NO_CHANGE, type RecordKey } from "./diff";
import {
  type Definition,
  type DefinitionOutput,
  freshNodeId,
  type InputValue,
  isLink,
  isPromoted,
  linkOver,
  literalOf,
  type NodeRecord,
  type Placement,
  promotedOver,
  type SocketRecord,
  storedLiteral,
  type WorkflowDocument,
} from "./document";
import { downstream, uncovered, withInput } from "./links";

export type Made = { readonly ok: true; readonly diff: Diff; readonly id: string } | { readonly ok: false; readonly why: string };
type Records = Partial<Record<RecordKey, unknown>>;
type Definitions = Readonly<Record<string, Definition>>;

/** Whether `type` is `wanted` or contains it at any depth. */
export function containsDefinition(definitions: Definitions, type: string, wanted: string): boolean {
  const seen = new Set<string>();
  const open = [type];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at === wanted) return true;
    if (seen.has(at)) continue;
    seen.add(at);
    for (const node of Object.values(definitions[at]?.nodes ?? {})) open.push(node.type);
  }
  return false;
}

function freshName(wanted: string, sockets: readonly SocketRecord[]): string {
  const taken = new Set(sockets.map(({ name }) => name));
  let name = wanted;
  for (let count = 2; taken.has(name); count += 1) name = `${wanted}_${count}`;
  return name;
}

/** The node outside that would lie between two of the chosen nodes; null when there is none. */
function between(document: WorkflowDocument, ids: ReadonlySet<string>): string | null {
  const after = new Set([...ids].flatMap((id) => [...downstream(document, id)]));
  for (const id of ids)
    for (const value of Object.values(document.nodes[id]?.inputs ?? {}))
      if (isLink(value) && !ids.has(value.link[0]) && after.has(value.link[0])) return value.link[0];
  return null;
}

/** Puts nodes into a new definition; one instance takes their place, and every link goes on through its sockets. */
export function makeSubgraph(document: WorkflowDocument, catalogue: Catalogue, chosen: ReadonlySet<string>, definitionId: string, name: string): Made {
  const ids = new Set([...chosen].filter((id) => document.nodes[id] && !isBoundary(id)));
  if (ids.size === 0) return { ok: false, why: "Select the nodes it shall hold." };
  const middle = between(document, ids);
  if (middle !== null) {
    const title = document.nodes[middle]?.title ?? document.nodes[middle]?.type ?? middle;
    return { ok: false, why: `“${title}” lies between the selected nodes. Select it as well.` };
  }
  const id = freshNodeId(document);
  const inside = enclosed(document, catalogue, ids);
  const outputs: DefinitionOutput[] = [];
  const records: Records = {};
  for (const [outer, node] of Object.entries(document.nodes)) {
    if (ids.has(outer)) continue;
    const next = throughInstance(document, catalogue, node, ids, id, outputs);
    if (next !== node) records[`node:${outer}`] = next;
  }
  const places: Record<string, Placement> = {};
  for (const inner of ids) {
    places[inner] = document.layout.nodes[inner] ?? { pos: [0, 0] };
    records[`node:${inner}`] = undefined;
    records[`place:${inner}`] = undefined;
  }
  const spots = Object.values(places).map(({ pos }) => pos);
  const definition: Definition = { name, inputs: inside.inputs, outputs, nodes: inside.nodes, layout: { nodes: places } };
  records[`definition:${definitionId}`] = definition;
  records[`node:${id}`] = { type: definitionId, inputs: inside.given };
  const middleOf = (axis: 0 | 1) => Math.round(spots.reduce((sum, pos) => sum + pos[axis], 0) / spots.length);
  records[`place:${id}`] = { pos: [middleOf(0), middleOf(1)] };
  return { ok: true, diff: change(document, records), id };
}

interface Enclosed {
  readonly nodes: Record<string, NodeRecord>;
  readonly inputs: SocketRecord[];
  /** What the instance gets there. */
  readonly given: Record<string, InputValue>;
}

/** The chosen nodes with every link from outside replaced by an input of the definition, one for each source. */
function enclosed(document: WorkflowDocument, catalogue: Catalogue, ids: ReadonlySet<string>): Enclosed {
  const inputs: SocketRecord[] = [];
  const given: Record<string, InputValue> = {};
  const bySource = new Map<string, string>();
  const nodes: Record<string, NodeRecord> = {};
  for (const id of ids) {
    let node = document.nodes[id];
    if (!node) continue;
    for (const [input, value] of Object.entries(node.inputs)) {
      if (!isLink(value) || ids.has(value.link[0])) continue;
      const [source, output] = value.link;
      const key = JSON.stringify(value.link);
      const name = bySource.get(key) ?? freshName(input, inputs);
      if (!bySource.has(key)) {
        const type = outputType(catalogue[document.nodes[source]?.type ?? ""], output) ?? findInput(catalogue[node.type], input)?.type ?? "*";
        bySource.set(key, name);
        inputs.push({ name, type });
        given[name] = { link: [source, output] };
      }
      node = withInput(node, input, promotedOver(value, name));
    }
    nodes[id] = node;
  }
  return { nodes, inputs, given };
}

/** An outer node whose links from inside now come from the instance; `outputs` grows by what they need. */
function throughInstance(document: WorkflowDocument, catalogue: Catalogue, node: NodeRecord, ids: ReadonlySet<string>, instance: string, outputs: DefinitionOutput[]): NodeRecord {
  let next = node;
  for (const [input, value] of Object.entries(node.inputs)) {
    if (!isLink(value) || !ids.has(value.link[0])) continue;
    const [source, output] = value.link;
    let known = outputs.find(({ link }) => link?.[0] === source && link[1] === output);
    if (!known) {
      const type = outputType(catalogue[document.nodes[source]?.type ?? ""], output) ?? "*";
      known = { name: freshName(output.replace(/#\d+$/, ""), outputs), type, link: [source, output] };
      outputs.push(known);
    }
    next = withInput(next, input, linkOver(value, instance, known.name));
  }
  return next;
}

/** Puts the nodes of an instance in its place; the definition stays for other uses. */
export function unpackSubgraph(document: WorkflowDocument, catalogue: Catalogue, id: string): { readonly diff: Diff; readonly ids: ReadonlySet<string> } {
  const instance = document.nodes[id];
  const definition = document.definitions?.[instance?.type ?? ""];
  if (!instance || !definition) return { diff: NO_CHANGE, ids: new Set() };
  const inner = Object.entries(definition.nodes ?? {});
  let next = Number(freshNodeId(document));
  const renamed = new Map(inner.map(([old]) => [old, String(next++)]));
  const records: Records = { [`node:${id}`]: undefined, [`place:${id}`]: undefined };
  for (const [old, node] of inner) {
    const inputs = Object.entries(node.inputs).flatMap(([name, value]): [string, InputValue][] => {
      const unpacked = unpackedInput(value, instance, renamed) ?? uncovered(catalogue, node, name);
      return unpacked === undefined ? [] : [[name, unpacked]];
    });
    const mode = node.mode ?? instance.mode;
    records[`node:${renamed.get(old) ?? old}`] = { ...node, inputs: Object.fromEntries(inputs), ...(mode ? { mode } : {}) };
  }
  Object.assign(records, unpackedPlaces(document, definition, id, renamed));
  for (const [outer, node] of Object.entries(document.nodes)) {
    const moved = outer === id ? node : pastInstance(catalogue, node, id, instance, definition, renamed);
    if (moved !== node) records[`node:${outer}`] = moved;
  }
  return { diff: change(document, records), ids: new Set(renamed.values()) };
}

/** What an inner input holds outside; undefined when nothing feeds it any more. */
function unpackedInput(value: InputValue, instance: NodeRecord, renamed: ReadonlyMap<string, string>): InputValue | undefined {
  if (isLink(value)) return linkOver(value, renamed.get(value.link[0]) ?? value.link[0], value.link[1]);
  if (!isPromoted(value)) return value;
  const given = instance.inputs[value.input];
  const covered = value.value === undefined ? undefined : storedLiteral(value.value);
  if (given === undefined) return covered;
  return isLink(given) ? linkOver(covered ?? given, given.link[0], given.link[1]) : given;
}

function pastInstance(catalogue: Catalogue, node: NodeRecord, id: string, instance: NodeRecord, definition: Definition, renamed: ReadonlyMap<string, string>): NodeRecord {
  const outputs = definition.outputs ?? [];
  const keys = uniqueKeys(outputs);
  let next = node;
  for (const [input, value] of Object.entries(node.inputs)) {
    if (!isLink(value) || value.link[0] !== id) continue;
    const source = outputs[keys.indexOf(value.link[1])];
    const passed = source?.input === undefined ? undefined : instance.inputs[source.input];
    if (source?.link) next = withInput(next, input, linkOver(value, renamed.get(source.link[0]) ?? source.link[0], source.link[1]));
    else if (isLink(passed)) next = withInput(next, input, linkOver(value, passed.link[0], passed.link[1]));
    else next = withInput(next, input, literalOf(passed) === undefined ? uncovered(catalogue, node, input) : passed);
  }
  return next;
}

/** Places, groups and notes of the definition, moved to where the instance was. */
function unpackedPlaces(document: WorkflowDocument, { layout }: Definition, id: string, renamed: ReadonlyMap<string, string>): Records {
  const places = Object.entries(layout?.nodes ?? {}).filter(([inner]) => renamed.has(inner));
  const [x, y] = document.layout.nodes[id]?.pos ?? [0, 0];
  const dx = places.length ? x - Math.min(...places.map(([, { pos }]) => pos[0])) : x;
  const dy = places.length ? y - Math.min(...places.map(([, { pos }]) => pos[1])) : y;
  const records: Records = {};
  for (const [inner, place] of places)
    records[`place:${renamed.get(inner) ?? inner}`] = { ...place, pos: [place.pos[0] + dx, place.pos[1] + dy] };
  const moved = <T extends { readonly box: readonly [number, number, number, number] }>(item: T): T => ({ ...item, box: [item.box[0] + dx, item.box[1] + dy, item.box[2], item.box[3]] });
  if (layout?.groups?.length) records["groups"] = [...(document.layout.groups ?? []), ...layout.groups.map(moved)];
  if (layout?.notes?.length) records["notes"] = [...(document.layout.notes ?? []), ...layout.notes.map((note) => ({ ...moved(note), id: `${id}-${note.id}` }))];
  return records;
}
