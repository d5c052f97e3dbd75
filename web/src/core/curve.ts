/**
 * A curve through points, as tone curves are drawn: smooth, and never above or below the points beside it.
 *
 * Source: Fritsch and Butland 1984, the monotone cubic interpolation that SciPy calls PCHIP.
 */
import type { Json } from "./document";

export type CurvePoint = readonly [number, number];

/** Straight from black to white: changes nothing. */
export const IDENTITY: readonly CurvePoint[] = [
  [0, 0],
  [1, 1],
];

function isPoint(value: unknown): value is CurvePoint {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === "number" && part >= 0 && part <= 1);
}

/** The points of a value, `[[x, y], …]` or `{"points": [[x, y], …]}`, from left to right; null when it is no curve. */
export function curvePoints(value: Json | undefined): readonly CurvePoint[] | null {
  const list: unknown = value !== null && typeof value === "object" && "points" in value ? value.points : value;
  if (!Array.isArray(list) || list.length < 2 || !list.every(isPoint)) return null;
  const sorted = [...list].sort(([a], [b]) => a - b);
  return sorted.every(([x], at) => at === 0 || x > (sorted[at - 1]?.[0] ?? 0)) ? sorted : null;
}

/** The value with other points, in the form that it had. */
export function withPoints(value: Json, points: readonly CurvePoint[]): Json {
  return value !== null && typeof value === "object" && "points" in value ? { ...value, points } : points;
}

/** Slopes at the points. */
function slopes(points: readonly CurvePoint[]): number[] {
  const spans = points.slice(1).map(([x, y], at) => {
    const [x0, y0] = points[at] ?? [0, 0];
    return { h: x - x0, rise: (y - y0) / (x - x0) };
  });
  return points.map((_, at) => {
    const left = spans[at - 1];
    const right = spans[at];
    if (!left || !right) return endSlope(spans, at === 0);
    if (left.rise * right.rise <= 0) return 0;
    const a = 2 * right.h + left.h;
    const b = right.h + 2 * left.h;
    return (a + b) / (a / left.rise + b / right.rise);
  });
}

/** At an end: of the parabola through three points, kept from overshooting. */
function endSlope(spans: readonly { readonly h: number; readonly rise: number }[], first: boolean): number {
  const near = first ? spans[0] : spans.at(-1);
  const next = first ? spans[1] : spans.at(-2);
  if (!near) return 0;
  if (!next) return near.rise;
  const slope = ((2 * near.h + next.h) * near.rise - near.h * next.rise) / (near.h + next.h);
  if (slope * near.rise <= 0) return 0;
  return near.rise * next.rise <= 0 && Math.abs(slope) > 3 * Math.abs(near.rise) ? 3 * near.rise : slope;
}

/** The height of the curve at each of some places; level before the first and after the last point. */
export function curveAt(points: readonly CurvePoint[], places: readonly number[]): number[] {
  const slope = slopes(points);
  return places.map((x) => {
    const after = points.findIndex(([at]) => at > x);
    if (after <= 0) return (after === 0 ? points[0] : points.at(-1))?.[1] ?? 0;
    const [x0, y0] = points[after - 1] ?? [0, 0];
    const [x1, y1] = points[after] ?? [1, 1];
    const h = x1 - x0;
    const s = (x - x0) / h;
    const bend = (slope[after - 1] ?? 0) * h * s * (1 - s) * (1 - s) - (slope[after] ?? 0) * h * s * s * (1 - s);
    return y0 * (1 + 2 * s) * (1 - s) * (1 - s) + y1 * s * s * (3 - 2 * s) + bend;
  });
}

const SMALLEST_GAP = 0.01;

/** The curve with one point elsewhere; it stays between its neighbours. */
export function movedPoint(points: readonly CurvePoint[], index: number, [x, y]: CurvePoint): CurvePoint[] {
  const least = index === 0 ? 0 : (points[index - 1]?.[0] ?? 0) + SMALLEST_GAP;
  const most = index === points.length - 1 ? 1 : (points[index + 1]?.[0] ?? 1) - SMALLEST_GAP;
  const rounded = (value: number) => Math.round(value * 1000) / 1000;
  const moved: CurvePoint = [rounded(Math.min(most, Math.max(least, x))), rounded(Math.min(1, Math.max(0, y)))];
  return points.map((point, at) => (at === index ? moved : point));
}

/** The curve with one point more, and where in it; null where there is no room between two points. */
export function addedPoint(points: readonly CurvePoint[], point: CurvePoint): { readonly points: CurvePoint[]; readonly index: number } | null {
  if (points.some(([x]) => Math.abs(x - point[0]) < SMALLEST_GAP)) return null;
  const found = points.findIndex(([x]) => x > point[0]);
  const index = found < 0 ? points.length : found;
  const longer = [...points.slice(0, index), point, ...points.slice(index)];
  return { points: movedPoint(longer, index, point), index };
}

/** The curve without a point; a curve keeps two. */
export function withoutPoint(points: readonly CurvePoint[], index: number): readonly CurvePoint[] {
  return points.length > 2 ? points.filter((_, at) => at !== index) : points;
}
