import { describe, expect, it } from "vitest";
import { METRICS } from "../../src/canvas/metrics";
import { moveNodes, setInput, toggleMode } from "../../src/core/edits";
import { disconnect } from "../../src/core/links";
import { TestEditor } from "../testEditor";

describe("a face", () => {
  it("has a socket for every input, inside the node", () => {
    const { face } = new TestEditor().node("5");

    expect([...face.inputs.keys()].sort()).toEqual(
      ["cfg", "denoise", "latent_image", "model", "negative", "positive", "sampler_name", "scheduler", "seed", "steps"],
    );
    for (const y of face.inputs.values()) expect(y).toBeLessThan(face.h);
  });

  it("collapsed is as high as its title", () => {
    const test = new TestEditor();
    test.editor.commit({ "place:5": { from: test.editor.document.layout.nodes["5"], to: { pos: [0, 0], collapsed: true } } }, "collapse");

    expect(test.node("5").h).toBe(METRICS.header);
  });

  it("gives spare height to text, not to numbers", () => {
    const test = new TestEditor();

    expect(test.node("2").h).toBe(170);
    expect(test.node("5").h).toBeLessThan(400);
  });
});

describe("an unknown node type", () => {
  it("keeps its values and links in view", () => {
    const test = new TestEditor();
    const record = { type: "NotHere", inputs: { strength: 0.5, image: { link: ["6", "IMAGE"] as const } } };
    test.editor.commit({ "node:20": { to: record }, "place:20": { to: { pos: [0, 900] } } }, "add");
    const node = test.node("20");

    expect(node.known).toBe(false);
    expect([...node.face.inputs.keys()]).toEqual(["image", "strength"]);
    expect(node.links.map((link) => link.from.id)).toEqual(["6"]);
  });
});

describe("the index", () => {
  it("follows nodes that move, come and go", () => {
    const test = new TestEditor();
    const found = () => test.editor.scene.within({ x: 2000, y: 2000, w: 500, h: 500 }).map((node) => node.id);
    expect(found()).toEqual([]);
    test.editor.commit({ "place:4": { from: test.editor.document.layout.nodes["4"], to: { pos: [2100, 2100] } } }, "move");
    expect(found()).toEqual(["4"]);
    test.editor.undo();

    expect(found()).toEqual([]);
  });
});

describe("typing", () => {
  it("changes the values of a node and nothing that is drawn", () => {
    const { editor } = new TestEditor();
    const [id] = Object.keys(editor.document.nodes).filter((each) => editor.document.nodes[each]!.type === "KSampler");
    const { version } = editor.scene;
    const node = editor.scene.nodes.get(id!)!;
    const { face, links } = node;
    editor.commit(setInput(editor.document, id!, "steps", 7), "Change steps");

    expect(editor.scene.version).toBe(version);
    expect(editor.scene.restated).toEqual([node]);
    expect(node.record.inputs["steps"]).toBe(7);
    expect([node.face, node.links]).toEqual([face, links]);
  });

  it("is told apart from linking, muting and moving", () => {
    const { editor } = new TestEditor();
    const id = Object.keys(editor.document.nodes).find((each) => editor.document.nodes[each]!.type === "KSampler")!;
    for (const diff of [() => disconnect(editor.document, editor.specs, [{ node: id, input: "model" }]), () => toggleMode(editor.document, [id], "muted"), () => moveNodes(editor.document, [id], 5, 5)]) {
      const { version } = editor.scene;
      editor.commit(diff(), "Edit");
      expect(editor.scene.version).toBeGreaterThan(version);
    }
  });
});
