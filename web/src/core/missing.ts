/** What a workflow needs and the server lacks: model files and node types. */
import { type Catalogue, isModelFolder, visibleInputs } from "./catalogue";
import { type Json, literalOf, type NodeRecord, type WorkflowDocument } from "./document";

export interface MissingModel {
  readonly kind: "model";
  readonly node: string;
  readonly input: string;
  readonly name: string;
  readonly folder: string;
  /** Where the workflow says that it can be had. */
  readonly url: string | null;
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

function urlOf(record: NodeRecord, name: string): string | null {
  const { models } = propertiesOf(record);
  if (!Array.isArray(models)) return null;
  const found = (models as readonly (Readonly<Record<string, Json>> | null)[]).find((model) => model?.["name"] === name);
  return typeof found?.["url"] === "string" ? found["url"] : null;
}

function missingOf(node: string, record: NodeRecord, catalogue: Catalogue): Missing[] {
  const spec = catalogue[record.type];
  if (!spec) return [{ kind: "node", node, type: record.type, pack: packOf(record) }];
  return visibleInputs(spec).flatMap((input): Missing[] => {
    const name = literalOf(record.inputs[input.name]);
    if (!input.choices_from || input.choices === null || typeof name !== "string" || name === "" || input.choices.includes(name)) return [];
    if (!isModelFolder(input.choices_from.folder)) return [];
    return [{ kind: "model", node, input: input.name, name, folder: input.choices_from.folder, url: urlOf(record, name) }];
  });
}

/** Nodes inside subgraphs are named by the instances of the document's own level that contain them. */
export function missingIn(document: Pick<WorkflowDocument, "nodes" | "definitions">, catalogue: Catalogue): Missing[] {
  const definitions = document.definitions ?? {};
  const below = (node: string, type: string, seen: ReadonlySet<string>): Missing[] =>
    Object.values(definitions[type]?.nodes ?? {}).flatMap((record) => look(node, record, seen));
  const look = (node: string, record: NodeRecord, seen: ReadonlySet<string>): Missing[] => {
    if (record.mode) return [];
    if (!definitions[record.type]) return missingOf(node, record, catalogue);
    return seen.has(record.type) ? [] : below(node, record.type, new Set([...seen, record.type]));
  };
  return Object.entries(document.nodes).flatMap(([id, record]) => look(id, record, new Set()));
}
