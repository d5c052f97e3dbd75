import { changePlacement } from "../../core/edits";
import type { Editor } from "../../store/editor";
import type { SceneNode } from "../scene";
import { idle } from "./idle";
import type { Gesture, PointerInput } from "./machine";

/** How far a node grows for each unit that the pointer moves. */
interface Growth {
  readonly x: number;
  readonly y: number;
}
export const BY_CORNER: Growth = { x: 1, y: 1 };

/** Changes a node's size by its lower right corner, or by the lower edge of a text or picture in it. */
export function resize(editor: Editor, node: SceneNode, start: PointerInput, by: Growth): Gesture {
  const { id, w, h } = node;
  const before = node.place?.size;
  return {
    name: "resize",
    move(input) {
      const { k } = editor.viewport;
      editor.scene.stretch(id, w + (by.x * (input.at.x - start.at.x)) / k, h + (by.y * (input.at.y - start.at.y)) / k);
      editor.moved(id);
      return this;
    },
    up() {
      const now = editor.scene.nodes.get(id);
      if (now) {
        const size = [Math.round(now.w), Math.round(now.h)] as const;
        editor.commit(changePlacement(editor.document, id, { size }), "Resize node");
      }
      return idle(editor);
    },
    cancel() {
      editor.scene.stretch(id, before?.[0] ?? 0, before?.[1] ?? 0);
      editor.moved(id);
    },
  };
}
