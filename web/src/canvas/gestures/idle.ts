import type { Editor } from "../../store/editor";
import { startLink, startLinkFromInput } from "./link";
import { groupGesture } from "./group";
import type { Gesture, PointerInput } from "./machine";
import type { Hit } from "../scene";
import { lasso } from "./lasso";
import { marquee } from "./marquee";
import { pan } from "./pan";
import { pressNode } from "./nodes";
import { BY_CORNER, resize } from "./resize";
import { waypointGesture } from "./waypoint";

/** How near, in screen pixels, the pointer must be to a socket. */
export function reach(input: PointerInput, k: number): number {
  return Math.min(26, (input.touch ? 20 : 11) / k);
}

/** A press on the empty canvas: move the view or select, as the person has set it; Shift or Ctrl does the other. */
function onGround(editor: Editor, input: PointerInput, link: Extract<Hit, { kind: "link" }> | null): Gesture {
  const { drag, select } = editor.state.settings;
  const selects = (drag === "select") !== (input.shift || input.mod);
  if (!selects || (link && input.alt)) return pan(editor, input, link);
  return (select === "lasso") !== input.alt ? lasso(editor, input) : marquee(editor, input);
}

/** Nothing is going on; a press decides what begins. */
export function idle(editor: Editor): Gesture {
  return {
    name: "idle",
    down(input) {
      if (input.button === 1) return pan(editor, input);
      if (input.button !== 0) return this;
      const point = editor.toGraph(input.at);
      const hit = editor.scene.hit(point, reach(input, editor.viewport.k), editor.selection);
      switch (hit.kind) {
        case "output":
          return startLink(editor, { node: hit.node.id, output: hit.name }, input);
        case "input":
          return startLinkFromInput(editor, { node: hit.node.id, input: hit.name }, input);
        case "corner":
          return resize(editor, hit.node, input, BY_CORNER);
        case "edge":
          return resize(editor, hit.node, input, { x: 0, y: hit.growth });
        case "header":
        case "body":
          return pressNode(editor, hit.node.id, input);
        case "waypoint":
          return waypointGesture(editor, hit.waypoint, input);
        case "group":
          return groupGesture(editor, hit.index, hit.part, input);
        case "link":
        case "void":
          return onGround(editor, input, hit.kind === "link" ? hit : null);
      }
    },
  };
}
