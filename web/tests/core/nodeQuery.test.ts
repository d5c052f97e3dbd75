import { describe, expect, it } from "vitest";
import { filterChoices, passes, readQuery, withFilter } from "../../src/core/nodeQuery";
import { searchNodes } from "../../src/features/palette/search";
import { CATALOGUE } from "../testEditor";

const found = (text: string) => searchNodes(CATALOGUE, text, null, []).map(({ spec }) => spec.id).sort();

describe("filters of a search", () => {
  it("are told apart from the words", () => {
    expect(readQuery('decode gives:IMAGE  in:"my nodes"')).toEqual({ words: "decode", filters: { gives: "IMAGE", in: "my nodes" } });
    expect(readQuery("begin:x")).toEqual({ words: "begin:x", filters: {} });
  });

  it("are set and taken away in the text", () => {
    expect(withFilter("deco", "gives", "IMAGE")).toBe("gives:IMAGE deco");
    expect(withFilter("gives:IMAGE deco", "in", "my nodes")).toBe('gives:IMAGE in:"my nodes" deco');
    expect(withFilter("gives:IMAGE deco", "gives", "")).toBe("deco");
  });

  it("find nodes by what they take, give and belong to", () => {
    expect(found("takes:lat gives:image")).toEqual(["VAEDecode"]);
    expect(found("in:loaders").every((id) => CATALOGUE[id]!.category.startsWith("loaders"))).toBe(true);
    expect(found("in:loaders").length).toBeGreaterThan(0);
    expect(found("takes:LATENT ksam")).toEqual(["KSampler"]);
  });

  it("reach a category below the first", () => {
    const spec = { ...CATALOGUE["KSampler"]!, category: "sampling/custom/schedulers" };

    expect(passes(spec, { in: "custom" })).toBe(true);
    expect(passes(spec, { in: "sampling/custom" })).toBe(true);
    expect(passes(spec, { in: "tom" })).toBe(false);
  });

  it("offer every type and category there is", () => {
    const { takes, gives, in: categories } = filterChoices(CATALOGUE);

    expect(takes).toContain("LATENT");
    expect(gives).toContain("IMAGE");
    expect(categories).toContain("sampling");
  });
});
