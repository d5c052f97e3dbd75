/** Copy and paste as text, so that it works across tabs, windows and programs. */
import { parseJson, stringifyJson } from "./json";
import { isBoundary } from "./boundary";
import { change, type Diff, type RecordKey, sameJson } from "./diff";
import { type Definition, freshNodeId, type InputValue, isLink, linkOver, type NodeRecord, type Pair, type Placement, type WorkflowDocument } from "./document";

interface Clip {
  readonly format: "heddle-nodes";
  readonly nodes: Readonly<Record<string, NodeRecord>>;
  readonly places: Readonly<Record<string, Placement>>;
  /** The subgraphs that the nodes are instances of, and those inside them. */
  readonly definitions?: Definitions;
}
type Definitions = Readonly<Record<string, Definition>>;

export function copyNodes(document: WorkflowDocument, ids: ReadonlySet<string>): string {
  const nodes: Record<string, NodeRecord> = {};
  const places: Record<string, Placement> = {};
  for (const id of ids) {
    const node = document.nodes[id];
    if (!node || isBoundary(id)) continue;
    nodes[id] = node;
    places[id] = document.layout.nodes[id] ?? { pos: [0, 0] };
  }
  const definitions = definitionsOf(document.definitions ?? {}, Object.values(nodes));
  const clip: Clip = { format: "heddle-nodes", nodes, places, ...(Object.keys(definitions).length ? { definitions } : {}) };
  return stringifyJson(clip);
}

function definitionsOf(all: Definitions, nodes: readonly NodeRecord[]): Definitions {
  const found: Record<string, Definition> = {};
  const open = [...nodes];
  for (let node = open.pop(); node; node = open.pop()) {
    const definition = all[node.type];
    if (!definition || found[node.type]) continue;
    found[node.type] = definition;
    open.push(...Object.values(definition.nodes ?? {}));
  }
  return found;
}

/** Under which ids the clip's subgraphs come in: their own, or a fresh one where the document has another by that id. */
function renamedDefinitions(document: WorkflowDocument, clip: Clip): ReadonlyMap<string, string> {
  const here = document.definitions ?? {};
  return new Map(
    Object.entries(clip.definitions ?? {}).map(([id, definition]) => {
      let fresh = id;
      for (let count = 2; here[fresh] && !sameJson(here[fresh], definition); count += 1) fresh = `${id}-${count}`;
      return [id, fresh];
    }),
  );
}

export function readClip(text: string): Clip | null {
  if (!text.startsWith('{"format":"heddle-nodes"')) return null;
  try {
    return parseJson(text) as Clip;
  } catch {
    return null; // text that only begins like a clip is some other text
  }
}

export interface Pasted {
  readonly diff: Diff;
  readonly ids: ReadonlySet<string>;
}

/** Adds the nodes with fresh ids, their top left corner at `at`; links from nodes left behind are kept if they exist. */
export function pasteNodes(document: WorkflowDocument, clip: Clip, at: Pair): Pasted {
  const renamed = new Map<string, string>();
  let next = Number(freshNodeId(document));
  for (const id of Object.keys(clip.nodes)) renamed.set(id, String(next++));
  const corners = Object.values(clip.places).map((place) => place.pos);
  const left = Math.min(...corners.map((pos) => pos[0]));
  const top = Math.min(...corners.map((pos) => pos[1]));
  const records: Partial<Record<RecordKey, unknown>> = {};
  const types = renamedDefinitions(document, clip);
  const retyped = (node: NodeRecord): NodeRecord => ({ ...node, type: types.get(node.type) ?? node.type });
  for (const [id, definition] of Object.entries(clip.definitions ?? {})) {
    const nodes = Object.fromEntries(Object.entries(definition.nodes ?? {}).map(([inner, node]) => [inner, retyped(node)]));
    records[`definition:${types.get(id) ?? id}`] = { ...definition, nodes };
  }
  for (const [id, node] of Object.entries(clip.nodes)) {
    const fresh = renamed.get(id) ?? id;
    const inputs: Record<string, InputValue> = {};
    for (const [name, value] of Object.entries(node.inputs)) {
      if (!isLink(value)) {
        inputs[name] = value;
        continue;
      }
      const [source, output] = value.link;
      const inside = renamed.get(source);
      if (inside !== undefined) inputs[name] = linkOver(value, inside, output);
      else if (document.nodes[source]) inputs[name] = value;
    }
    records[`node:${fresh}`] = { ...retyped(node), inputs };
    const place = clip.places[id] ?? { pos: [left, top] as Pair };
    const pos: Pair = [Math.round(place.pos[0] - left + at[0]), Math.round(place.pos[1] - top + at[1])];
    records[`place:${fresh}`] = { ...place, pos };
  }
  return { diff: change(document, records), ids: new Set(renamed.values()) };
}
