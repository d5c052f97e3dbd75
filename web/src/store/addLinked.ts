/** Adding a node, linked to the loose end it was asked for. */
import { outputKeys } from "../core/catalogue";
import { apply, squash } from "../core/diff";
import { addNode, firstFittingInput } from "../core/edits";
import type { Point } from "../core/geometry";
import { connect } from "../core/links";
import { typesFit } from "../core/sockets";
import type { Editor } from "./editor";
import type { LooseEnd } from "./state";

export function addLinked(editor: Editor, type: string, at: Point, drag: LooseEnd | null): string {
  const { document, specs } = editor;
  const spec = specs[type];
  const left = drag?.to ? at.x - 240 : at.x;
  const added = addNode(document, specs, type, [left, at.y - 20]);
  const next = apply(document, added.diff);
  let diff = added.diff;
  if (drag?.from) {
    const input = firstFittingInput(specs, type, drag.type);
    if (input !== null) diff = squash(diff, connect(next, specs, drag.from, { node: added.id, input }));
  } else if (drag?.to && spec) {
    const index = spec.outputs.findIndex((output) => typesFit(output.type, drag.type));
    const output = outputKeys(spec)[index];
    if (output !== undefined) diff = squash(diff, connect(next, specs, { node: added.id, output }, drag.to));
  }
  editor.commit(diff, `Add ${spec?.display_name ?? type}`);
  editor.select([added.id]);
  return added.id;
}
