import { describe, expect, it } from "vitest";
import { begin, emptyRow } from "../../src/store/jobEvents";
import { secondsLeft, shareDone } from "../../src/store/timeLeft";
import { NO_JOBS } from "../../src/store/store";
import type { JobRow, JobsSlice, NodeRun } from "../../src/store/state";

const row: JobRow = { ...emptyRow("j"), name: "Ships", tab: "t", state: "running", startedAt: 0 };

function running(part: Partial<NodeRun>, rows: readonly JobRow[] = []): JobsSlice {
  const jobs = begin({ ...NO_JOBS, rows: Object.fromEntries(rows.map((each) => [each.id, each])) }, "t", "j", ["1", "2"]);
  const nodes = jobs.runs["t"]?.nodes ?? {};
  return { ...jobs, runs: { t: { job: "j", problems: [], nodes: { ...nodes, "1": { ...(nodes["1"] as NodeRun), state: "running", ...part } } } } };
}
const earlier = (id: string, seconds: number): JobRow => ({ ...row, id, state: "succeeded", finishedAt: seconds * 1000 });

describe("the time left", () => {
  it("follows the pace of the steps", () => {
    expect(secondsLeft(running({ value: 5, max: 20, startedAt: 1000 }), row, 6000)).toBe(15);
  });

  it("is unknown with one step and no earlier job", () => {
    expect(secondsLeft(running({ value: 1, max: 20, startedAt: 1000 }), row, 6000)).toBeNull();
  });

  it("is what the middle one of the earlier jobs took, less what has gone by", () => {
    expect(secondsLeft(running({}, [earlier("a", 10), earlier("b", 90), earlier("c", 12)]), row, 4000)).toBe(8);
    expect(secondsLeft(running({}, [earlier("a", 10)]), row, 60_000)).toBe(0);
  });

  it("takes no notice of other workflows", () => {
    expect(secondsLeft(running({}, [{ ...earlier("a", 10), name: "Other" }]), row, 4000)).toBeNull();
  });
});

it("counts half of a node as half, and says nothing of jobs that no tab shows", () => {
  expect(shareDone(running({ value: 10, max: 20 }), row)).toBe(0.25);
  expect(shareDone(running({}), { id: "other", tab: "t" })).toBeNull();
});
