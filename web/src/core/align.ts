/** Aligning and distributing boxes. */
import type { Pair } from "./document";
import { type Box, union } from "./geometry";

export type Edge = "left" | "right" | "top" | "bottom" | "middle" | "centre";
type Boxes = ReadonlyMap<string, Box>;

export function aligned(boxes: Boxes, edge: Edge): Map<string, Pair> {
  const all = union(boxes.values());
  const places = new Map<string, Pair>();
  if (!all) return places;
  for (const [id, box] of boxes) places.set(id, alignedTo(box, all, edge));
  return places;
}

function alignedTo(box: Box, all: Box, edge: Edge): Pair {
  switch (edge) {
    case "left":
      return [all.x, box.y];
    case "right":
      return [all.x + all.w - box.w, box.y];
    case "top":
      return [box.x, all.y];
    case "bottom":
      return [box.x, all.y + all.h - box.h];
    case "middle":
      return [box.x, all.y + (all.h - box.h) / 2];
    case "centre":
      return [all.x + (all.w - box.w) / 2, box.y];
  }
}

/** Equal gaps along an axis; the outermost boxes stay. */
export function distributed(boxes: Boxes, axis: "x" | "y"): Map<string, Pair> {
  const size = axis === "x" ? "w" : "h";
  const sorted = [...boxes].sort(([, a], [, b]) => a[axis] - b[axis]);
  const all = union(boxes.values());
  const places = new Map<string, Pair>();
  if (!all || sorted.length < 3) return places;
  const used = sorted.reduce((sum, [, box]) => sum + box[size], 0);
  const gap = (all[size] - used) / (sorted.length - 1);
  let at = all[axis];
  for (const [id, box] of sorted) {
    places.set(id, axis === "x" ? [at, box.y] : [box.x, at]);
    at += box[size] + gap;
  }
  return places;
}
