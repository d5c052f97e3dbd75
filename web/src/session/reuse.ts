/** A finished picture as the input of a workflow. */
import { api } from "../api/client";
import { visibleInputs } from "../core/catalogue";
import { apply, squash } from "../core/diff";
import { addNode, setInput } from "../core/edits";
import { type FileRef, viewUrl } from "../core/wire";
import { clearPlace } from "../store/addLinked";
import type { Editor } from "../store/editor";

const LOADER = "LoadImage";

/** The picture field of a node; null when it has none. */
function pictureField(editor: Editor, type: string): string | null {
  const spec = editor.specs[type];
  const input = spec && visibleInputs(spec).find(({ options }) => options["image_upload"] === true);
  return input?.name ?? null;
}

/** Sets a file of the input folder on the selected loader, or on a new one near the middle of the view, beside what is there. */
export function setAsInput(editor: Editor, name: string): void {
  const { document, specs } = editor;
  const chosen = [...editor.selection].find((id) => pictureField(editor, document.nodes[id]?.type ?? "") !== null);
  const type = chosen === undefined ? LOADER : (document.nodes[chosen]?.type ?? LOADER);
  const field = pictureField(editor, type);
  if (field === null) throw new Error(`This server has no node ${LOADER} that loads a picture.`);
  if (chosen !== undefined) {
    editor.commit(setInput(document, chosen, field, name), "Use a picture as input");
    return;
  }
  const at = clearPlace(editor, editor.centre());
  const added = addNode(document, specs, LOADER, [at.x, at.y]);
  editor.commit(squash(added.diff, setInput(apply(document, added.diff), added.id, field, name)), "Use a picture as input");
  editor.select([added.id]);
}

/** Copies a result to the input folder, where it stays when results are cleared. Throws ApiError. */
export async function copyToInputs(file: FileRef): Promise<string> {
  const blob = await (await fetch(viewUrl(file))).blob();
  const stored = await api.upload(new File([blob], file.filename, { type: blob.type }));
  return stored.subfolder ? `${stored.subfolder}/${stored.filename}` : stored.filename;
}
