/** What lies in the server's model folders. */
import { read } from "./client";

interface ModelFile {
  readonly name: string;
  readonly pathIndex: number;
}

export async function embeddingNames(): Promise<readonly string[]> {
  return (await read("/embeddings")) as readonly string[];
}

/** Addresses of the pictures that models of a folder may have, by file name; an address may answer 404. */
export async function modelPictures(folder: string): Promise<ReadonlyMap<string, string>> {
  const key = encodeURIComponent(folder);
  const files = (await read(`/experiment/models/${key}`)) as readonly ModelFile[];
  const path = (name: string) => name.split("/").map(encodeURIComponent).join("/");
  return new Map(files.map(({ name, pathIndex }) => [name, `/experiment/models/preview/${key}/${pathIndex}/${path(name)}`]));
}
