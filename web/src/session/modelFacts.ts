/** What a saved workflow tells of its models, so that whoever lacks one knows what to look for. */
import { ApiError } from "../api/client";
import { modelSizes } from "../api/models";
import type { Catalogue } from "../core/catalogue";
import type { Json, WorkflowDocument } from "../core/document";
import { modelsIn } from "../core/missing";

/** The document with name, folder and size of every model in `meta.models`; as it was when the server cannot tell. */
export async function withModelFacts(document: WorkflowDocument, catalogue: Catalogue): Promise<WorkflowDocument> {
  const uses = modelsIn(document, catalogue);
  const folders = [...new Set(uses.map(({ folder }) => folder))];
  try {
    const sizes = new Map(await Promise.all(folders.map(async (folder) => [folder, await modelSizes(folder)] as const)));
    const facts = new Map(uses.map(({ name, folder }) => [`${folder}/${name}`, { name, folder, size: sizes.get(folder)?.get(name) ?? null }]));
    const models: Json = [...facts.values()].filter(({ size }) => size !== null);
    return models.length ? { ...document, meta: { ...(document.meta as Readonly<Record<string, Json>> | undefined), models } } : document;
  } catch (error) {
    if (error instanceof ApiError) return document; // saving must work while the server is away
    throw error;
  }
}
