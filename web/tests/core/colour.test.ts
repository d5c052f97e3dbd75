import { describe, expect, it } from "vitest";
import { colourText, colourValue, typedColour } from "../../src/core/colour";

describe("a colour", () => {
  it("is read from a number and from a text", () => {
    expect(colourText(0xd02020)).toBe("#d02020");
    expect(colourText(255)).toBe("#0000ff");
    expect(colourText("#ABC")).toBe("#aabbcc");
  });

  it.each([-1, 0x1000000, 1.5, "red", "", null])("is not %j", (value) => {
    expect(colourText(value)).toBeNull();
  });

  it("is stored as the input's type wants it", () => {
    expect(colourValue("#d02020", "INT")).toBe(0xd02020);
    expect(colourValue("#d02020", "COLOR")).toBe("#d02020");
  });

  it("may be typed as digits of either kind", () => {
    expect(typedColour("13639712", "INT")).toBe("#d02020");
    expect(typedColour(" d02020", "INT")).toBe("#d02020");
    expect(typedColour("nothing", "INT")).toBeNull();
  });
});
