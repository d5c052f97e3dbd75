import { change, type RecordKey } from "../../core/diff";
import type { BoxTuple, Group } from "../../core/document";
import { contains } from "../../core/geometry";
import { movedTogether, waypointsAmong } from "../../core/waypoints";
import { squash } from "../../core/diff";
import type { Editor } from "../../store/editor";
import { GRID } from "../metrics";
import { idle } from "./idle";
import type { Gesture, PointerInput } from "./machine";

function withBox(groups: readonly Group[], index: number, box: BoxTuple): Partial<Record<RecordKey, Group[]>> {
  return { groups: groups.map((group, at) => (at === index ? { ...group, box } : group)) };
}

/** Moves a group with the nodes whose middle lies in it, or changes its size by the corner. */
export function groupGesture(editor: Editor, index: number, part: "title" | "corner", start: PointerInput): Gesture {
  const groups = editor.document.layout.groups ?? [];
  const box = groups[index]?.box ?? [0, 0, 0, 0];
  const area = { x: box[0], y: box[1], w: box[2], h: box[3] };
  const inside = editor.scene
    .within(area)
    .filter((node) => contains(area, { x: node.x + node.w / 2, y: node.y + node.h / 2 }))
    .map((node) => node.id);
  const ids = new Set(part === "title" ? inside : []);
  editor.select(ids);
  const led = waypointsAmong(editor.document, ids);
  let dx = 0;
  let dy = 0;
  return {
    name: "group",
    move(input) {
      const { k } = editor.viewport;
      dx = Math.round((input.at.x - start.at.x) / k);
      dy = Math.round((input.at.y - start.at.y) / k);
      editor.scene.hold(ids, dx, dy);
      editor.scene.leadWaypoints(led, dx, dy);
      editor.scene.heldGroup = part === "title" ? { index, dx, dy, dw: 0, dh: 0 } : { index, dx: 0, dy: 0, dw: dx, dh: dy };
      editor.moved();
      return this;
    },
    up() {
      editor.scene.settle();
      const moved: BoxTuple = part === "title" ? [box[0] + dx, box[1] + dy, box[2], box[3]] : grown(box, dx, dy);
      const diff = squash(change(editor.document, withBox(groups, index, moved)), movedTogether(editor.document, ids, dx, dy));
      if (dx !== 0 || dy !== 0) editor.commit(diff, part === "title" ? "Move group" : "Resize group");
      return idle(editor);
    },
    cancel() {
      editor.scene.settle();
      editor.scene.leadWaypoints(led, 0, 0);
      editor.moved();
    },
  };
}

function grown(box: BoxTuple, dx: number, dy: number): BoxTuple {
  return [box[0], box[1], Math.max(GRID * 6, box[2] + dx), Math.max(GRID * 4, box[3] + dy)];
}
