import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compare, diffBetween } from "../../src/core/compare";
import { apply, isEmpty } from "../../src/core/diff";
import { isLink, serialize, type WorkflowDocument } from "../../src/core/document";
import { addNode, moveNodes, removeNodes, setInput } from "../../src/core/edits";
import { disconnect } from "../../src/core/links";
import { makeSubgraph } from "../../src/core/subgraph";
import { CATALOGUE, DEFAULT_WORKFLOW } from "../testEditor";

const idOf = (type: string) => Object.keys(DEFAULT_WORKFLOW.nodes).find((id) => DEFAULT_WORKFLOW.nodes[id]!.type === type)!;
const SAMPLER = idOf("KSampler");
const edited = (...steps: ((document: WorkflowDocument) => Parameters<typeof apply>[1])[]) => steps.reduce((document, step) => apply(document, step(document)), DEFAULT_WORKFLOW);

describe("the comparison of two documents", () => {
  it("names nothing when they are the same", () => {
    expect(compare(DEFAULT_WORKFLOW, structuredClone(DEFAULT_WORKFLOW)).differences).toEqual([]);
  });

  it("tells a changed value with what it was and what it is", () => {
    const after = edited((document) => setInput(document, SAMPLER, "steps", 7));

    expect(compare(DEFAULT_WORKFLOW, after).differences).toEqual([expect.objectContaining({ mark: "changed", node: SAMPLER, part: "steps", before: "20", after: "7" })]);
  });

  it("tells nodes that came, went and moved, and marks them", () => {
    const after = edited(
      (document) => addNode(document, CATALOGUE, "EmptyImage", [0, 0]).diff,
      (document) => removeNodes(document, CATALOGUE, new Set([idOf("SaveImage")])),
      (document) => moveNodes(document, [SAMPLER], 10, 0),
    );
    const { marks, both } = compare(DEFAULT_WORKFLOW, after);

    expect([...marks.values()].sort()).toEqual(["added", "moved", "removed"]);
    expect(marks.get(SAMPLER)).toBe("moved");
    expect(Object.keys(both.nodes)).toEqual(expect.arrayContaining(Object.keys(DEFAULT_WORKFLOW.nodes)));
  });

  it("keeps the links that were lost", () => {
    const after = edited((document) => disconnect(document, CATALOGUE, [{ node: SAMPLER, input: "model" }]));

    expect(compare(DEFAULT_WORKFLOW, after).lostLinks).toEqual([{ from: [idOf("CheckpointLoaderSimple"), "MODEL"], to: [SAMPLER, "model"] }]);
  });

  it("has the links of removed nodes, drawn as lost ones only", () => {
    const after = apply(DEFAULT_WORKFLOW, removeNodes(DEFAULT_WORKFLOW, CATALOGUE, new Set([idOf("VAEDecode")])));
    const { lostLinks, both } = compare(DEFAULT_WORKFLOW, after);

    expect(lostLinks.filter(({ to }) => to[0] === idOf("VAEDecode")).map(({ to }) => to[1]).sort()).toEqual(["samples", "vae"]);
    expect(Object.values(both.nodes[idOf("VAEDecode")]?.inputs ?? {}).filter(isLink)).toEqual([]);
  });

  it("looks inside subgraphs", () => {
    const made = makeSubgraph(DEFAULT_WORKFLOW, CATALOGUE, new Set([SAMPLER]), "def", "Sampling");
    if (!made.ok) throw new Error(made.why);
    const before = apply(DEFAULT_WORKFLOW, made.diff);
    const definition = before.definitions!["def"]!;
    const changed = { ...definition.nodes![SAMPLER]!, inputs: { ...definition.nodes![SAMPLER]!.inputs, steps: 3 } };
    const after = { ...before, definitions: { def: { ...definition, nodes: { [SAMPLER]: changed } } } };

    expect(compare(before, after).differences).toEqual([expect.objectContaining({ inside: "Sampling", part: "steps", after: "3" })]);
  });
});

it("the diff between any two documents turns one into the other", () => {
  const ids = Object.keys(DEFAULT_WORKFLOW.nodes);
  const change = fc.record({ drop: fc.subarray(ids), move: fc.subarray(ids), by: fc.integer({ min: -50, max: 50 }) });
  const make = ({ drop, move, by }: { drop: string[]; move: string[]; by: number }) =>
    edited((document) => moveNodes(document, move, by, by), (document) => removeNodes(document, CATALOGUE, new Set(drop)));
  fc.assert(
    fc.property(change, change, (a, b) => {
      const [from, to] = [make(a), make(b)];
      expect(serialize(apply(from, diffBetween(from, to)))).toBe(serialize(to));
    }),
  );
  expect(isEmpty(diffBetween(DEFAULT_WORKFLOW, DEFAULT_WORKFLOW))).toBe(true);
});
