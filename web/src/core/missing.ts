/** What a workflow needs and the server lacks: model files and node types. */
import { type Catalogue, isModelFolder, type NodeSpec, visibleInputs } from "./catalogue";
import { type Json, literalOf, type NodeRecord, type WorkflowDocument } from "./document";

export interface MissingModel {
  readonly kind: "model";
  readonly node: string;
  readonly input: string;
  readonly name: string;
  readonly folder: string;
  /** Where the workflow says that it can be had. */
  readonly url: string | null;
  /** How large the workflow says it is, in bytes. */
  readonly size: number | null;
}
export interface MissingNode {
  readonly kind: "node";
  readonly node: string;
  readonly type: string;
  /** The pack that the workflow says it belongs to. */
  readonly pack: string | null;
}
export type Missing = MissingModel | MissingNode;

function propertiesOf(record: NodeRecord): Readonly<Record<string, Json>> {
  const kept = record.kept as { readonly properties?: Readonly<Record<string, Json>> } | null | undefined;
  return kept?.properties ?? {};
}

function packOf(record: NodeRecord): string | null {
  const { cnr_id: id, aux_id: address } = propertiesOf(record);
  return typeof id === "string" ? id : typeof address === "string" ? address : null;
}

type Facts = Readonly<Record<string, Json>>;

/** What a list of models says of one of them. */
function factsOf(models: Json | undefined, name: string): Facts {
  if (!Array.isArray(models)) return {};
  return (models as readonly (Facts | null)[]).find((model) => model?.["name"] === name) ?? {};
}

/** A model file that a node names. */
export interface ModelUse {
  readonly input: string;
  readonly name: string;
  readonly folder: string;
  readonly here: boolean;
}

function modelsOf(record: NodeRecord, spec: NodeSpec): ModelUse[] {
  return visibleInputs(spec).flatMap(({ name: input, choices, choices_from: from }): ModelUse[] => {
    const name = literalOf(record.inputs[input]);
    if (!from || choices === null || typeof name !== "string" || name === "" || !isModelFolder(from.folder)) return [];
    return [{ input, name, folder: from.folder, here: choices.includes(name) }];
  });
}

/** Every model file that the workflow names and the server has. */
export function modelsIn({ nodes, definitions = {} }: WorkflowDocument, catalogue: Catalogue): ModelUse[] {
  const records = [nodes, ...Object.values(definitions).map((definition) => definition.nodes ?? {})].flatMap((each) => Object.values(each));
  return records.flatMap((record) => {
    const spec = catalogue[record.type];
    return spec ? modelsOf(record, spec).filter(({ here }) => here) : [];
  });
}

const known = new WeakMap<NodeRecord, { readonly node: string; readonly catalogue: Catalogue; readonly meta: Json | undefined; readonly found: readonly Missing[] }>();

/** What one node lacks; asked again only when the node, the catalogue or the document's facts changed. */
function missingOf(node: string, record: NodeRecord, catalogue: Catalogue, meta: Json | undefined): readonly Missing[] {
  const last = known.get(record);
  if (last?.node === node && last.catalogue === catalogue && last.meta === meta) return last.found;
  const found = lookedFor(node, record, catalogue, meta);
  known.set(record, { node, catalogue, meta, found });
  return found;
}

function lookedFor(node: string, record: NodeRecord, catalogue: Catalogue, meta: Json | undefined): Missing[] {
  const spec = catalogue[record.type];
  if (!spec) return [{ kind: "node", node, type: record.type, pack: packOf(record) }];
  return modelsOf(record, spec).flatMap(({ input, name, folder, here }): Missing[] => {
    if (here) return [];
    const { url, size } = { ...factsOf((meta as Facts | null | undefined)?.["models"], name), ...factsOf(propertiesOf(record)["models"], name) };
    return [{ kind: "model", node, input, name, folder, url: typeof url === "string" ? url : null, size: typeof size === "number" ? size : null }];
  });
}

/** Nodes inside subgraphs are named by the instances of the document's own level that contain them. */
export function missingIn(document: Pick<WorkflowDocument, "nodes" | "definitions" | "meta">, catalogue: Catalogue): Missing[] {
  const definitions = document.definitions ?? {};
  const below = (node: string, type: string, seen: ReadonlySet<string>): Missing[] =>
    Object.values(definitions[type]?.nodes ?? {}).flatMap((record) => look(node, record, seen));
  const look = (node: string, record: NodeRecord, seen: ReadonlySet<string>): readonly Missing[] => {
    if (record.mode) return [];
    if (!definitions[record.type]) return missingOf(node, record, catalogue, document.meta);
    return seen.has(record.type) ? [] : below(node, record.type, new Set([...seen, record.type]));
  };
  return Object.entries(document.nodes).flatMap(([id, record]) => look(id, record, new Set()));
}
