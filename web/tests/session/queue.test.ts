import { afterEach, describe, expect, it, vi } from "vitest";
import { explanations, JobQueue, moved } from "../../src/session/queue";
import { begin, withRow } from "../../src/store/jobEvents";
import { queuedInTurn } from "../../src/store/turns";
import { TestEditor } from "../testEditor";

const plain = <T>(_title: string, work: () => Promise<T>) => work();

function answering(answers: Readonly<Record<string, unknown>>) {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (path: string, init: RequestInit = {}) => {
    asked.push(`${init.method ?? "GET"} ${path} ${typeof init.body === "string" ? init.body : ""}`.trim());
    const found = Object.entries(answers).find(([part]) => path.includes(part));
    return Promise.resolve(new Response(JSON.stringify(found?.[1] ?? {}), { headers: { "content-type": "application/json" } }));
  });
  return asked;
}
afterEach(() => {
  vi.unstubAllGlobals();
});

describe("the order of the queue", () => {
  it("puts a job before or behind another one, or at an end", () => {
    expect(moved(["a", "b", "c"], "c", { before: "a" })).toEqual(["c", "a", "b"]);
    expect(moved(["a", "b", "c"], "a", { after: "b" })).toEqual(["b", "a", "c"]);
    expect(moved(["a", "b", "c"], "a", { to: "back" })).toEqual(["b", "c", "a"]);
    expect(moved(["a", "b", "c"], "c", { to: "front" })).toEqual(["c", "a", "b"]);
  });

  it("has a job that the server has not taken yet last", () => {
    const { editor } = new TestEditor();
    let { jobs } = editor.state;
    for (const id of ["new", "first", "second"]) jobs = withRow(jobs, id, id === "new" ? {} : { number: id === "first" ? 0 : 1 });

    expect(queuedInTurn({ ...jobs, turns: [] }).map(({ id }) => id)).toEqual(["first", "second", "new"]);
  });

  it("is shown at once and told to the server", async () => {
    const asked = answering({ "/move": { id: "b", priority: 0, place: 0 } });
    const { editor } = new TestEditor();
    editor.store.setState(({ jobs }) => ({ jobs: withRow(withRow({ ...jobs, turns: ["a"] }, "a", { state: "queued" }), "b", { state: "queued" }) }));
    vi.stubGlobal("window", { clearTimeout: () => undefined, setTimeout: () => 0 });

    await new JobQueue(editor, plain, "me").move("b", { before: "a" });

    expect(editor.state.jobs.turns).toEqual(["b", "a"]);
    expect(asked).toEqual(['POST /api/v1/jobs/b/move {"before":"a"}']);
  });
});

it("takes order, names and the pause from the server after a reload", async () => {
  const queued = { id: "q", name: "Ships", state: "queued", number: 4, created: 10, started: null, finished: null, outputs: {}, error: null, client_id: "me" };
  answering({ "/queue": { paused: true, queued: 1, running: 0 }, "/jobs": { jobs: [queued] } });
  const { editor } = new TestEditor();

  await new JobQueue(editor, plain, "me").refresh();

  expect(editor.state.jobs).toMatchObject({ paused: true, turns: ["q"], rows: { q: { name: "Ships", state: "queued", number: 4 } } });
});

it("puts the reason of each node on the tab that shows the job", async () => {
  answering({ "/explain": { nodes: [{ node: "3", ran: true, reasons: [{ kind: "input", text: "The input seed changed." }] }] } });
  const { editor } = new TestEditor();
  const tab = editor.state.document.active;
  editor.store.setState(({ jobs }) => ({ jobs: begin(withRow(jobs, "j", { tab }), tab, "j", ["3", "4"]) }));

  await new JobQueue(editor, plain, "me").explain("j");

  expect(editor.state.jobs.runs[tab]?.nodes["3"]?.reasons).toEqual(["The input seed changed."]);
  expect(editor.state.jobs.runs[tab]?.nodes["4"]?.reasons).toEqual([]);
});

it("reads reasons that have no text as none", () => {
  expect(explanations([{ node: "1", ran: true, reasons: [{ kind: "odd" }] }])).toEqual(new Map([["1", { outcome: "done", reasons: [] }]]));
});

it("shows after a reload which nodes ran, had their result already, or were not needed", async () => {
  const nodes = [
    { node: "3", ran: true, reasons: [{ kind: "never_seen", text: "It has not run before." }] },
    { node: "4", ran: false, reasons: [{ kind: "cached", text: "Its result was there already." }] },
    { node: "5", ran: false, reasons: [{ kind: "not_needed", text: "No selected output needed it." }] },
    { node: "6:1", ran: true, reasons: [] },
  ];
  answering({ "/explain": { nodes } });
  const { editor } = new TestEditor();
  const tab = editor.state.document.active;
  editor.store.setState(({ jobs }) => ({ jobs: begin(withRow(jobs, "j", { tab, state: "succeeded" }), tab, "j", ["3", "4", "5"]) }));

  await new JobQueue(editor, plain, "me").explain("j");

  const run = editor.state.jobs.runs[tab]?.nodes ?? {};
  expect(Object.fromEntries(Object.entries(run).map(([id, { state }]) => [id, state]))).toEqual({ 3: "done", 4: "cached", 5: "waiting", "6:1": "done" });
});
