import { describe, expect, it } from "vitest";
import type { WireEvent } from "../../src/core/wire";
import { applyEvent, begin, refuse, withRow } from "../../src/store/jobEvents";
import { NO_JOBS } from "../../src/store/store";
import type { JobsSlice } from "../../src/store/state";

const IDLE: JobsSlice = { ...NO_JOBS, connection: "open" };
const started = begin(withRow(IDLE, "j", { tab: "t" }), "t", "j", ["1", "2"]);

function after(jobs: JobsSlice, ...events: WireEvent[]): JobsSlice {
  return events.reduce((at, event, index) => applyEvent(at, event, 1000 * (index + 1), "blob:x"), jobs);
}
const progress = (node: string, value: number, max: number, state: "running" | "finished"): WireEvent => ({
  kind: "progress",
  job: "j",
  nodes: [{ node_id: node, display_node_id: node, value, max, state }],
});
const picture = { filename: "a.png", subfolder: "", type: "output" } as const;

describe("a run", () => {
  it("shows progress, then how long the node took", () => {
    const running = after(started, progress("1", 3, 20, "running"));
    expect(running.runs["t"]?.nodes["1"]).toMatchObject({ state: "running", value: 3, max: 20 });
    const done = after(started, progress("1", 3, 20, "running"), progress("1", 20, 20, "finished"));

    expect(done.runs["t"]?.nodes["1"]).toMatchObject({ state: "done", seconds: 1 });
  });

  it("puts a preview on the node that runs when the message names none", () => {
    const jobs = after(
      withRow(started, "j", { state: "running" }),
      progress("2", 1, 20, "running"),
      { kind: "preview", job: null, node: null, image: new Blob() },
    );

    expect(jobs.runs["t"]?.nodes["2"]?.preview).toBe("blob:x");
  });

  it("shows pictures on the node and in the list", () => {
    const jobs = after(started, { kind: "shown", job: "j", node: "2", output: { images: [picture] } });

    expect(jobs.runs["t"]?.nodes["2"]?.images).toEqual([picture]);
    expect(jobs.rows["j"]?.images).toEqual([picture]);
  });

  it("keeps the last pictures while the next job waits", () => {
    const jobs = after(started, { kind: "shown", job: "j", node: "2", output: { images: [picture] } });
    const next = begin(jobs, "t", "k", ["1", "2"]);

    expect(next.runs["t"]?.nodes["2"]).toMatchObject({ state: "waiting", images: [picture] });
  });

  it("that fails puts the reason on its node", () => {
    const failure = { node: "2", nodeType: "X", message: "broken", exception: "ValueError", traceback: [], fix: "mend it" };
    const jobs = after(started, { kind: "failed", job: "j", failure });

    expect(jobs.rows["j"]?.state).toBe("failed");
    expect(jobs.runs["t"]?.nodes["2"]?.state).toBe("failed");
    expect(jobs.runs["t"]?.problems).toEqual([{ code: "ValueError", node: "2", input: null, what: "broken", fix: "mend it" }]);
  });

  it("of another window is listed but touches no tab", () => {
    const jobs = after(started, { kind: "started", job: "other" }, { kind: "executing", job: "other", node: "1" });

    expect(jobs.rows["other"]?.state).toBe("running");
    expect(jobs.runs["t"]).toBe(started.runs["t"]);
  });

  it("marks nodes whose results were reused", () => {
    const jobs = after(started, { kind: "cached", job: "j", nodes: ["1"] });

    expect(jobs.runs["t"]?.nodes["1"]?.state).toBe("cached");
  });
});

describe("a refused job", () => {
  it("leaves the last results in place", () => {
    const shown = after(started, { kind: "shown", job: "j", node: "2", output: { images: [picture] } });
    const problem = { code: "required_input_missing", node: "1", input: "model", what: "missing", fix: "link one" };
    const jobs = refuse(shown, "t", [problem]);

    expect(jobs.runs["t"]?.problems).toEqual([problem]);
    expect(jobs.runs["t"]?.nodes["2"]?.images).toEqual([picture]);
  });
});

it("a tab with several jobs shows the one that starts", () => {
  const two = begin(withRow(withRow(IDLE, "a", { tab: "t" }), "b", { tab: "t" }), "t", "b", ["1"]);
  const jobs = applyEvent(two, { kind: "started", job: "a" }, 5);

  expect(jobs.runs["t"]).toMatchObject({ job: "a", nodes: { "1": { state: "waiting" } } });
  expect(applyEvent(jobs, { kind: "started", job: "b" }, 6).runs["t"]?.job).toBe("b");
});
