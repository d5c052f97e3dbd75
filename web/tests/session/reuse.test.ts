import { expect, it } from "vitest";
import { setAsInput } from "../../src/session/reuse";
import { TestEditor } from "../testEditor";

it("a picture goes to a new loader, and to the selected one when there is one", () => {
  const { editor } = new TestEditor();
  setAsInput(editor, "a.png");
  const [loader = ""] = editor.selection;
  expect(editor.document.nodes[loader]).toMatchObject({ type: "LoadImage", inputs: { image: "a.png" } });
  const added = editor.scene.nodes.get(loader)!;
  expect(editor.scene.within(added).map(({ id }) => id)).toEqual([loader]);

  const count = Object.keys(editor.document.nodes).length;
  setAsInput(editor, "b.png");

  expect(editor.document.nodes[loader]?.inputs["image"]).toBe("b.png");
  expect(Object.keys(editor.document.nodes)).toHaveLength(count);
  editor.undo();
  editor.undo();
  expect(editor.document.nodes[loader]).toBeUndefined();
});
