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

/** Room that a new node with a picture needs. */
const ROOM = { w: 260, h: 340 };
const RING = 80;
const RINGS = 30;

/** The place nearest to `at` where a new node with a picture covers nothing; `at` itself where there is none near. */
export function clearPlace(editor: Editor, at: Point): Point {
  const isClear = ({ x, y }: Point) => editor.scene.within({ x: x - 20, y: y - 20, w: ROOM.w + 40, h: ROOM.h + 40 }).length === 0;
  for (let ring = 0; ring < RINGS; ring += 1) {
    const reach = Math.max(1, ring * 8);
    for (let step = 0; step < reach; step += 1) {
      const angle = (step / reach) * 2 * Math.PI;
      const place = { x: Math.round(at.x + ring * RING * Math.cos(angle)), y: Math.round(at.y + ring * RING * Math.sin(angle)) };
      if (isClear(place)) return place;
    }
  }
  return at;
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
