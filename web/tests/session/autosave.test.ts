import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { setInput } from "../../src/core/edits";
import { Autosave } from "../../src/session/autosave";
import { TestEditor } from "../testEditor";

/** The browser's storage; its keys are listed as properties, as the real one does. */
class FakeStorage implements Pick<Storage, "getItem" | "setItem" | "removeItem"> {
  [key: string]: unknown;
  getItem(key: string) {
    return Object.hasOwn(this, key) ? (this[key] as string) : null;
  }
  setItem(key: string, value: string) {
    this[key] = value;
  }
  removeItem(key: string) {
    delete this[key];
  }
}

let storage: Storage;
let leave: Record<string, () => void>;
beforeEach(() => {
  vi.useFakeTimers();
  storage = new FakeStorage() as unknown as Storage;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A window of the browser that shows the editor; `leave[id]` closes it or begins a reload. */
function opened(id: string, at = 1000) {
  vi.stubGlobal("window", {
    clearTimeout,
    setTimeout,
    addEventListener: (kind: string, heard: () => void) => kind === "pagehide" && (leave = { ...leave, [id]: heard }),
  });
  const { editor } = new TestEditor();
  editor.store.setState({ document: { ...editor.state.document } });
  Object.assign(editor.outside, { now: () => at, freshId: () => `${id}-copy` });
  const autosave = new Autosave(editor, storage, id);
  const restored = autosave.restore();
  autosave.watch();
  const paint = (seed: number) => editor.commit(setInput(editor.document, sampler(editor), "seed", seed), "Change");
  const seed = () => editor.document.nodes[sampler(editor)]!.inputs["seed"];
  return { editor, restored, paint, seed, tab: editor.state.document.active };
}

function sampler({ document }: TestEditor["editor"]): string {
  return Object.entries(document.nodes).find(([, { type }]) => type === "KSampler")![0];
}

it("brings a window its own tabs back, whatever other windows did meanwhile", () => {
  const first = opened("first");
  first.paint(1);
  vi.advanceTimersByTime(500);
  const second = opened("second", 2000);
  second.paint(2);
  vi.advanceTimersByTime(500);
  leave["first"]!();
  const again = opened("first", 3000);

  expect(second.restored).toBe(true);
  expect(second.tab).not.toBe(first.tab);
  expect(again.seed()).toBe(1);
  leave["second"]!();
  expect(opened("second", 4000).seed()).toBe(2);
});

it("a new window takes over the tabs of the one that was closed last", () => {
  const first = opened("first");
  first.paint(7);
  leave["first"]!();
  const next = opened("next", 2000);

  expect(next.seed()).toBe(7);
  expect(next.tab).toBe(first.tab);
  expect(Object.keys(storage).filter((key) => key.startsWith("heddle.window."))).toEqual(["heddle.window.next"]);
});

it("what windows left behind long ago is thrown away", () => {
  opened("old", 0);
  leave["old"]!();
  opened("shown", 1);
  opened("far later", 15 * 24 * 3600 * 1000);

  expect(Object.keys(storage).filter((key) => key.startsWith("heddle.window."))).toEqual(["heddle.window.far later"]);
  expect(Object.keys(storage).filter((key) => key.startsWith("heddle.tab."))).toHaveLength(1);
});
