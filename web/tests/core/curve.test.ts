import { describe, expect, it } from "vitest";
import { addedPoint, curveAt, curvePoints, IDENTITY, movedPoint, withoutPoint, withPoints } from "../../src/core/curve";

const FIVE = [[0, 0.1], [0.2, 0.15], [0.5, 0.8], [0.7, 0.6], [1, 1]] as const;

describe("a curve", () => {
  it("goes where SciPy's PchipInterpolator goes", () => {
    // scipy.interpolate.PchipInterpolator([0, .2, .5, .7, 1], [.1, .15, .8, .6, 1])([0, .1, .2, .35, .5, .6, .85, 1])
    const expected = [0.1, 0.11435589519650655, 0.15, 0.49096615720524006, 0.8, 0.7, 0.6975, 1];

    curveAt(FIVE, [0, 0.1, 0.2, 0.35, 0.5, 0.6, 0.85, 1]).forEach((y, index) => expect(y).toBeCloseTo(expected[index] ?? NaN, 12));
  });

  it("of two points is straight, and level outside of them", () => {
    const [low, middle, high] = curveAt([[0.2, 0.3], [0.6, 0.7]], [0, 0.4, 1]);

    expect([low, high]).toEqual([0.3, 0.7]);
    expect(middle).toBeCloseTo(0.5);
  });

  it("is read from a list or from an object, sorted, and written back in the same form", () => {
    expect(curvePoints([[1, 0], [0, 1]])).toEqual([[0, 1], [1, 0]]);
    expect(curvePoints({ points: [[0, 0], [1, 1]], kind: "smooth" })).toEqual(IDENTITY);
    expect(withPoints({ points: [], kind: "smooth" }, IDENTITY)).toEqual({ points: IDENTITY, kind: "smooth" });
    expect(withPoints([], IDENTITY)).toBe(IDENTITY);
  });

  it.each([undefined, null, 3, "x", [], [[0, 0]], [[0, 0], [0, 1]], [[0, 0], [2, 1]], [[0, 0], [1]]])("is not %j", (value) => {
    expect(curvePoints(value)).toBeNull();
  });

  it("keeps its points in order and inside", () => {
    expect(movedPoint(FIVE, 1, [0.9, 3])[1]).toEqual([0.49, 1]);
    expect(movedPoint(FIVE, 0, [-1, -1])[0]).toEqual([0, 0]);
  });

  it("takes a point where there is room, and keeps two", () => {
    expect(addedPoint(FIVE, [0.3, 0.4])).toMatchObject({ index: 2, points: { 2: [0.3, 0.4] } });
    expect(addedPoint(FIVE, [0.2, 0.9])).toBeNull();
    expect(withoutPoint(IDENTITY, 0)).toBe(IDENTITY);
    expect(withoutPoint(FIVE, 1)).toHaveLength(4);
  });
});
