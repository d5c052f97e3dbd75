import { describe, expect, it } from "vitest";
import { Mask } from "../../src/core/mask";
import { fileOfValue } from "../../src/core/pictureRef";

const at = (mask: Mask, x: number, y: number) => mask.values[y * mask.width + x];
function painted(): Mask {
  const mask = new Mask(40, 20);
  mask.remember();
  mask.stroke({ x: 10, y: 10 }, { x: 30, y: 10 }, 4, 255);
  return mask;
}

describe("a mask", () => {
  it("is painted along a stroke and nowhere else", () => {
    const mask = painted();

    expect([at(mask, 10, 10), at(mask, 20, 12), at(mask, 30, 10)]).toEqual([255, 255, 255]);
    expect([at(mask, 20, 16), at(mask, 2, 10), at(mask, 38, 10)]).toEqual([0, 0, 0]);
  });

  it("is erased where the eraser went", () => {
    const mask = painted();
    mask.stroke({ x: 20, y: 10 }, { x: 20, y: 10 }, 3, 0);

    expect([at(mask, 20, 10), at(mask, 10, 10)]).toEqual([0, 255]);
  });

  it("fills an area up to its border", () => {
    const mask = new Mask(20, 20);
    for (const [from, to] of [[[2, 2], [17, 2]], [[17, 2], [17, 17]], [[17, 17], [2, 17]], [[2, 17], [2, 2]]] as const)
      mask.stroke({ x: from[0], y: from[1] }, { x: to[0], y: to[1] }, 1, 255);
    mask.fill({ x: 10, y: 10 }, 255);

    expect([at(mask, 10, 10), at(mask, 4, 4), at(mask, 0, 0), at(mask, 19, 19)]).toEqual([255, 255, 0, 0]);
  });

  it("ignores a fill beside the picture", () => {
    const mask = new Mask(4, 4);
    mask.fill({ x: 9, y: 1 }, 255);

    expect([...mask.values].every((value) => value === 0)).toBe(true);
  });

  it("softens edges, keeps the amount, and leaves full areas full", () => {
    const mask = new Mask(40, 1);
    mask.stroke({ x: 0, y: 0.5 }, { x: 20, y: 0.5 }, 0.5, 255);
    const sum = () => [...mask.values].reduce((total, value) => total + value, 0);
    const before = sum();
    mask.feather(4);
    const edge = at(mask, 20, 0) ?? 0;

    expect(edge).toBeGreaterThan(0);
    expect(edge).toBeLessThan(255);
    expect(at(mask, 5, 0)).toBe(255);
    expect(Math.abs(sum() - before)).toBeLessThan(0.05 * before);
  });

  it("takes back each step", () => {
    const mask = painted();
    mask.remember();
    mask.invert();
    expect(at(mask, 0, 0)).toBe(255);
    mask.undo();
    expect([at(mask, 0, 0), at(mask, 20, 10)]).toEqual([0, 255]);
    mask.undo();
    expect([mask.canUndo, at(mask, 20, 10)]).toEqual([false, 0]);
  });
});

it("reads where a chosen picture lies", () => {
  expect(fileOfValue("a/b.png [output]")).toEqual({ filename: "b.png", subfolder: "a", type: "output" });
  expect(fileOfValue("b.png")).toEqual({ filename: "b.png", subfolder: "", type: "input" });
});
