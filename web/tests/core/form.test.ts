import { describe, expect, it } from "vitest";
import { apply } from "../../src/core/diff";
import type { FormRecord, WorkflowDocument } from "../../src/core/document";
import { candidates, formFields, formOutputs, lostFields, moved, setForm, suggestedForm, withoutBlanks } from "../../src/core/form";
import { DocumentError, parseDocument } from "../../src/core/parse";
import { SpecBook } from "../../src/core/specs";
import { makeSubgraph } from "../../src/core/subgraph";
import { CATALOGUE, DEFAULT_WORKFLOW } from "../testEditor";

const idOf = (type: string) => Object.keys(DEFAULT_WORKFLOW.nodes).find((id) => DEFAULT_WORKFLOW.nodes[id]!.type === type)!;
const SAMPLER = idOf("KSampler");
const withForm = (form: FormRecord, document: WorkflowDocument = DEFAULT_WORKFLOW) => apply(document, setForm(document, form));

describe("a form", () => {
  it("shows its fields in order, by their labels, with the node's own control", () => {
    const document = withForm({ inputs: [{ node: SAMPLER, input: "steps", label: "Effort" }, { node: SAMPLER, input: "cfg" }] });
    const fields = formFields(document, CATALOGUE);

    expect(fields.map(({ input, kind }) => [input.label, kind])).toEqual([["Effort", "int"], ["cfg", "float"]]);
  });

  it("leaves out what is gone or linked, and says so to whoever builds it", () => {
    const gone = [{ node: "999", input: "x" }, { node: SAMPLER, input: "nothing" }, { node: SAMPLER, input: "model" }];
    const document = withForm({ inputs: gone, outputs: [{ node: "999" }] });

    expect(formFields(document, CATALOGUE)).toEqual([]);
    expect(formOutputs(document, CATALOGUE)).toEqual([]);
    expect(lostFields(document, CATALOGUE)).toEqual(gone);
  });

  it("reaches inside subgraphs by path ids", () => {
    const made = makeSubgraph(DEFAULT_WORKFLOW, CATALOGUE, new Set([SAMPLER]), "def", "Sampling");
    if (!made.ok) throw new Error(made.why);
    const packed = apply(DEFAULT_WORKFLOW, made.diff);
    const document = withForm({ inputs: [{ node: `${made.id}:${SAMPLER}`, input: "steps" }] }, packed);
    const specs = new SpecBook().specs(CATALOGUE, document.definitions);

    expect(formFields(document, specs)[0]).toMatchObject({ id: SAMPLER, path: [{ instance: made.id, definition: "def" }] });
  });

  it("begins with every text and every result of the workflow", () => {
    const form = suggestedForm(DEFAULT_WORKFLOW, CATALOGUE);

    expect(form.inputs!.map(({ node }) => DEFAULT_WORKFLOW.nodes[node]!.type)).toEqual(["CLIPTextEncode", "CLIPTextEncode"]);
    expect(form.outputs!.map(({ node }) => DEFAULT_WORKFLOW.nodes[node]!.type)).toEqual(["SaveImage"]);
  });

  it("offers widgets only, not what a link feeds", () => {
    const sampler = candidates(DEFAULT_WORKFLOW, CATALOGUE).find(({ node }) => node === SAMPLER)!;

    expect(sampler.inputs.map(({ name }) => name)).toContain("steps");
    expect(sampler.inputs.map(({ name }) => name)).not.toContain("model");
  });

  it("is read back as it was written, and refused with its place when it is wrong", () => {
    const document = withForm({ title: "T", inputs: [{ node: SAMPLER, input: "steps" }] });
    expect(parseDocument(JSON.parse(JSON.stringify(document))).form).toEqual(document.form);
    expect(() => parseDocument({ ...document, form: { inputs: [{ node: 1 }] } })).toThrow(DocumentError);
    expect(() => parseDocument({ ...document, form: { fields: [] } })).toThrow(/form: unknown key "fields"/);
  });
});

it("entries move by one place and stay at the ends", () => {
  expect(moved(["a", "b", "c"], 1, 0)).toEqual(["b", "a", "c"]);
  expect(moved(["a", "b", "c"], 0, -1)).toEqual(["a", "b", "c"]);
});

it("an empty text is no text", () => {
  expect(withoutBlanks({ label: "", node: "1" })).toEqual({ node: "1" });
});
