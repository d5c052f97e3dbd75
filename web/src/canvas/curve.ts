/** The curve of a link between two points. */
import { boxBetween, contains, type Point } from "../core/geometry";

/** How far the handles of a link's curve reach. */
export function bend(a: Point, b: Point): number {
  return Math.min(150, Math.max(28, Math.abs(b.x - a.x) * 0.5, Math.abs(b.y - a.y) * 0.25));
}

export function curvePoint(a: Point, b: Point, t: number): Point {
  const reach = bend(a, b);
  const u = 1 - t;
  const x = u ** 3 * a.x + 3 * u * u * t * (a.x + reach) + 3 * u * t * t * (b.x - reach) + t ** 3 * b.x;
  const y = u * u * (u + 3 * t) * a.y + t * t * (t + 3 * u) * b.y;
  return { x, y };
}

/** Whether a point is at most `reach` away from the curve between two others. */
export function isNear(a: Point, b: Point, point: Point, reach: number): boolean {
  const span = boxBetween(a, b);
  const roomy = { x: span.x - 80, y: span.y - 20, w: span.w + 160, h: span.h + 40 };
  return contains(roomy, point) && distanceToCurve(a, b, point) <= reach;
}

function distanceToCurve(a: Point, b: Point, point: Point): number {
  let best = Infinity;
  for (let step = 0; step <= 24; step += 1) {
    const at = curvePoint(a, b, step / 24);
    const next = curvePoint(a, b, Math.min(1, (step + 1) / 24));
    best = Math.min(best, distanceToSegment(at, next, point));
  }
  return best;
}

function distanceToSegment(a: Point, b: Point, point: Point): number {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.min(1, Math.max(0, ((point.x - a.x) * dx + (point.y - a.y) * dy) / length));
  return Math.hypot(point.x - a.x - t * dx, point.y - a.y - t * dy);
}
