import { expect, it } from "vitest";
import { findInput } from "../../src/core/catalogue";
import { resetValue } from "../../src/features/widgets/ResetButton";
import { CATALOGUE } from "../testEditor";

it("a control goes back to its default, and only when it has another value", () => {
  const steps = findInput(CATALOGUE["KSampler"], "steps");
  const model = findInput(CATALOGUE["KSampler"], "model");
  if (!steps || !model) throw new Error("the catalogue has a KSampler");

  expect(resetValue(steps, 33)).toBe(steps.default);
  expect(resetValue(steps, steps.default)).toBeUndefined();
  expect(resetValue(model, null)).toBeUndefined();
});
