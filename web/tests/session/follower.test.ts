import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { setControl, setInput } from "../../src/core/edits";
import { Follower } from "../../src/session/follower";
import { withRow } from "../../src/store/jobEvents";
import { TestEditor } from "../testEditor";

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("window", { clearTimeout, setTimeout });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function followed() {
  const { editor } = new TestEditor();
  const run = vi.fn(() => Promise.resolve(true));
  new Follower(editor, run).watch();
  const sampler = Object.entries(editor.document.nodes).find(([, { type }]) => type === "KSampler")?.[0] ?? "";
  const set = (input: string, value: number) => editor.commit(setInput(editor.document, sampler, input, value), "Change");
  const follow = (on: boolean) => editor.store.setState((state) => ({ jobs: { ...state.jobs, following: on ? state.document.active : null } }));
  return { editor, run, set, follow, sampler };
}

it("runs once for changes that come together, and not before any", async () => {
  const { run, set, follow } = followed();
  follow(true);
  await vi.advanceTimersByTimeAsync(2000);
  expect(run).not.toHaveBeenCalled();

  set("steps", 7);
  set("steps", 9);
  await vi.advanceTimersByTimeAsync(2000);

  expect(run).toHaveBeenCalledTimes(1);
});

it("does not run for a seed that moves by itself, nor when switched off", async () => {
  const { editor, run, set, follow, sampler } = followed();
  editor.commit(setControl(editor.document, sampler, "seed", "randomize"), "Control");
  follow(true);
  set("seed", 99);
  await vi.advanceTimersByTimeAsync(2000);
  follow(false);
  set("steps", 3);
  await vi.advanceTimersByTimeAsync(2000);

  expect(run).not.toHaveBeenCalled();
});

it("waits for the job that is under way, then runs the newest state", async () => {
  const { editor, run, set, follow } = followed();
  follow(true);
  const state = (state: "running" | "succeeded") =>
    editor.store.setState(({ jobs, document }) => ({ jobs: withRow(jobs, "j", { tab: document.active, state }) }));
  state("running");
  set("steps", 5);
  await vi.advanceTimersByTimeAsync(2000);
  expect(run).not.toHaveBeenCalled();

  state("succeeded");
  await vi.advanceTimersByTimeAsync(2000);

  expect(run).toHaveBeenCalledTimes(1);
});
