import { describe, expect, it } from "vitest";
import { copyNodes, pasteNodes, readClip } from "../../src/core/clipboard";
import { apply } from "../../src/core/diff";
import { EMPTY_DOCUMENT } from "../../src/core/document";
import { DEFAULT_WORKFLOW } from "../testEditor";

function copied(ids: string[]) {
  const clip = readClip(copyNodes(DEFAULT_WORKFLOW, new Set(ids)));
  if (!clip) throw new Error("the copy cannot be read");
  return clip;
}

describe("pasting", () => {
  it("gives fresh ids and keeps the links among the copies", () => {
    const { diff, ids } = pasteNodes(DEFAULT_WORKFLOW, copied(["1", "2"]), [0, 0]);
    const after = apply(DEFAULT_WORKFLOW, diff);

    expect([...ids]).toEqual(["8", "9"]);
    expect(after.nodes["9"]?.inputs["clip"]).toEqual({ link: ["8", "CLIP"] });
  });

  it("keeps links to nodes that stayed behind", () => {
    const after = apply(DEFAULT_WORKFLOW, pasteNodes(DEFAULT_WORKFLOW, copied(["2"]), [0, 0]).diff);

    expect(after.nodes["8"]?.inputs["clip"]).toEqual({ link: ["1", "CLIP"] });
  });

  it("into another document drops links to nodes that are not there", () => {
    const after = apply(EMPTY_DOCUMENT, pasteNodes(EMPTY_DOCUMENT, copied(["2"]), [10, 20]).diff);

    expect(after.nodes["1"]?.inputs).toEqual({ text: "a red circle on a blue background" });
    expect(after.layout.nodes["1"]?.pos).toEqual([10, 20]);
  });

  it("ignores text that is something else", () => {
    expect(readClip("hello")).toBeNull();
    expect(readClip('{"format":"heddle-nodes", broken')).toBeNull();
  });
});
