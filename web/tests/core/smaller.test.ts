import { describe, expect, it } from "vitest";
import { outputKeys, startingValue, widgetKind } from "../../src/core/catalogue";
import { advanceSeeds } from "../../src/core/edits";
import { apply } from "../../src/core/diff";
import { fuzzyMatch } from "../../src/core/fuzzy";
import { adjustWeight } from "../../src/core/promptWeight";
import { aligned, distributed } from "../../src/core/align";
import { fit, toGraph, zoomAt } from "../../src/core/geometry";
import { CATALOGUE, DEFAULT_WORKFLOW } from "../testEditor";

describe("the catalogue", () => {
  it("numbers outputs that share a name", () => {
    const spec = { ...CATALOGUE["KSampler"]!, outputs: [{ name: "A", type: "A" }, { name: "A", type: "A" }, { name: "B", type: "B" }] };

    expect(outputKeys(spec)).toEqual(["A", "A#2", "B"]);
  });

  it("chooses the control by type and options", () => {
    const kind = (node: string, input: string) => widgetKind(CATALOGUE[node]!.inputs.find(({ name }) => name === input)!);

    expect(kind("KSampler", "seed")).toBe("int");
    expect(kind("KSampler", "sampler_name")).toBe("choice");
    expect(kind("CLIPTextEncode", "text")).toBe("multiline");
    expect(kind("SaveImage", "filename_prefix")).toBe("text");
    expect(kind("LoadImage", "image")).toBe("upload");
  });

  it("gives sockets no value to start with", () => {
    expect(startingValue(CATALOGUE["KSampler"]!.inputs.find(({ name }) => name === "model")!)).toBeUndefined();
  });
});

describe("the seed", () => {
  it("moves on after a run as its control says", () => {
    const seeded = (control: "increment" | "randomize" | "fixed") => {
      const node = { ...DEFAULT_WORKFLOW.nodes["5"]!, controls: { seed: control } };
      const document = { ...DEFAULT_WORKFLOW, nodes: { ...DEFAULT_WORKFLOW.nodes, "5": node } };
      return apply(document, advanceSeeds(document, CATALOGUE, () => 0.5)).nodes["5"]?.inputs["seed"];
    };

    expect(seeded("increment")).toBe(8);
    expect(seeded("fixed")).toBe(7);
    expect(seeded("randomize")).toBe(2 ** 49);
  });
});

describe("fuzzy search", () => {
  const score = (query: string, text: string) => fuzzyMatch(query, text)?.score ?? -Infinity;

  it("prefers beginnings of words to letters inside", () => {
    expect(score("vd", "VAE Decode")).toBeGreaterThan(score("vd", "Save Video"));
  });

  it("prefers the text that is found as a whole", () => {
    expect(score("saveimage", "Save Image")).toBeGreaterThan(score("saveimage", "SaveImageWebsocket"));
  });

  it("finds nothing when a letter is missing", () => {
    expect(fuzzyMatch("kx", "KSampler")).toBeNull();
  });

  it("finds nothing in letters scattered over a long text by accident", () => {
    expect(fuzzyMatch("tardy", "CreateHookModelAsLoraModelOnly")).toBeNull();
    expect(fuzzyMatch("cptldr", "CheckpointLoaderSimple")).not.toBeNull();
    expect(fuzzyMatch("chmalmo", "CreateHookModelAsLoraModelOnly")).not.toBeNull();
  });
});

describe("prompt weights", () => {
  it("brackets the word at the caret", () => {
    expect(adjustWeight("a red circle", 3, 3, 0.05)).toEqual({ text: "a (red:1.05) circle", start: 3, end: 6 });
  });

  it("change an existing weight and vanish at one", () => {
    expect(adjustWeight("a (red:1.05) circle", 3, 6, 0.05).text).toBe("a (red:1.1) circle");
    expect(adjustWeight("a (red:1.05) circle", 3, 6, -0.05).text).toBe("a red circle");
  });
});

describe("arranging", () => {
  const boxes = new Map([
    ["a", { x: 0, y: 0, w: 10, h: 10 }],
    ["b", { x: 50, y: 5, w: 20, h: 10 }],
    ["c", { x: 100, y: 9, w: 10, h: 10 }],
  ]);

  it("puts edges on one line", () => {
    expect([...aligned(boxes, "right").values()]).toEqual([[100, 0], [90, 5], [100, 9]]);
  });

  it("makes gaps equal", () => {
    expect(distributed(boxes, "x").get("b")).toEqual([45, 5]);
  });
});

describe("the view", () => {
  it("keeps the point under the pointer while zooming", () => {
    const before = { x: 30, y: -20, k: 0.7 };
    const at = { x: 400, y: 300 };
    const after = zoomAt(before, at, 1.7);

    expect(toGraph(after, at).x).toBeCloseTo(toGraph(before, at).x);
    expect(toGraph(after, at).y).toBeCloseTo(toGraph(before, at).y);
  });

  it("fitted shows the whole box inside the insets", () => {
    const view = fit({ x: -100, y: 50, w: 4000, h: 800 }, 1000, 600, { top: 50, right: 20, bottom: 30, left: 80 });

    expect(-100 * view.k + view.x).toBeCloseTo(80);
    expect(3900 * view.k + view.x).toBeCloseTo(980);
  });
});
