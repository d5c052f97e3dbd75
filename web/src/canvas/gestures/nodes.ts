import { movedTogether, waypointsAmong } from "../../core/waypoints";
import type { Editor } from "../../store/editor";
import { GRID } from "../metrics";
import { idle } from "./idle";
import { insertIntoLink } from "./insert";
import type { Gesture, PointerInput } from "./machine";

/** A press on a node: selects it; becomes a drag once it moves. */
export function pressNode(editor: Editor, id: string, start: PointerInput): Gesture {
  const already = editor.selection.has(id);
  const adds = start.shift || start.mod;
  if (adds) {
    const next = new Set(editor.selection);
    if (already) next.delete(id);
    else next.add(id);
    editor.select(next);
  } else if (!already) editor.select([id]);
  return {
    name: "press node",
    move(input) {
      const far = Math.hypot(input.at.x - start.at.x, input.at.y - start.at.y) > (input.touch ? 8 : 3);
      if (!far || !editor.selection.has(id)) return this;
      return dragNodes(editor, editor.selection, start, id).move?.(input) ?? this;
    },
    up() {
      if (already && !adds && editor.selection.size > 1) editor.select([id]);
      return idle(editor);
    },
  };
}

/** Moves the nodes for the eye and commits one diff at the end. They snap to the grid where the settings say so; Shift does the other. */
export function dragNodes(editor: Editor, ids: ReadonlySet<string>, start: PointerInput, lead: string): Gesture {
  let dx = 0;
  let dy = 0;
  const led = waypointsAmong(editor.document, ids);
  const origin = editor.document.layout.nodes[lead]?.pos ?? [0, 0];
  return {
    name: "drag nodes",
    move(input) {
      const { k } = editor.viewport;
      dx = (input.at.x - start.at.x) / k;
      dy = (input.at.y - start.at.y) / k;
      if (input.shift !== editor.state.settings.snap) {
        dx = Math.round((origin[0] + dx) / GRID) * GRID - origin[0];
        dy = Math.round((origin[1] + dy) / GRID) * GRID - origin[1];
      }
      editor.scene.hold(ids, dx, dy);
      editor.scene.leadWaypoints(led, dx, dy);
      editor.moved();
      return this;
    },
    up() {
      editor.scene.settle();
      editor.commit(movedTogether(editor.document, ids, dx, dy), ids.size === 1 ? "Move node" : "Move nodes");
      if (ids.size === 1) insertIntoLink(editor, lead);
      return idle(editor);
    },
    cancel() {
      editor.scene.settle();
      editor.scene.leadWaypoints(led, 0, 0);
      editor.moved();
    },
  };
}
