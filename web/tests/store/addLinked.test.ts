import { expect, it } from "vitest";
import { addLinked } from "../../src/store/addLinked";
import { TestEditor } from "../testEditor";

it("nodes added at the same place do not cover each other", () => {
  const test = new TestEditor();
  const ids = [1, 2, 3].map(() => addLinked(test.editor, "EmptyLatentImage", { x: 4000, y: 4000 }, null));

  expect(ids.map((id) => [test.node(id).x, test.node(id).y])).toEqual([[4000, 3980], [4040, 4020], [4080, 4060]]);
});
