/** Adding a node, linked to the loose end it was asked for. */
import { outputKeys } from "../core/catalogue";
import { apply, squash } from "../core/diff";
import { addNode, firstFittingInput } from "../core/edits";
import type { Point } from "../core/geometry";
import { connect } from "../core/links";
import { typesFit } from "../core/sockets";
import type { Editor } from "./editor";
import type { LooseEnd } from "./state";

const STAGGER = 40;

/** The place itself, or one below and right of it when a node begins there already. */
function freePlace(editor: Editor, { x, y }: Point): Point {
  const near = editor.scene.within({ x: x - STAGGER / 2, y: y - STAGGER / 2, w: STAGGER, h: STAGGER });
  const taken = near.some((node) => Math.abs(node.x - x) < STAGGER / 2 && Math.abs(node.y - y) < STAGGER / 2);
  return taken ? freePlace(editor, { x: x + STAGGER, y: y + STAGGER }) : { x, y };
}

export function addLinked(editor: Editor, type: string, at: Point, drag: LooseEnd | null): string {
  const { document, specs } = editor;
  const spec = specs[type];
  const place = freePlace(editor, { x: drag?.to ? at.x - 240 : at.x, y: at.y - 20 });
  const added = addNode(document, specs, type, [place.x, place.y]);
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
