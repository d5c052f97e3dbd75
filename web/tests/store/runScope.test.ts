import { expect, it } from "vitest";
import { runInScope } from "../../src/store/runScope";
import type { NodeRun, Run } from "../../src/store/state";

const node = (part: Partial<NodeRun>): NodeRun => ({ state: "waiting", value: 0, max: 1, startedAt: null, seconds: null, preview: null, reasons: [], images: [], comparison: null, texts: [], ...part });
const RUN: Run = {
  job: "j",
  nodes: { "1": node({ state: "done", seconds: 1 }), "7:2": node({ state: "done", seconds: 2 }), "7:3": node({ state: "running", value: 3, max: 20 }), "7:4:1": node({}) },
  problems: [{ code: "x", node: "7:3", input: "steps", what: "Too many.", fix: "Fewer." }],
};

it("outside, an instance shows what runs inside it", () => {
  const { nodes, problems } = runInScope(RUN, "");

  expect(nodes["7"]).toMatchObject({ state: "running", value: 3, max: 20, seconds: 2 });
  expect(problems[0]).toMatchObject({ node: "7", input: null, what: "steps: Too many." });
});

it("inside, nodes go by their own ids, and other levels are left out", () => {
  const { nodes, problems } = runInScope(RUN, "7:");

  expect(Object.keys(nodes).sort()).toEqual(["2", "3", "4"]);
  expect(problems[0]).toMatchObject({ node: "3", input: "steps" });
  expect(runInScope(RUN, "7:4:").problems).toEqual([]);
});

it("asked twice, it is the same object", () => {
  expect(runInScope(RUN, "7:")).toBe(runInScope(RUN, "7:"));
});
