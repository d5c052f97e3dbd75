import { expect, it } from "vitest";
import { embeddingAt, fitting } from "../../src/core/embeddingWord";

it("finds the name that is being typed, and no other word", () => {
  expect(embeddingAt("red, embedding:ba", 17)).toEqual({ start: 15, end: 17, typed: "ba" });
  expect(embeddingAt("(embedding:", 11)).toEqual({ start: 11, end: 11, typed: "" });
  expect(embeddingAt("embedding:bad ship", 18)).toBeNull();
  expect(embeddingAt("noembedding:x", 13)).toBeNull();
});

it("offers names that fit, and nothing once the name is complete", () => {
  expect(fitting(["badhands", "easy", "bad"], "bad")[0]).toMatch(/^bad/);
  expect(fitting(["badhands"], "badhands")).toEqual([]);
  expect(fitting(["a", "b"], "")).toEqual(["a", "b"]);
});
