import { describe, expect, it } from "vitest";
import { advanceSeeds } from "../../src/core/edits";
import { serialize } from "../../src/core/document";
import { instancesIn, innerWidgets, makeSubgraphOf, removeUnused, setPromoted, unpackSelected } from "../../src/store/subgraphs";
import { TestEditor } from "../testEditor";

function packed() {
  const test = new TestEditor();
  const { editor } = test;
  const sampler = Object.keys(editor.document.nodes).find((id) => editor.document.nodes[id]!.type === "KSampler")!;
  editor.select([sampler]);
  makeSubgraphOf(editor);
  const [instance] = instancesIn(editor);
  return { test, editor, instance: instance!, sampler, definition: editor.document.nodes[instance!]!.type };
}

describe("a subgraph in the editor", () => {
  it("is entered and left, with the view of each level kept", () => {
    const { editor, instance, sampler } = packed();
    const outside = { x: 5, y: 6, k: 0.7 };
    editor.patchView({ viewport: outside });
    editor.enter(instance);

    expect(Object.keys(editor.document.nodes)).toEqual([sampler, "@inputs", "@outputs"]);
    expect(editor.scene.nodes.size).toBe(3);
    editor.leaveTo(0);
    expect(editor.viewport).toEqual(outside);
    expect([...editor.selection]).toEqual([instance]);
  });

  it("is edited from inside by the gestures of the outside", () => {
    const { test, editor, instance, sampler, definition } = packed();
    editor.enter(instance);
    editor.patchView({ viewport: { x: 0, y: 0, k: 1 } });
    const before = editor.root.definitions![definition]!.layout!.nodes![sampler]!.pos;
    const at = test.title(sampler);
    test.drag(at, { x: at.x + 50, y: at.y + 20 });

    const after = editor.root.definitions![definition]!.layout!.nodes![sampler]!.pos;
    expect([after[0] - before[0], after[1] - before[1]]).toEqual([50, 20]);
  });

  it("is left when undo takes it away", () => {
    const { editor, instance } = packed();
    editor.enter(instance);
    editor.undo();

    expect(editor.path).toEqual([]);
    expect(editor.root.definitions).toBeUndefined();
  });

  it("keeps its two ends whatever is deleted inside", () => {
    const { editor, instance, definition } = packed();
    editor.enter(instance);
    const before = serialize(editor.root);
    editor.select(["@inputs", "@outputs"]);
    editor.commit({ "node:@inputs": { from: editor.document.nodes["@inputs"] } }, "Delete");

    expect(editor.document.nodes["@inputs"]).toBeDefined();
    expect(editor.root.definitions![definition]!.inputs).toEqual((JSON.parse(before) as typeof editor.root).definitions![definition]!.inputs);
  });

  it("promotes a widget with its value and its control, and takes it back", () => {
    const { editor, instance, sampler, definition } = packed();
    const seed = () => innerWidgets(editor.root, editor.specs, definition).find(({ node, input }) => node === sampler && input === "seed")!;
    const value = editor.root.definitions![definition]!.nodes![sampler]!.inputs["seed"];
    editor.commitRoot(setPromoted(editor.root, editor.specs, definition, seed()), "Promote");

    expect(seed().promoted).toBe(true);
    expect(editor.specs[definition]!.inputs.find(({ name }) => name === "seed")).toMatchObject({ widget: true, default: value });
    expect(editor.document.nodes[instance]!.controls).toEqual({ seed: "randomize" });
    editor.commitRoot(setPromoted(editor.root, editor.specs, definition, seed()), "Take back");
    expect(editor.root.definitions![definition]!.nodes![sampler]!.inputs["seed"]).toBe(value);
  });

  it("moves a seed inside after each run, and a promoted one outside only", () => {
    const { editor, instance, sampler, definition } = packed();
    const inside = () => editor.root.definitions![definition]!.nodes![sampler]!.inputs["seed"];
    editor.commitRoot(advanceSeeds(editor.root, editor.specs, () => 0.5), "Next seed");
    const moved = inside();
    expect(typeof moved).toBe("number");
    const seed = innerWidgets(editor.root, editor.specs, definition).find(({ input }) => input === "seed")!;
    editor.commitRoot(setPromoted(editor.root, editor.specs, definition, seed), "Promote");
    editor.commitRoot(advanceSeeds(editor.root, editor.specs, () => 0.25), "Next seed");

    expect(inside()).toEqual({ input: "seed", value: moved });
    expect(typeof editor.document.nodes[instance]!.inputs["seed"]).toBe("number");
  });

  it("is unpacked where it stood, and forgotten when nothing uses it", () => {
    const { editor } = packed();
    unpackSelected(editor);
    expect(instancesIn(editor)).toEqual([]);
    removeUnused(editor);

    expect(editor.root.definitions).toBeUndefined();
  });
});
