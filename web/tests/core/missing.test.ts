import { expect, it } from "vitest";
import { missingIn } from "../../src/core/missing";
import type { NodeRecord } from "../../src/core/document";
import { sizeText } from "../../src/ui/size";
import { CATALOGUE, DEFAULT_WORKFLOW } from "../testEditor";

const loader = CATALOGUE["CheckpointLoaderSimple"];
if (!loader) throw new Error("the catalogue has a loader");
const catalogue = {
  ...CATALOGUE,
  CheckpointLoaderSimple: {
    ...loader,
    inputs: loader.inputs.map((input) => (input.name === "ckpt_name" ? { ...input, choices: ["here.safetensors"], choices_from: { folder: "checkpoints" } } : input)),
  },
};
const load = (name: string, kept?: NodeRecord["kept"]): NodeRecord => ({ type: "CheckpointLoaderSimple", inputs: { ckpt_name: name }, ...(kept ? { kept } : {}) });

it("nothing is missing in a workflow that can run", () => {
  expect(missingIn({ nodes: { "1": load("here.safetensors") } }, catalogue)).toEqual([]);
  expect(missingIn({ nodes: DEFAULT_WORKFLOW.nodes }, CATALOGUE).filter(({ kind }) => kind === "node")).toEqual([]);
});

it("names the file, its folder and the source that the workflow knows", () => {
  const kept = { properties: { models: [{ name: "gone.safetensors", url: "https://example.org/gone", directory: "checkpoints" }] } };

  expect(missingIn({ nodes: { "4": load("gone.safetensors", kept) } }, catalogue)).toEqual([
    { kind: "model", node: "4", input: "ckpt_name", name: "gone.safetensors", folder: "checkpoints", url: "https://example.org/gone", size: null },
  ]);
});

it("tells the size that a saved workflow knows of a model", () => {
  const meta = { models: [{ name: "gone.safetensors", folder: "checkpoints", size: 16_400_000 }] };

  expect(missingIn({ nodes: { "4": load("gone.safetensors") }, meta }, catalogue)).toMatchObject([{ name: "gone.safetensors", size: 16_400_000 }]);
  expect(sizeText(16_400_000)).toBe("16 MB");
  expect(sizeText(999)).toBe("999 B");
  expect(sizeText(6_940_000_000)).toBe("6.9 GB");
});

it("names the pack of an unknown node, inside subgraphs too, but not of muted nodes", () => {
  const glow: NodeRecord = { type: "Glow", inputs: {}, kept: { properties: { cnr_id: "acme-glow" } } };
  const definitions = { inner: { name: "Inner", nodes: { "1": glow, "2": { type: "inner", inputs: {} } } } };

  expect(missingIn({ nodes: { "9": { type: "inner", inputs: {} } }, definitions }, catalogue)).toEqual([{ kind: "node", node: "9", type: "Glow", pack: "acme-glow" }]);
  expect(missingIn({ nodes: { "1": { ...glow, mode: "muted" } } }, catalogue)).toEqual([]);
});
