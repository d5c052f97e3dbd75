import { disconnect } from "../../core/links";
import type { Editor } from "../../store/editor";
import type { Hit } from "../scene";
import { idle } from "./idle";
import type { Gesture, PointerInput } from "./machine";

/** Moves the view. A press that never moves clears the selection; Alt on a link cuts it. */
export function pan(editor: Editor, start: PointerInput, link: Extract<Hit, { kind: "link" }> | null = null): Gesture {
  const { x, y } = editor.viewport;
  let moved = false;
  return {
    name: "pan",
    move(input) {
      const dx = input.at.x - start.at.x;
      const dy = input.at.y - start.at.y;
      moved ||= Math.hypot(dx, dy) > 3;
      if (moved) editor.patchView({ viewport: { ...editor.viewport, x: x + dx, y: y + dy } });
      return this;
    },
    up() {
      if (!moved && start.button === 0) {
        if (link && start.alt) cut(editor, link);
        else if (editor.selection.size) editor.select([]);
      }
      return idle(editor);
    },
    cancel() {
      editor.patchView({ viewport: { ...editor.viewport, x, y } });
    },
  };
}

function cut(editor: Editor, { target, link }: Extract<Hit, { kind: "link" }>): void {
  const ends = [{ node: target.id, input: link.input }];
  editor.commit(disconnect(editor.document, editor.specs, ends), "Delete link");
}
