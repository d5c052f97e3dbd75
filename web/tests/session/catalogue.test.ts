import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Catalogue, PublishedCatalogue } from "../../src/core/catalogue";
import { CatalogueFeed } from "../../src/session/catalogue";
import { CATALOGUE, TestEditor } from "../testEditor";

const { KSampler: sampler, EmptyLatentImage: picture } = CATALOGUE as Required<Catalogue>;
const EARLY: PublishedCatalogue = { specs: { picture: picture! }, digest: "early", complete: false };
const LATE: PublishedCatalogue = { specs: { picture: picture!, sampler: sampler! }, digest: "late", complete: true };

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("window", { clearTimeout, setTimeout });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A server whose answers are given by hand, in any order. */
function asked() {
  const { editor } = new TestEditor();
  const questions: { newerThan: string | null; answer: (catalogue: PublishedCatalogue) => void; fail: () => void }[] = [];
  const onComplete = vi.fn();
  const ask = (newerThan: string | null) =>
    new Promise<PublishedCatalogue>((answer, refuse) => questions.push({ newerThan, answer, fail: () => refuse(new Error("the server is gone")) }));
  const feed = new CatalogueFeed(editor, ask, onComplete);
  const settle = () => vi.advanceTimersByTimeAsync(0);
  return { editor, feed, questions, onComplete, settle, names: () => Object.keys(editor.state.catalogue.specs) };
}

it("is followed while packs are loading, and no longer", async () => {
  const { editor, feed, questions, onComplete, settle, names } = asked();
  void feed.load();
  questions[0]!.answer(EARLY);
  await settle();
  expect(editor.state.catalogue).toMatchObject({ state: "ready", packs: "loading" });
  expect(questions[1]!.newerThan).toBe("early");
  expect(onComplete).not.toHaveBeenCalled();

  questions[1]!.answer(LATE);
  await settle();
  expect(editor.state.catalogue.packs).toBe("loaded");
  expect(names()).toEqual(["picture", "sampler"]);
  expect(questions).toHaveLength(2);
  expect(onComplete).toHaveBeenCalledOnce();
});

it("never goes back to an older answer that comes later", async () => {
  const { feed, questions, settle, names } = asked();
  void feed.load();
  void feed.load();
  questions[1]!.answer(LATE);
  await settle();
  questions[0]!.answer(EARLY);
  await settle();

  expect(names()).toEqual(["picture", "sampler"]);
  expect(questions).toHaveLength(2);
});

it("is asked for again after a failure", async () => {
  const { editor, feed, questions, settle } = asked();
  void feed.load();
  questions[0]!.fail();
  await settle();
  expect(editor.state.catalogue).toMatchObject({ state: "failed", message: "the server is gone" });

  await vi.advanceTimersByTimeAsync(2000);
  questions[1]!.answer(LATE);
  await settle();
  expect(editor.state.catalogue).toMatchObject({ state: "ready", message: "" });
});

it("tells of its packs again only when they are others", async () => {
  const { feed, questions, onComplete, settle } = asked();
  for (const answer of [LATE, LATE, { ...LATE, digest: "more" }]) {
    void feed.load();
    questions.at(-1)!.answer(answer);
    await settle();
  }

  expect(onComplete).toHaveBeenCalledTimes(2);
});
