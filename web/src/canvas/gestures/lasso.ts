import { inPolygon, type Point } from "../../core/geometry";
import type { Editor } from "../../store/editor";
import { idle } from "./idle";
import type { Gesture, PointerInput } from "./machine";

/** How far, in screen pixels, the pointer goes between two corners of the line. */
const STEP = 6;

/** Selects the nodes whose middle lies inside a line drawn by hand, added to what was selected. */
export function lasso(editor: Editor, start: PointerInput): Gesture {
  const before = editor.selection;
  const line: Point[] = [editor.toGraph(start.at)];
  let last = start.at;
  return {
    name: "lasso",
    move(input) {
      if (Math.hypot(input.at.x - last.x, input.at.y - last.y) < STEP) return this;
      last = input.at;
      line.push(editor.toGraph(input.at));
      const inside = [...editor.scene.nodes.values()].filter((node) => inPolygon(line, { x: node.x + node.w / 2, y: node.y + node.h / 2 }));
      editor.patchView({ lasso: [...line], selection: new Set([...before, ...inside.map((node) => node.id)]) });
      return this;
    },
    up() {
      editor.patchView({ lasso: null });
      if (line.length < 3 && !start.shift && !start.mod) editor.select([]);
      return idle(editor);
    },
    cancel() {
      editor.patchView({ lasso: null, selection: before });
    },
  };
}
