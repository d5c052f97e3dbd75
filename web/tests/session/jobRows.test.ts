import { expect, it } from "vitest";
import type { JobItem } from "../../src/api/schema";
import { rowOf } from "../../src/session/jobRows";
import { emptyRow } from "../../src/store/jobEvents";

function listed(part: Partial<JobItem>): JobItem {
  return {
    id: "a",
    name: null,
    state: "queued",
    number: 3,
    priority: 0,
    client_id: null,
    attempt: 1,
    deaths: 0,
    cancel_requested: false,
    created: 1_700_000_000_000,
    started: null,
    finished: null,
    reason: null,
    outputs_count: null,
    outputs: {},
    preview: null,
    error: null,
    ...part,
  };
}

it("takes the name of a restored job from the server", () => {
  expect(rowOf(listed({ name: "Red ships" }), emptyRow("a")).name).toBe("Red ships");
  expect(rowOf(listed({ name: null }), emptyRow("a")).name).toBe("");
});

it("keeps the name that a job has here", () => {
  expect(rowOf(listed({ name: "Red ships" }), { ...emptyRow("a"), name: "Mine" }).name).toBe("Mine");
});

it("keeps what happened meanwhile, and shows a job that killed its workers as failed", () => {
  const row = rowOf(listed({ state: "dead", error: { message: "out of memory ", fix: "Smaller." } }), { ...emptyRow("a"), startedAt: 5 });

  expect(row).toMatchObject({ state: "failed", startedAt: 5, number: 3, failure: { message: "out of memory", fix: "Smaller." } });
});
