/** Points, boxes and the view. Screen = graph · k + (x, y). */

export interface Point {
  readonly x: number;
  readonly y: number;
}
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}
export interface View {
  readonly x: number;
  readonly y: number;
  readonly k: number;
}

export const MIN_ZOOM = 0.04;
export const MAX_ZOOM = 3;

export function toGraph(view: View, screen: Point): Point {
  return { x: (screen.x - view.x) / view.k, y: (screen.y - view.y) / view.k };
}

/** Zooms so that the graph point under `at` (screen) stays there. */
export function zoomAt(view: View, at: Point, factor: number): View {
  const k = Math.min(MAX_ZOOM, Math.max(MIN_ZOOM, view.k * factor));
  const point = toGraph(view, at);
  return { k, x: at.x - point.x * k, y: at.y - point.y * k };
}

export function visibleBox(view: View, width: number, height: number, margin = 0): Box {
  const corner = toGraph(view, { x: -margin, y: -margin });
  return { ...corner, w: (width + 2 * margin) / view.k, h: (height + 2 * margin) / view.k };
}

export function overlaps(a: Box, b: Box): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

export function contains(box: Box, point: Point): boolean {
  return point.x >= box.x && point.x <= box.x + box.w && point.y >= box.y && point.y <= box.y + box.h;
}

export function boxBetween(a: Point, b: Point): Box {
  return { x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), w: Math.abs(a.x - b.x), h: Math.abs(a.y - b.y) };
}

/** The smallest box around all; null for none. */
export function union(boxes: Iterable<Box>): Box | null {
  let left = Infinity;
  let top = Infinity;
  let right = -Infinity;
  let bottom = -Infinity;
  for (const box of boxes) {
    left = Math.min(left, box.x);
    top = Math.min(top, box.y);
    right = Math.max(right, box.x + box.w);
    bottom = Math.max(bottom, box.y + box.h);
  }
  return right < left ? null : { x: left, y: top, w: right - left, h: bottom - top };
}

export interface Insets {
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly left: number;
}

/** The view that shows the whole box, centred in what the insets leave free, never larger than `largest`. */
export function fit(box: Box, width: number, height: number, insets: Insets, largest = 1): View {
  const w = Math.max(1, width - insets.left - insets.right);
  const h = Math.max(1, height - insets.top - insets.bottom);
  const k = Math.max(MIN_ZOOM, Math.min(largest, w / Math.max(box.w, 1), h / Math.max(box.h, 1)));
  return {
    k,
    x: insets.left + (w - box.w * k) / 2 - box.x * k,
    y: insets.top + (h - box.h * k) / 2 - box.y * k,
  };
}

/** Whether a point lies inside a closed line. */
export function inPolygon(line: readonly Point[], { x, y }: Point): boolean {
  let inside = false;
  let before = line.at(-1);
  for (const at of line) {
    if (before && at.y > y !== before.y > y && x < ((before.x - at.x) * (y - at.y)) / (before.y - at.y) + at.x) inside = !inside;
    before = at;
  }
  return inside;
}
