import { tidyPositions } from "../canvas/tidy";
import { aligned, distributed, type Edge } from "../core/align";
import { change } from "../core/diff";
import type { Group, Note } from "../core/document";
import { placeNodes } from "../core/edits";
import type { Box } from "../core/geometry";
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

export const ARRANGE_COMMANDS: readonly Command[] = [
  { id: "arrange.tidy", label: "Tidy up", group: "Arrange", keys: ["shift+t"], run: tidy },
  { id: "arrange.group", label: "Group selection", group: "Arrange", keys: ["mod+g"], enabled: ({ editor }) => editor.selection.size > 0, run: group },
  { id: "arrange.note", label: "Add note", group: "Arrange", run: addNote },
  align("arrange.left", "Align left", "left"),
  align("arrange.right", "Align right", "right"),
  align("arrange.top", "Align top", "top"),
  align("arrange.bottom", "Align bottom", "bottom"),
  align("arrange.centre", "Align centres", "centre"),
  align("arrange.middle", "Align middles", "middle"),
  distribute("arrange.spread-x", "Distribute horizontally", "x"),
  distribute("arrange.spread-y", "Distribute vertically", "y"),
];
