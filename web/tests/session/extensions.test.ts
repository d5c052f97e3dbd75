import { describe, expect, it, vi } from "vitest";
import { findInput, startingValue, widgetKind } from "../../src/core/catalogue";
import { readExtension } from "../../src/core/extension";
import { withWidgetSpecs } from "../../src/core/widgetSpecs";
import { loadExtensions } from "../../src/session/extensions";
import { CATALOGUE, TestEditor } from "../testEditor";

const widget = (part: object) => ({ height: 40, mount: () => ({}), ...part });
const modules: Record<string, unknown> = {
  "/extensions/good/heddle.js": { default: { api: 1, widgets: [widget({ type: "LATENT" })], panels: [{ id: "p", title: "Panel", mount: () => ({}) }] } },
  "/extensions/old/heddle.js": { default: { api: 0 } },
  "/extensions/empty/heddle.js": {},
};
const load = (url: string) => (url in modules ? Promise.resolve(modules[url]) : Promise.reject(new Error("no such module")));

describe("extensions of packs", () => {
  it("are loaded from their entry only; those that fail are named and left out", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { editor } = new TestEditor();
    const asked = vi.fn(load);
    await loadExtensions(editor, [...Object.keys(modules), "/extensions/gone/heddle.js", "/extensions/other/js/app.js"], asked);

    expect(asked.mock.calls.map(([url]) => url)).not.toContain("/extensions/other/js/app.js");
    expect(editor.state.extensions.widgets).toHaveLength(1);
    expect(editor.state.extensions.panels.map(({ name }) => name)).toEqual(["pack:good/p"]);
    const titles = editor.state.view.notices.map(({ title }) => title);
    for (const pack of ["old", "empty", "gone"]) expect(titles).toContainEqual(expect.stringContaining(pack));
  });

  it("give inputs a control on the node at the height they ask for", async () => {
    const test = new TestEditor();
    const sampler = Object.keys(test.editor.document.nodes).find((id) => test.editor.document.nodes[id]!.type === "EmptyImage" || test.editor.document.nodes[id]!.type === "KSampler")!;
    await loadExtensions(test.editor, ["/extensions/good/heddle.js"], load);
    const input = findInput(test.editor.specs["VAEDecode"], "samples")!;

    expect(widgetKind(input)).toBe("extension");
    expect(startingValue(input)).toBeUndefined();
    expect(test.editor.specs["EmptyLatentImage"]).toBe(CATALOGUE["EmptyLatentImage"]);
    expect(test.node(sampler).face.rows.some((row) => row.kind === "widget" && row.input.name === "latent_image")).toBe(true);
  });

  it("for one input of one node come before those for a type", () => {
    const widgets = [
      { id: "a", pack: "a", widget: widget({ type: "INT" }) },
      { id: "b", pack: "b", widget: widget({ input: "KSampler.steps" }) },
    ];
    const specs = withWidgetSpecs(CATALOGUE, widgets);

    expect(findInput(specs["KSampler"], "steps")!.control!.id).toBe("b");
    expect(findInput(specs["KSampler"], "seed")!.control!.id).toBe("a");
  });
});

it.each([
  [{ default: { api: 1, widgets: [{ height: 40, mount: () => ({}) }] } }, /widgets\[0\] needs either/],
  [{ default: { api: 1, widgets: [widget({ type: "X", height: 4 })] } }, /widgets\[0\]\.height must be 24 to 400/],
  [{ default: { api: 1, panels: [{ id: "p", title: "P" }] } }, /panels\[0\]\.mount must be a function/],
  [{ default: { api: 1, panels: [{ title: "P", mount: () => ({}) }] } }, /panels\[0\] needs/],
])("a wrong extension is refused in words (%#)", (module, words) => {
  expect(() => readExtension(module)).toThrow(words);
});
