/** What lies in the server's model folders. */
import { read } from "./client";

interface ModelFile {
  readonly name: string;
  readonly pathIndex: number;
  readonly size: number;
}

export async function embeddingNames(): Promise<readonly string[]> {
  return (await read("/embeddings")) as readonly string[];
}

async function filesIn(folder: string): Promise<readonly ModelFile[]> {
  return (await read(`/experiment/models/${encodeURIComponent(folder)}`)) as readonly ModelFile[];
}

/** How large the files of a model folder are, in bytes, by name. */
export async function modelSizes(folder: string): Promise<ReadonlyMap<string, number>> {
  return new Map((await filesIn(folder)).map(({ name, size }) => [name, size]));
}

/** Addresses of the pictures that models of a folder may have, by file name; an address may answer 404. */
export async function modelPictures(folder: string): Promise<ReadonlyMap<string, string>> {
  const key = encodeURIComponent(folder);
  const files = await filesIn(folder);
  const path = (name: string) => name.split("/").map(encodeURIComponent).join("/");
  return new Map(files.map(({ name, pathIndex }) => [name, `/experiment/models/preview/${key}/${pathIndex}/${path(name)}`]));
}
