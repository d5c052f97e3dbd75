import { describe, expect, it } from "vitest";
import { apply } from "../../src/core/diff";
import { removeNodes } from "../../src/core/edits";
import { connect, disconnect, downstream, mayConnect, upstream } from "../../src/core/links";
import { typesFit } from "../../src/core/sockets";
import { CATALOGUE, DEFAULT_WORKFLOW } from "../testEditor";

describe("types", () => {
  it.each([
    ["IMAGE", "IMAGE", true],
    ["IMAGE", "MASK", false],
    ["IMAGE,MASK", "MASK", true],
    ["INT", "FLOAT,INT", true],
    ["*", "MODEL", true],
    ["MODEL", "*", true],
    ["image", "IMAGE", true],
    ["MODEL", "CLIP,VAE", false],
  ])("%s into %s: %s", (from, to, fits) => {
    expect(typesFit(from, to)).toBe(fits);
  });
});

describe("a link", () => {
  it("is refused between types that do not fit, and says so", () => {
    const verdict = mayConnect(DEFAULT_WORKFLOW, CATALOGUE, { node: "1", output: "MODEL" }, { node: "6", input: "samples" });

    expect(verdict).toEqual({ ok: false, why: "MODEL does not fit LATENT." });
  });

  it("is refused when it would make a loop", () => {
    const verdict = mayConnect(DEFAULT_WORKFLOW, CATALOGUE, { node: "5", output: "LATENT" }, { node: "5", input: "latent_image" });

    expect(verdict).toEqual({ ok: false, why: "That would make a loop." });
  });

  it("into a widget keeps the value it covers, and gives it back", () => {
    const primitive = { ...CATALOGUE, Number: { ...CATALOGUE["VAEDecode"]!, id: "Number", inputs: [], outputs: [{ name: "INT", type: "INT" }] } };
    const start = { ...DEFAULT_WORKFLOW, nodes: { ...DEFAULT_WORKFLOW.nodes, "9": { type: "Number", inputs: {} } } };
    const linked = apply(start, connect(start, primitive, { node: "9", output: "INT" }, { node: "5", input: "steps" }));
    const free = apply(linked, disconnect(linked, primitive, [{ node: "5", input: "steps" }]));

    expect(linked.nodes["5"]?.inputs["steps"]).toEqual({ link: ["9", "INT"], value: 20 });
    expect(free.nodes["5"]?.inputs["steps"]).toBe(20);
  });

  it("replaces the one that was in the input", () => {
    const diff = connect(DEFAULT_WORKFLOW, CATALOGUE, { node: "3", output: "CONDITIONING" }, { node: "5", input: "positive" });

    expect(apply(DEFAULT_WORKFLOW, diff).nodes["5"]?.inputs["positive"]).toEqual({ link: ["3", "CONDITIONING"] });
  });
});

describe("deleting a node", () => {
  it("joins the links that went through it where the types fit", () => {
    const lora = {
      ...DEFAULT_WORKFLOW,
      nodes: {
        ...DEFAULT_WORKFLOW.nodes,
        "8": { type: "LoraLoader", inputs: { model: { link: ["1", "MODEL"] as const }, clip: { link: ["1", "CLIP"] as const } } },
        "5": { ...DEFAULT_WORKFLOW.nodes["5"]!, inputs: { ...DEFAULT_WORKFLOW.nodes["5"]!.inputs, model: { link: ["8", "MODEL"] as const } } },
      },
    };
    const after = apply(lora, removeNodes(lora, CATALOGUE, new Set(["8"])));

    expect(after.nodes["5"]?.inputs["model"]).toEqual({ link: ["1", "MODEL"] });
  });

  it("leaves an input empty where nothing fits", () => {
    const after = apply(DEFAULT_WORKFLOW, removeNodes(DEFAULT_WORKFLOW, CATALOGUE, new Set(["6"])));

    expect(after.nodes["7"]?.inputs["images"]).toBeUndefined();
  });
});

describe("reachability", () => {
  it("finds what a node needs and what needs it", () => {
    expect([...upstream(DEFAULT_WORKFLOW, "2")].sort()).toEqual(["1", "2"]);
    expect([...downstream(DEFAULT_WORKFLOW, "5")].sort()).toEqual(["5", "6", "7"]);
  });
});
