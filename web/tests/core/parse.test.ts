import { describe, expect, it } from "vitest";
import { serialize } from "../../src/core/document";
import { parseDocument } from "../../src/core/parse";
import { DEFAULT_WORKFLOW } from "../testEditor";

const base = { format: "heddle-workflow", version: 1, name: "x", nodes: {} };

describe("a document", () => {
  it("comes back the same from its text", () => {
    expect(parseDocument(JSON.parse(serialize(DEFAULT_WORKFLOW)))).toEqual(DEFAULT_WORKFLOW);
  });

  it.each([
    [{ ...base, wires: [] }, /document: unknown key "wires"/],
    [{ ...base, format: "other" }, /format: must be/],
    [{ ...base, version: 2 }, /version: is 2; this editor reads version 1/],
    [{ ...base, nodes: { "3": { type: 5, inputs: {} } } }, /nodes\.3\.type: must be text/],
    [{ ...base, nodes: { "3": { type: "A", inputs: { m: { link: ["1"] } } } } }, /nodes\.3\.inputs\.m\.link: must be \[node id, output name\]/],
    [{ ...base, nodes: { "3": { type: "A", inputs: { m: [1, 2] } } } }, /nodes\.3\.inputs\.m: must be an object/],
    [{ ...base, nodes: { "3": { type: "A", inputs: {}, mode: "off" } } }, /nodes\.3\.mode/],
    [{ ...base, layout: { nodes: { "3": { pos: [1, "a"] } } } }, /layout\.nodes\.3\.pos: must be a list of 2 numbers/],
    [null, /document: must be an object/],
  ])("is refused with the place: %j", (data, message) => {
    expect(() => parseDocument(data)).toThrow(message);
  });

  it("may leave out layout and inputs", () => {
    const document = parseDocument({ ...base, nodes: { "1": { type: "A" } } });

    expect(document.nodes["1"]?.inputs).toEqual({});
    expect(document.layout.nodes).toEqual({});
  });
});
