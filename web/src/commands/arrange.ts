import { tidyPositions } from "../canvas/tidy";
import { aligned, distributed, type Edge } from "../core/align";
import type { SceneLink } from "../canvas/scene";
import { GRID } from "../canvas/metrics";
import { apply, change, type Diff, squash } from "../core/diff";
import type { Group, Note } from "../core/document";
import { changePlacement, placeNodes } from "../core/edits";
import type { Box } from "../core/geometry";
import { addWaypoint, movedTogether, removeWaypoint } from "../core/waypoints";
import type { Editor } from "../store/editor";
import type { Command, Context } from "./command";

const several = ({ editor }: Context) => editor.selection.size > 1;

function selectedBoxes(editor: Editor): Map<string, Box> {
  const boxes = new Map<string, Box>();
  for (const id of editor.selection) {
    const node = editor.scene.nodes.get(id);
    if (node) boxes.set(id, { x: node.x, y: node.y, w: node.w, h: node.h });
  }
  return boxes;
}

function align(id: string, label: string, edge: Edge): Command {
  return {
    id,
    label,
    group: "Arrange",
    enabled: several,
    run: ({ editor }) => editor.commit(placeNodes(editor.document, aligned(selectedBoxes(editor), edge)), label),
  };
}

function distribute(id: string, label: string, axis: "x" | "y"): Command {
  return {
    id,
    label,
    group: "Arrange",
    enabled: ({ editor }) => editor.selection.size > 2,
    run: ({ editor }) => editor.commit(placeNodes(editor.document, distributed(selectedBoxes(editor), axis)), label),
  };
}

async function tidy({ editor }: Context): Promise<void> {
  if (editor.scene.nodes.size === 0) return;
  const places = await tidyPositions(editor.scene, editor.selection);
  editor.commit(placeNodes(editor.document, places), "Tidy");
  if (editor.selection.size === 0) editor.fit();
}

function group({ editor }: Context): void {
  const box = editor.scene.bounds(editor.selection);
  if (!box) return;
  const added: Group = { title: "Group", box: [Math.round(box.x - 20), Math.round(box.y - 48), Math.round(box.w + 40), Math.round(box.h + 68)] };
  editor.commit(change(editor.document, { groups: [...(editor.document.layout.groups ?? []), added] }), "Group nodes");
}

function addNote({ editor }: Context): void {
  const { x, y } = editor.centre();
  const note: Note = { id: editor.outside.freshId(), text: "", box: [Math.round(x - 120), Math.round(y - 60), 240, 120] };
  editor.commit(change(editor.document, { notes: [...(editor.document.layout.notes ?? []), note] }), "Add note");
}

/** Links into selected nodes, with the node they end at. */
function incoming(editor: Editor): { readonly id: string; readonly link: SceneLink }[] {
  return [...editor.selection].flatMap((id) => (editor.scene.nodes.get(id)?.links ?? []).map((link) => ({ id, link })));
}

/** A waypoint in the middle of every incoming link that has none. */
function lead({ editor }: Context): void {
  let document = editor.document;
  let diff: Diff = {};
  for (const { id, link } of incoming(editor)) {
    const target = editor.scene.nodes.get(id);
    if (!target || link.via.length > 0) continue;
    const [from, to] = editor.scene.pathOf(target, link);
    if (!from || !to) continue;
    const step = addWaypoint(document, { node: id, input: link.input }, [(from.x + to.x) / 2, (from.y + to.y) / 2 + 60], 0, editor.outside.freshId());
    document = apply(document, step);
    diff = squash(diff, step);
  }
  editor.commit(diff, "Add waypoints");
}

function unroute({ editor }: Context): void {
  let document = editor.document;
  let diff: Diff = {};
  for (const { id } of incoming(editor).flatMap(({ link }) => link.via)) {
    const step = removeWaypoint(document, id);
    document = apply(document, step);
    diff = squash(diff, step);
  }
  editor.commit(diff, "Remove waypoints");
}

function nudge(id: string, label: string, key: string, dx: number, dy: number): Command {
  return {
    id,
    label,
    group: "Arrange",
    keys: [key],
    enabled: ({ editor }) => editor.selection.size > 0,
    run: ({ editor }) => editor.commit(movedTogether(editor.document, editor.selection, dx, dy), "Move nodes", "nudge"),
  };
}

/** Changes the size of the selected nodes; they never get smaller than what they hold. */
function grow(id: string, label: string, key: string, dw: number, dh: number): Command {
  return {
    id,
    label,
    group: "Arrange",
    keys: [key],
    enabled: ({ editor }) => editor.selection.size > 0,
    run: ({ editor }) => {
      const diffs = [...editor.selection].flatMap((node) => {
        const shown = editor.scene.nodes.get(node);
        return shown ? [changePlacement(editor.document, node, { size: [Math.round(shown.w + dw), Math.round(shown.h + dh)] })] : [];
      });
      editor.commit(diffs.reduce(squash, {}), "Resize nodes", "grow");
    },
  };
}

export const ARRANGE_COMMANDS: readonly Command[] = [
  { id: "arrange.tidy", label: "Tidy up", group: "Arrange", keys: ["shift+t"], run: tidy },
  { id: "arrange.group", label: "Group selection", group: "Arrange", keys: ["mod+g"], enabled: ({ editor }) => editor.selection.size > 0, run: group },
  { id: "arrange.note", label: "Add note", group: "Arrange", run: addNote },
  { id: "arrange.waypoint", label: "Lead incoming links around", group: "Arrange", enabled: ({ editor }) => incoming(editor).length > 0, run: lead },
  { id: "arrange.unroute", label: "Remove waypoints of incoming links", group: "Arrange", enabled: ({ editor }) => incoming(editor).some(({ link }) => link.via.length > 0), run: unroute },
  nudge("arrange.nudge-left", "Move left", "arrowleft", -GRID, 0),
  nudge("arrange.nudge-right", "Move right", "arrowright", GRID, 0),
  nudge("arrange.nudge-up", "Move up", "arrowup", 0, -GRID),
  nudge("arrange.nudge-down", "Move down", "arrowdown", 0, GRID),
  grow("arrange.narrower", "Make narrower", "shift+arrowleft", -GRID, 0),
  grow("arrange.wider", "Make wider", "shift+arrowright", GRID, 0),
  grow("arrange.lower", "Make less tall", "shift+arrowup", 0, -GRID),
  grow("arrange.taller", "Make taller", "shift+arrowdown", 0, GRID),
  align("arrange.left", "Align left", "left"),
  align("arrange.right", "Align right", "right"),
  align("arrange.top", "Align top", "top"),
  align("arrange.bottom", "Align bottom", "bottom"),
  align("arrange.centre", "Align centres", "centre"),
  align("arrange.middle", "Align middles", "middle"),
  distribute("arrange.spread-x", "Distribute horizontally", "x"),
  distribute("arrange.spread-y", "Distribute vertically", "y"),
];
