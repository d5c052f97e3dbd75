/** Pictures that people bring: stored on the server, and loaded by a node. */
import { api } from "../api/client";
import { setInput } from "../core/edits";
import type { Point } from "../core/geometry";
import { addLinked } from "../store/addLinked";
import type { Editor } from "../store/editor";

const LOADER = "LoadImage";

/** Throws Error when the file is no picture. */
async function checkPicture(file: File): Promise<void> {
  try {
    (await createImageBitmap(file)).close();
  } catch (cause) {
    throw new Error("It is neither a workflow nor a picture that can be read. It may be damaged: get it again.", { cause });
  }
}

/** Throws an ApiError when the server does not take the picture, Error when it is none. */
export async function addPicture(editor: Editor, file: File, at: Point): Promise<void> {
  if (!editor.specs[LOADER]) throw new Error("The file carries no workflow, and this server has no node that loads pictures.");
  await checkPicture(file);
  const { filename, subfolder } = await api.upload(file);
  const id = addLinked(editor, LOADER, at, null);
  editor.commit(setInput(editor.document, id, "image", subfolder ? `${subfolder}/${filename}` : filename), "Choose picture");
}
