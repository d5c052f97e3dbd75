import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Block, blocks, type Inline, inline } from "../../src/core/markdown";

function textOf(parts: readonly Inline[]): string {
  return parts.map((part) => ("parts" in part ? textOf(part.parts) : part.text)).join("");
}
const kinds = (text: string) => blocks(text).map(({ kind }) => kind);

describe("notes", () => {
  it("have headings, paragraphs, lists and code", () => {
    expect(kinds("# Title\nsome text\nmore\n\n- one\n- two\n1. three\n```\n# code\n```\nend")).toEqual(["heading", "paragraph", "list", "code", "paragraph"]);
    expect(blocks("2. second")[0]).toMatchObject({ kind: "list", ordered: true });
  });

  it("have strong, emphasised and code words, and links to the web only", () => {
    expect(inline("a **b *c*** `d*e*` [f](https://g.h)").map(({ kind }) => kind)).toEqual(["text", "strong", "text", "code", "text", "link"]);
    expect(inline("[x](javascript:alert(1))").map(({ kind }) => kind)).toEqual(["text"]);
  });

  it("lose no word, whatever is typed", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z #*`\-.\n]{0,60}$/), (text) => {
        const shown = (block: Block): string => (block.kind === "code" ? block.text : block.kind === "list" ? block.items.map(textOf).join(" ") : textOf(block.parts));
        const letters = (all: string) => all.replace(/[^a-z]/g, "");
        const fenced = text.split("\n").some((line) => line.startsWith("```"));
        if (!fenced) expect(letters(blocks(text).map(shown).join(" "))).toBe(letters(text));
      }),
    );
  });
});
