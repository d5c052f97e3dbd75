import type { Pair } from "../../core/document";
import { addWaypoint, moveWaypoints, removeWaypoint } from "../../core/waypoints";
import type { Editor } from "../../store/editor";
import type { Hit, SceneWaypoint } from "../scene";
import { idle } from "./idle";
import type { Gesture, PointerInput } from "./machine";

/** Moves a waypoint; with Alt a press takes it away. */
export function waypointGesture(editor: Editor, waypoint: SceneWaypoint, start: PointerInput): Gesture {
  const from = { x: waypoint.x, y: waypoint.y };
  let moved = false;
  return {
    name: "waypoint",
    move(input) {
      const { k } = editor.viewport;
      moved ||= Math.hypot(input.at.x - start.at.x, input.at.y - start.at.y) > 3;
      if (!moved) return this;
      waypoint.x = from.x + (input.at.x - start.at.x) / k;
      waypoint.y = from.y + (input.at.y - start.at.y) / k;
      editor.moved();
      return this;
    },
    up() {
      const to: Pair = [waypoint.x, waypoint.y];
      if (moved) editor.commit(moveWaypoints(editor.document, new Map([[waypoint.id, to]])), "Move waypoint");
      else if (start.alt) editor.commit(removeWaypoint(editor.document, waypoint.id), "Remove waypoint");
      return idle(editor);
    },
    cancel() {
      Object.assign(waypoint, from);
      editor.moved();
    },
  };
}

/** A double click: a new waypoint on a link, or away with the one that is there. */
export function toggleWaypoint(editor: Editor, hit: Hit, at: Pair): boolean {
  if (hit.kind === "waypoint") editor.commit(removeWaypoint(editor.document, hit.waypoint.id), "Remove waypoint");
  else if (hit.kind === "link") {
    const end = { node: hit.target.id, input: hit.link.input };
    editor.commit(addWaypoint(editor.document, end, at, hit.segment, editor.outside.freshId()), "Add waypoint");
  } else return false;
  return true;
}
