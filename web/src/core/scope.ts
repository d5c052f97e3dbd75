/**
 * The inside of a subgraph as a document of its own, so that every edit works there as it does outside.
 *
 * The definition's inputs and outputs are shown as two nodes, `@inputs` and `@outputs`; `{input: name}` is shown as a
 * link from `@inputs`. `lift` turns a change of that view back into a change of the whole document.
 */
import { type Catalogue, findInput, outputType, uniqueKeys } from "./catalogue";
import { INPUTS_NODE, isBoundary, NEW_SOCKET, OUTPUTS_NODE } from "./boundary";
import { apply, change, type Diff, type RecordKey } from "./diff";
import {
  type Definition,
  type DefinitionOutput,
  type InputValue,
  isLink,
  isPromoted,
  type NodeRecord,
  type Placement,
  promotedOver,
  type SocketRecord,
  type WorkflowDocument,
} from "./document";

/** One level down: the instance that was entered, and what it is an instance of. */
export interface Step {
  readonly instance: string;
  readonly definition: string;
}

const INPUTS_RECORD: NodeRecord = { type: INPUTS_NODE, inputs: {} };
const shownNodes = new WeakMap<NodeRecord, NodeRecord>();
const shownParts = new WeakMap<Definition, Pick<WorkflowDocument, "nodes" | "layout">>();
const shownScopes = new WeakMap<WorkflowDocument, Map<string, WorkflowDocument>>();

/** What the canvas shows at this path; the same document and path give the same object. */
export function scopeOf(root: WorkflowDocument, path: readonly Step[]): WorkflowDocument {
  const id = path.at(-1)?.definition;
  const definition = id === undefined ? undefined : root.definitions?.[id];
  if (id === undefined || !definition) return root;
  const known = shownScopes.get(root) ?? new Map<string, WorkflowDocument>();
  shownScopes.set(root, known);
  const shown = known.get(id) ?? { ...root, name: definition.name, ...partsOf(definition) };
  known.set(id, shown);
  return shown;
}

/** The path as far as it still exists: undo may have taken an instance or its definition away. */
export function validPath(root: WorkflowDocument, path: readonly Step[]): readonly Step[] {
  let nodes = root.nodes;
  for (const [depth, step] of path.entries()) {
    const definition = root.definitions?.[step.definition];
    if (!definition || nodes[step.instance]?.type !== step.definition) return path.slice(0, depth);
    nodes = definition.nodes ?? {};
  }
  return path;
}

/** What comes before the ids of a scope's nodes when they run: `12:3:`. */
export function prefixOf(path: readonly Step[]): string {
  return path.map((step) => `${step.instance}:`).join("");
}

function partsOf(definition: Definition): Pick<WorkflowDocument, "nodes" | "layout"> {
  const found = shownParts.get(definition);
  if (found) return found;
  const nodes: Record<string, NodeRecord> = { [INPUTS_NODE]: INPUTS_RECORD, [OUTPUTS_NODE]: outputsRecord(definition) };
  for (const [id, node] of Object.entries(definition.nodes ?? {})) nodes[id] = shownNode(node);
  const { nodes: placed = {}, ...looks } = definition.layout ?? {};
  const parts = { nodes, layout: { ...looks, nodes: { ...boundaryPlaces(placed), ...placed } } };
  shownParts.set(definition, parts);
  return parts;
}

function outputsRecord(definition: Definition): NodeRecord {
  const outputs = definition.outputs ?? [];
  const keys = uniqueKeys(outputs);
  const inputs: Record<string, InputValue> = {};
  outputs.forEach(({ link, input }, index) => {
    const key = keys[index] ?? "";
    if (link) inputs[key] = { link };
    else if (input !== undefined) inputs[key] = { link: [INPUTS_NODE, input] };
  });
  return { type: OUTPUTS_NODE, inputs };
}

function shownNode(node: NodeRecord): NodeRecord {
  if (!Object.values(node.inputs).some(isPromoted)) return node;
  const found = shownNodes.get(node);
  if (found) return found;
  const inputs = Object.entries(node.inputs).map(([name, value]): [string, InputValue] => {
    if (!isPromoted(value)) return [name, value];
    const { input, ...covered } = value;
    return [name, { link: [INPUTS_NODE, input], ...covered }];
  });
  const shown = { ...node, inputs: Object.fromEntries(inputs) };
  shownNodes.set(node, shown);
  return shown;
}

/** Where the two boundary nodes lie when nobody has placed them: left and right of everything. */
function boundaryPlaces(placed: Readonly<Record<string, Placement>>): Record<string, Placement> {
  const spots = Object.entries(placed).flatMap(([id, { pos, size }]) => (isBoundary(id) ? [] : [{ pos, w: size?.[0] ?? 300 }]));
  const left = Math.min(...spots.map(({ pos }) => pos[0]));
  const right = Math.max(...spots.map(({ pos, w }) => pos[0] + w));
  const top = Math.min(...spots.map(({ pos }) => pos[1]));
  if (spots.length === 0) return { [INPUTS_NODE]: { pos: [0, 0] }, [OUTPUTS_NODE]: { pos: [500, 0] } };
  return { [INPUTS_NODE]: { pos: [left - 240, top] }, [OUTPUTS_NODE]: { pos: [right + 80, top] } };
}

function freshName(wanted: string, sockets: readonly { readonly name: string }[]): string {
  const taken = new Set(sockets.map(({ name }) => name));
  let name = wanted;
  for (let count = 2; taken.has(name); count += 1) name = `${wanted}_${count}`;
  return name;
}

/** The change of the whole document that has this effect on the scope at `path`. */
export function lift(root: WorkflowDocument, path: readonly Step[], diff: Diff, catalogue: Catalogue): Diff {
  const id = path.at(-1)?.definition;
  const before = id === undefined ? undefined : root.definitions?.[id];
  if (id === undefined || !before) return diff;
  const next = apply(scopeOf(root, path), diff);
  const through: Partial<Record<RecordKey, unknown>> = {};
  for (const [key, { to }] of Object.entries(diff) as [RecordKey, { to?: unknown }][])
    if (key.startsWith("definition:") || key === "meta" || key === "form") through[key] = to;
  through[`definition:${id}`] = definitionFrom(next, before, catalogue);
  return change(root, through);
}

function definitionFrom(shown: WorkflowDocument, before: Definition, catalogue: Catalogue): Definition {
  const inputs = [...(before.inputs ?? [])];
  const nodes: Record<string, NodeRecord> = {};
  for (const [id, node] of Object.entries(shown.nodes))
    if (!isBoundary(id)) nodes[id] = storedNode(node, inputs, catalogue, before.nodes?.[id]);
  const outputs = storedOutputs(shown, before, catalogue);
  return {
    ...before,
    name: shown.name,
    ...(inputs.length || before.inputs ? { inputs } : {}),
    ...(outputs.length || before.outputs ? { outputs } : {}),
    nodes,
    layout: shown.layout,
  };
}

/** A shown node as the definition keeps it; the very record it was made from when nothing changed. */
function storedNode(shown: NodeRecord, declared: SocketRecord[], catalogue: Catalogue, before: NodeRecord | undefined): NodeRecord {
  if (before && shownNode(before) === shown) return before;
  const entries = Object.entries(shown.inputs).map(([name, value]): [string, InputValue] => {
    if (!isLink(value) || value.link[0] !== INPUTS_NODE) return [name, value];
    let input = value.link[1];
    if (input === NEW_SOCKET) {
      input = freshName(name, declared);
      declared.push({ name: input, type: findInput(catalogue[shown.type], name)?.type ?? "*" });
    }
    return [name, promotedOver(value, input)];
  });
  return { ...shown, inputs: Object.fromEntries(entries) };
}

function storedOutputs(shown: WorkflowDocument, before: Definition, catalogue: Catalogue): DefinitionOutput[] {
  const outputs = before.outputs ?? [];
  const keys = uniqueKeys(outputs);
  const linked = shown.nodes[OUTPUTS_NODE]?.inputs ?? outputsRecord(before).inputs;
  const stored = outputs.map(({ link: _link, input: _input, ...socket }, index): DefinitionOutput => {
    const value = linked[keys[index] ?? ""];
    return isLink(value) ? { ...socket, ...outputSource(value.link) } : socket;
  });
  const added = linked[NEW_SOCKET];
  if (isLink(added)) {
    const [node, output] = added.link;
    const type = outputType(catalogue[shown.nodes[node]?.type ?? ""], output) ?? "*";
    const plain = output.replace(/#\d+$/, "");
    stored.push({ name: freshName(plain === NEW_SOCKET ? "value" : plain, stored), type, ...outputSource(added.link) });
  }
  return stored;
}

function outputSource([node, output]: readonly [string, string]): Pick<DefinitionOutput, "link" | "input"> {
  return node === INPUTS_NODE ? { input: output } : { link: [node, output] };
}
