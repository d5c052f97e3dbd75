import { expect, it } from "vitest";
import { METRICS } from "../../src/canvas/metrics";
import { serialize } from "../../src/core/document";
import { connect } from "../../src/core/links";
import { parseDocument } from "../../src/core/parse";
import { shapeOf, shapesOf, toggleSocket } from "../../src/core/plainSockets";
import { CATALOGUE, TestEditor } from "../testEditor";

const SAMPLER = "5";

function toggle(test: TestEditor, input: string): void {
  test.editor.commit(toggleSocket(test.editor.document, CATALOGUE, SAMPLER, input), "toggle");
}

it("a value becomes a socket and a control again, and undo knows both", () => {
  const test = new TestEditor();
  const before = test.text;
  const high = test.node(SAMPLER).h;
  toggle(test, "steps");
  expect(shapeOf(test.editor.document, CATALOGUE, SAMPLER, "steps")).toBe("socket");
  expect(test.node(SAMPLER).h).toBe(high - METRICS.widget + METRICS.row);
  expect(test.editor.document.nodes[SAMPLER]!.inputs["steps"]).toBe(20);
  expect(parseDocument(JSON.parse(test.text)).layout.nodes[SAMPLER]!.sockets).toEqual(["steps"]);
  toggle(test, "steps");
  expect(test.text).toBe(before);
  test.editor.undo();
  test.editor.undo();

  expect(serialize(test.editor.document)).toBe(before);
});

it("a linked value loses its link and gets its control back", () => {
  const test = new TestEditor();
  test.editor.commit({ "node:20": { to: { type: "PrimitiveNode", inputs: { value: "karras" } } }, "place:20": { to: { pos: [0, 0] } } }, "add");
  toggle(test, "scheduler");
  test.editor.commit(connect(test.editor.document, test.editor.specs, { node: "20", output: "value" }, { node: SAMPLER, input: "scheduler" }), "link");
  expect(shapeOf(test.editor.document, CATALOGUE, SAMPLER, "scheduler")).toBe("linked");
  toggle(test, "scheduler");

  expect(shapeOf(test.editor.document, CATALOGUE, SAMPLER, "scheduler")).toBe("control");
});

it("inputs that are sockets by nature are left alone", () => {
  const test = new TestEditor();

  expect(shapesOf(test.editor.document, CATALOGUE, SAMPLER).map(({ input }) => input)).toEqual(["seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"]);
  expect(toggleSocket(test.editor.document, CATALOGUE, SAMPLER, "model")).toEqual({});
});
