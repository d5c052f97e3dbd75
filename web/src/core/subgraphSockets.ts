/** Changing the sockets of a definition: names are stable ids, so only removing one touches its instances. */
import { type Catalogue, uniqueKeys } from "./catalogue";
import { change, type Diff, NO_CHANGE, type RecordKey } from "./diff";
import { type Definition, isLink, isPromoted, type NodeRecord, type SocketRecord, storedLiteral, type WorkflowDocument } from "./document";
import { uncovered, withInput } from "./links";

export type Side = "inputs" | "outputs";
type Nodes = Readonly<Record<string, NodeRecord>>;

function withDefinition(root: WorkflowDocument, id: string, part: Partial<Definition>): Diff {
  const definition = root.definitions?.[id];
  return definition ? change(root, { [`definition:${id}`]: { ...definition, ...part } }) : NO_CHANGE;
}

/** Changes what people read; links and saved values go by the name, which stays. */
export function labelSocket(root: WorkflowDocument, id: string, side: Side, index: number, label: string): Diff {
  const sockets: readonly SocketRecord[] = root.definitions?.[id]?.[side] ?? [];
  const next = sockets.map((socket, at) => {
    if (at !== index) return socket;
    const { label: _old, ...rest } = socket;
    return label.trim() && label.trim() !== socket.name ? { ...rest, label: label.trim() } : rest;
  });
  return withDefinition(root, id, { [side]: next });
}

export function moveSocket(root: WorkflowDocument, id: string, side: Side, index: number, by: -1 | 1): Diff {
  const sockets: SocketRecord[] = [...(root.definitions?.[id]?.[side] ?? [])];
  const [socket] = sockets.splice(index, 1);
  if (!socket) return NO_CHANGE;
  sockets.splice(Math.max(0, index + by), 0, socket);
  return withDefinition(root, id, { [side]: sockets });
}

/** Removes a socket, what it fed inside, and the links of every instance that used it. */
export function removeSocket(root: WorkflowDocument, catalogue: Catalogue, id: string, side: Side, index: number): Diff {
  const definition = root.definitions?.[id];
  const sockets: readonly SocketRecord[] = definition?.[side] ?? [];
  const name = side === "outputs" ? uniqueKeys(sockets)[index] : sockets[index]?.name;
  if (!definition || name === undefined) return NO_CHANGE;
  const drop = (nodes: Nodes) => (side === "inputs" ? withoutInput(nodes, id, name) : withoutOutput(nodes, catalogue, id, name));
  const records: Partial<Record<RecordKey, unknown>> = {};
  const outer = drop(root.nodes);
  for (const [key, node] of Object.entries(outer)) if (node !== root.nodes[key]) records[`node:${key}`] = node;
  for (const [key, other] of Object.entries(root.definitions ?? {})) {
    const nodes = drop(other.nodes ?? {});
    if (key !== id) records[`definition:${key}`] = { ...other, nodes };
    else {
      const kept = sockets.filter((_, at) => at !== index);
      const inner = side === "inputs" ? withoutPromoted(nodes, catalogue, name) : nodes;
      records[`definition:${key}`] = { ...withoutPassed(other, side, name), [side]: kept, nodes: inner };
    }
  }
  return change(root, records);
}

function mapped(nodes: Nodes, next: (node: NodeRecord) => NodeRecord): Nodes {
  return Object.fromEntries(Object.entries(nodes).map(([key, node]) => [key, next(node)]));
}

function withoutInput(nodes: Nodes, type: string, name: string): Nodes {
  return mapped(nodes, (node) => (node.type === type && name in node.inputs ? withInput(node, name, undefined) : node));
}

function withoutOutput(nodes: Nodes, catalogue: Catalogue, type: string, key: string): Nodes {
  return mapped(nodes, (node) => {
    let next = node;
    for (const [input, value] of Object.entries(node.inputs))
      if (isLink(value) && value.link[1] === key && nodes[value.link[0]]?.type === type) next = withInput(next, input, uncovered(catalogue, node, input));
    return next;
  });
}

function withoutPromoted(nodes: Nodes, catalogue: Catalogue, name: string): Nodes {
  return mapped(nodes, (node) => {
    let next = node;
    for (const [input, value] of Object.entries(node.inputs)) {
      if (!isPromoted(value) || value.input !== name) continue;
      next = withInput(next, input, value.value === undefined ? uncovered(catalogue, node, input) : storedLiteral(value.value));
    }
    return next;
  });
}

/** An output that passed the removed input straight through is left without a source. */
function withoutPassed(definition: Definition, side: Side, name: string): Definition {
  if (side === "outputs" || !definition.outputs) return definition;
  const outputs = definition.outputs.map((output) => {
    const { input, ...rest } = output;
    return input === name ? rest : output;
  });
  return { ...definition, outputs };
}

/** Definitions that nothing uses any more, the root's instances and what they contain being in use. */
export function unusedDefinitions(root: WorkflowDocument): string[] {
  const used = new Set<string>();
  const open = Object.values(root.nodes).map(({ type }) => type);
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const definition = root.definitions?.[at];
    if (!definition || used.has(at)) continue;
    used.add(at);
    for (const node of Object.values(definition.nodes ?? {})) open.push(node.type);
  }
  return Object.keys(root.definitions ?? {}).filter((id) => !used.has(id));
}
