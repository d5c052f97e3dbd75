import { boxBetween } from "../../core/geometry";
import type { Editor } from "../../store/editor";
import { idle } from "./idle";
import type { Gesture, PointerInput } from "./machine";

/** Selects what a rectangle touches, added to what was selected. */
export function marquee(editor: Editor, start: PointerInput): Gesture {
  const before = editor.selection;
  const from = editor.toGraph(start.at);
  let moved = false;
  return {
    name: "marquee",
    move(input) {
      moved = true;
      const box = boxBetween(from, editor.toGraph(input.at));
      const touched = editor.scene.within(box).map((node) => node.id);
      editor.patchView({ marquee: box, selection: new Set([...before, ...touched]) });
      return this;
    },
    up() {
      editor.patchView({ marquee: null });
      if (!moved && !start.shift && !start.mod) editor.select([]);
      return idle(editor);
    },
    cancel() {
      editor.patchView({ marquee: null, selection: before });
    },
  };
}
