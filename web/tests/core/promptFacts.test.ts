import { expect, it } from "vitest";
import { factsOf } from "../../src/core/promptFacts";

it("lists what each node was set to, by its title, without links", () => {
  const prompt = {
    "3": { class_type: "KSampler", inputs: { seed: 7, model: ["4", 0] }, _meta: { title: "Sampler" } },
    "5": { class_type: "VAEDecode", inputs: { samples: ["3", 0] } },
  };

  expect(factsOf(prompt)).toEqual([{ node: "3", title: "Sampler", values: [["seed", "7"]] }]);
  expect(factsOf(null)).toEqual([]);
});
