import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { advanceSeeds, setInput } from "../../src/core/edits";
import { apply } from "../../src/core/diff";
import { serialize } from "../../src/core/document";
import { parseJson, stringifyJson } from "../../src/core/json";
import { parseDocument } from "../../src/core/parse";
import { numberRule, stepped, tidyNumber, typedNumber } from "../../src/features/widgets/number";
import { findInput } from "../../src/core/catalogue";
import { CATALOGUE, DEFAULT_WORKFLOW } from "../testEditor";

const LARGEST = 2n ** 64n - 1n;
const SAMPLER = Object.keys(DEFAULT_WORKFLOW.nodes).find((id) => DEFAULT_WORKFLOW.nodes[id]!.type === "KSampler")!;

describe("JSON with large whole numbers", () => {
  it("reads what it wrote, whatever stands beside the numbers", () => {
    const large = fc.bigInt({ min: -(2n ** 63n), max: LARGEST }).filter((value) => !Number.isSafeInteger(Number(value)));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ depthSize: "small" }, large, fc.double({ noNaN: true, min: -1e15, max: 1e15 }).map((value) => value || 0), fc.string(), fc.constant(null), fc.array(tie("tree")), fc.dictionary(fc.string().filter((key) => key !== "__proto__"), tie("tree"))),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        expect(parseJson(stringifyJson(value))).toEqual(value);
      }),
    );
  });

  it("leaves digits in texts and small numbers as they are", () => {
    const text = '{"a":"seed 18446744073709551615","b":1234567890123456,"c":0.12345678901234567,"d":1e300,"e":"\\"99999999999999999999"}';

    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  it("refuses what is no JSON", () => {
    expect(() => parseJson('{"a": 18446744073709551615')).toThrow(SyntaxError);
  });
});

describe("a seed of 2^64 − 1", () => {
  const document = apply(DEFAULT_WORKFLOW, setInput(DEFAULT_WORKFLOW, SAMPLER, "seed", LARGEST));

  it("is saved and opened without losing a digit", () => {
    expect(serialize(document)).toContain('"seed": 18446744073709551615');
    expect(parseDocument(parseJson(serialize(document))).nodes[SAMPLER]!.inputs["seed"]).toBe(LARGEST);
  });

  it("is typed, stepped and kept inside its range exactly", () => {
    const rule = numberRule({ ...findInput(CATALOGUE["KSampler"], "seed")!, options: { min: 0, max: LARGEST } });

    expect(typedNumber("18446744073709551615")).toBe(LARGEST);
    expect(stepped(LARGEST, -1, rule)).toBe(LARGEST - 1n);
    expect(stepped(LARGEST, 1, rule)).toBe(LARGEST);
    expect(tidyNumber(2n ** 65n, rule)).toBe(LARGEST);
    expect(stepped(Number.MAX_SAFE_INTEGER, 2, rule)).toBe(2n ** 53n + 1n);
  });

  it("goes on one by one after each run", () => {
    const node = document.nodes[SAMPLER]!;
    const counting = { ...document, nodes: { ...document.nodes, [SAMPLER]: { ...node, inputs: { ...node.inputs, seed: 2n ** 60n }, controls: { seed: "increment" as const } } } };
    const next = apply(counting, advanceSeeds(counting, CATALOGUE, () => 0.5));

    expect(next.nodes[SAMPLER]!.inputs["seed"]).toBe(2n ** 60n + 1n);
  });
});
