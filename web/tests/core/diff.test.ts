import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { apply, change, type Diff, reverse, sameJson, squash } from "../../src/core/diff";
import { serialize, type WorkflowDocument } from "../../src/core/document";
import {
  addNode,
  advanceSeeds,
  changePlacement,
  moveNodes,
  removeNodes,
  setControl,
  setInput,
  setTitle,
  toggleMode,
} from "../../src/core/edits";
import { setForm } from "../../src/core/form";
import { connect, disconnect } from "../../src/core/links";
import { makeSubgraph, unpackSubgraph } from "../../src/core/subgraph";
import { addWaypoint, removeWaypoint } from "../../src/core/waypoints";
import { CATALOGUE, DEFAULT_WORKFLOW } from "../testEditor";

type Edit = (document: WorkflowDocument) => Diff;
const types = Object.keys(CATALOGUE);
const pick = <T,>(list: readonly T[], at: number): T | undefined => list[at % Math.max(1, list.length)];

/** Any edit a person can make, as a function of the document it meets. */
const edits: fc.Arbitrary<Edit> = fc
  .record({ kind: fc.nat(17), a: fc.nat(1000), b: fc.nat(1000), x: fc.integer({ min: -500, max: 500 }), text: fc.string({ maxLength: 8 }) })
  .map(({ kind, a, b, x, text }): Edit => (document) => {
    const ids = Object.keys(document.nodes);
    const id = pick(ids, a) ?? "none";
    const other = pick(ids, b) ?? "none";
    const outputs = CATALOGUE[document.nodes[other]?.type ?? ""]?.outputs ?? [];
    const inputs = CATALOGUE[document.nodes[id]?.type ?? ""]?.inputs ?? [];
    const input = pick(inputs, b)?.name ?? "none";
    switch (kind) {
      case 0:
        return addNode(document, CATALOGUE, pick(types, a) ?? "", [x, b]).diff;
      case 1:
        return removeNodes(document, CATALOGUE, new Set([id]));
      case 2:
        return removeNodes(document, CATALOGUE, new Set([id, other]));
      case 3:
        return setInput(document, id, input, text);
      case 4:
        return connect(document, CATALOGUE, { node: other, output: pick(outputs, a)?.name ?? "" }, { node: id, input });
      case 5:
        return disconnect(document, CATALOGUE, [{ node: id, input }]);
      case 6:
        return moveNodes(document, new Set([id, other]), x, b);
      case 7:
        return setTitle(document, id, text);
      case 8:
        return toggleMode(document, [id, other], a % 2 ? "muted" : "bypassed");
      case 9:
        return changePlacement(document, id, { collapsed: a % 2 === 0, size: [200 + a, 100 + b] });
      case 10:
        return advanceSeeds(document, CATALOGUE, () => (a % 100) / 100);
      case 11:
        return change(document, { groups: a % 2 ? [{ title: text, box: [x, x, a, b] }] : undefined, name: text });
      case 12: {
        const made = makeSubgraph(document, CATALOGUE, new Set([id, other]), `definition ${a % 3}`, text);
        return made.ok ? made.diff : {};
      }
      case 13:
        return unpackSubgraph(document, CATALOGUE, id).diff;
      case 14:
        return addWaypoint(document, { node: id, input }, [x, b], 0, `${a}`);
      case 15:
        return removeWaypoint(document, document.layout.reroutes?.[0]?.id ?? "");
      case 16:
        return setForm(document, a % 2 ? { title: text, inputs: [{ node: id, input }] } : undefined);
      default:
        return setControl(document, id, "seed", "increment");
    }
  });

function perform(start: WorkflowDocument, list: readonly Edit[]): { document: WorkflowDocument; diffs: Diff[] } {
  const diffs: Diff[] = [];
  let document = start;
  for (const edit of list) {
    const diff = edit(document);
    diffs.push(diff);
    document = apply(document, diff);
  }
  return { document, diffs };
}

describe("a diff", () => {
  it("is undone by its reverse, byte for byte, whatever the sequence of edits", () => {
    fc.assert(
      fc.property(fc.array(edits, { maxLength: 25 }), (list) => {
        const { document, diffs } = perform(DEFAULT_WORKFLOW, list);
        const restored = diffs.reduceRight((at, diff) => apply(at, reverse(diff)), document);
        expect(serialize(restored)).toBe(serialize(DEFAULT_WORKFLOW));
      }),
      { numRuns: 300 },
    );
  });

  it("is redone by applying it again", () => {
    fc.assert(
      fc.property(fc.array(edits, { maxLength: 15 }), (list) => {
        const { document, diffs } = perform(DEFAULT_WORKFLOW, list);
        const back = diffs.reduceRight((at, diff) => apply(at, reverse(diff)), document);
        expect(serialize(diffs.reduce(apply, back))).toBe(serialize(document));
      }),
    );
  });

  it("squashed from many has the effect of all of them, and so has its reverse", () => {
    fc.assert(
      fc.property(fc.array(edits, { maxLength: 20 }), (list) => {
        const { document, diffs } = perform(DEFAULT_WORKFLOW, list);
        const whole = diffs.reduce(squash, {});
        expect(serialize(apply(DEFAULT_WORKFLOW, whole))).toBe(serialize(document));
        expect(serialize(apply(document, reverse(whole)))).toBe(serialize(DEFAULT_WORKFLOW));
      }),
    );
  });

  it("leaves untouched records as the same objects", () => {
    const after = apply(DEFAULT_WORKFLOW, setInput(DEFAULT_WORKFLOW, "2", "text", "a star"));

    expect(after.nodes["5"]).toBe(DEFAULT_WORKFLOW.nodes["5"]);
    expect(after.layout).toBe(DEFAULT_WORKFLOW.layout);
  });

  it("of a value that stays the same is empty", () => {
    expect(setInput(DEFAULT_WORKFLOW, "5", "steps", 20)).toEqual({});
  });
});

describe("sameJson", () => {
  it("sees no difference in the order of keys", () => {
    expect(sameJson({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 })).toBe(true);
  });

  it("tells a missing key from a null", () => {
    expect(sameJson({ a: null }, { b: null })).toBe(false);
  });
});
