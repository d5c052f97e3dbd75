import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { INPUTS_NODE, NEW_SOCKET, OUTPUTS_NODE } from "../../src/core/boundary";
import { findInput } from "../../src/core/catalogue";
import { apply, reverse } from "../../src/core/diff";
import { isPromoted, serialize, type WorkflowDocument } from "../../src/core/document";
import { setInput } from "../../src/core/edits";
import { connect, mayConnect } from "../../src/core/links";
import { lift, scopeOf } from "../../src/core/scope";
import { SpecBook } from "../../src/core/specs";
import { containsDefinition, makeSubgraph, unpackSubgraph } from "../../src/core/subgraph";
import { labelSocket, removeSocket, unusedDefinitions } from "../../src/core/subgraphSockets";
import { CATALOGUE, DEFAULT_WORKFLOW } from "../testEditor";

const idOf = (document: WorkflowDocument, type: string) => Object.keys(document.nodes).find((id) => document.nodes[id]?.type === type)!;
const specs = (document: WorkflowDocument, inside: string | null = null) => new SpecBook().specs(CATALOGUE, document.definitions, inside);

function make(document: WorkflowDocument, types: readonly string[], id = "def") {
  const chosen = new Set(Object.keys(document.nodes).filter((node) => types.includes(document.nodes[node]!.type)));
  const made = makeSubgraph(document, specs(document), chosen, id, "Sampling");
  if (!made.ok) throw new Error(made.why);
  return { document: apply(document, made.diff), instance: made.id, diff: made.diff };
}

/** What runs, without the names of ids: each node's type with where its links come from. */
function wiring(document: WorkflowDocument): string[] {
  return Object.values(document.nodes)
    .flatMap((node) => Object.entries(node.inputs).map(([name, value]) => {
      if (typeof value === "object" && value !== null && "link" in value) return `${node.type}.${name} <- ${document.nodes[value.link[0]]?.type}.${value.link[1]}`;
      return `${node.type}.${name} = ${JSON.stringify(value)}`;
    }))
    .sort();
}

describe("a subgraph made of a selection", () => {
  it("gets one input for each source and one output for each output that is used outside", () => {
    const { document, instance } = make(DEFAULT_WORKFLOW, ["KSampler", "EmptyLatentImage"]);
    const definition = document.definitions!["def"]!;

    expect(definition.inputs!.map(({ name, type }) => `${name}:${type}`).sort()).toEqual(["model:MODEL", "negative:CONDITIONING", "positive:CONDITIONING"]);
    expect(definition.outputs!.map(({ name, type }) => `${name}:${type}`)).toEqual(["LATENT:LATENT"]);
    expect(document.nodes[idOf(document, "VAEDecode")]!.inputs["samples"]).toMatchObject({ link: [instance, "LATENT"] });
    expect(Object.keys(definition.nodes!)).toHaveLength(2);
  });

  it("gives the same wiring back when it is unpacked", () => {
    const types = [...new Set(Object.values(DEFAULT_WORKFLOW.nodes).map(({ type }) => type))];
    fc.assert(
      fc.property(fc.subarray(types, { minLength: 1 }), (chosen) => {
        const ids = new Set(Object.keys(DEFAULT_WORKFLOW.nodes).filter((id) => chosen.includes(DEFAULT_WORKFLOW.nodes[id]!.type)));
        const made = makeSubgraph(DEFAULT_WORKFLOW, CATALOGUE, ids, "def", "x");
        if (!made.ok) return;
        const packed = apply(DEFAULT_WORKFLOW, made.diff);
        const { diff } = unpackSubgraph(packed, specs(packed), made.id);
        expect(wiring(apply(packed, diff))).toEqual(wiring(DEFAULT_WORKFLOW));
      }),
    );
  });

  it("is undone byte for byte", () => {
    const { document, diff } = make(DEFAULT_WORKFLOW, ["KSampler"]);

    expect(serialize(apply(document, reverse(diff)))).toBe(serialize(DEFAULT_WORKFLOW));
  });

  it("is refused when a node outside lies between those inside, and names it", () => {
    const ids = new Set([idOf(DEFAULT_WORKFLOW, "CheckpointLoaderSimple"), idOf(DEFAULT_WORKFLOW, "VAEDecode")]);
    const made = makeSubgraph(DEFAULT_WORKFLOW, CATALOGUE, ids, "def", "x");

    expect(made.ok).toBe(false);
    expect(!made.ok && made.why).toMatch(/lies between/);
  });
});

describe("the inside of a subgraph", () => {
  const packed = make(DEFAULT_WORKFLOW, ["KSampler", "EmptyLatentImage"]);
  const path = [{ instance: packed.instance, definition: "def" }];
  const inside = () => scopeOf(packed.document, path);
  const sampler = idOf(inside(), "KSampler");

  it("shows its ends as nodes, and the same object each time", () => {
    expect(inside().nodes[sampler]!.inputs["model"]).toMatchObject({ link: [INPUTS_NODE, "model"] });
    expect(inside().nodes[OUTPUTS_NODE]!.inputs["LATENT"]).toEqual({ link: [sampler, "LATENT"] });
    expect(scopeOf(packed.document, path)).toBe(inside());
  });

  it("changes only what was changed", () => {
    const lifted = lift(packed.document, path, setInput(inside(), sampler, "steps", 7), CATALOGUE);
    const next = apply(packed.document, lifted).definitions!["def"]!;
    expect(next.nodes![sampler]!.inputs["steps"]).toBe(7);
    expect(next.nodes![sampler]!.inputs["model"]).toEqual(packed.document.definitions!["def"]!.nodes![sampler]!.inputs["model"]);
    expect(next.outputs).toEqual(packed.document.definitions!["def"]!.outputs);
  });

  it("makes a new input when a widget is linked from the empty socket, with the widget's own control outside", () => {
    const all = specs(packed.document, "def");
    const linked = connect(inside(), all, { node: INPUTS_NODE, output: NEW_SOCKET }, { node: sampler, input: "steps" });
    const document = apply(packed.document, lift(packed.document, path, linked, all));
    const steps = findInput(specs(document)["def"], "steps");

    expect(document.definitions!["def"]!.inputs!.at(-1)).toEqual({ name: "steps", type: "INT" });
    expect(isPromoted(document.definitions!["def"]!.nodes![sampler]!.inputs["steps"])).toBe(true);
    expect(steps).toMatchObject({ widget: true, default: DEFAULT_WORKFLOW.nodes[sampler]!.inputs["steps"] });
    expect(steps!.options["min"]).toBe(findInput(CATALOGUE["KSampler"], "steps")!.options["min"]);
  });

  it("makes a new output when a node is linked to the empty socket", () => {
    const all = specs(packed.document, "def");
    const latent = idOf(inside(), "EmptyLatentImage");
    const linked = connect(inside(), all, { node: latent, output: "LATENT" }, { node: OUTPUTS_NODE, input: NEW_SOCKET });
    const outputs = apply(packed.document, lift(packed.document, path, linked, all)).definitions!["def"]!.outputs!;

    expect(outputs.at(-1)).toEqual({ name: "LATENT_2", type: "LATENT", link: [latent, "LATENT"] });
  });

  it("never links one empty end to the other", () => {
    const all = specs(packed.document, "def");
    expect(mayConnect(inside(), all, { node: INPUTS_NODE, output: NEW_SOCKET }, { node: OUTPUTS_NODE, input: NEW_SOCKET }).ok).toBe(false);
  });
});

describe("the sockets of a subgraph", () => {
  const packed = make(DEFAULT_WORKFLOW, ["KSampler", "EmptyLatentImage"]).document;

  it("keep their names when people rename them", () => {
    const document = apply(packed, labelSocket(packed, "def", "inputs", 0, "The model"));

    expect(document.definitions!["def"]!.inputs![0]).toMatchObject({ name: packed.definitions!["def"]!.inputs![0]!.name, label: "The model" });
  });

  it("take the links of every instance along when they are removed", () => {
    const document = apply(packed, removeSocket(packed, specs(packed), "def", "outputs", 0));

    expect(document.definitions!["def"]!.outputs).toEqual([]);
    expect(document.nodes[idOf(document, "VAEDecode")]!.inputs["samples"]).toBeUndefined();
  });

  it("give what they fed inside its own value back", () => {
    const index = packed.definitions!["def"]!.inputs!.findIndex(({ name }) => name === "model");
    const document = apply(packed, removeSocket(packed, specs(packed), "def", "inputs", index));
    const sampler = Object.values(document.definitions!["def"]!.nodes!).find(({ type }) => type === "KSampler")!;

    expect(sampler.inputs["model"]).toBeUndefined();
    expect(Object.values(document.nodes).find(({ type }) => type === "def")!.inputs["model"]).toBeUndefined();
  });
});

it("a definition that holds another knows it, and unused ones are found", () => {
  const packed = make(DEFAULT_WORKFLOW, ["KSampler"], "inner");
  const outer = make(packed.document, ["inner", "VAEDecode"], "outer").document;

  expect(containsDefinition(outer.definitions!, "outer", "inner")).toBe(true);
  expect(containsDefinition(outer.definitions!, "inner", "outer")).toBe(false);
  expect(unusedDefinitions(outer)).toEqual([]);
  const { [idOf(outer, "outer")]: _gone, ...rest } = outer.nodes;
  expect(unusedDefinitions({ ...outer, nodes: rest }).sort()).toEqual(["inner", "outer"]);
});
