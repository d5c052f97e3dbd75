import { describe, expect, it } from "vitest";
import { escapeXml, pictureBox, toSvg, wrapped } from "../../src/canvas/svg";
import type { Theme } from "../../src/canvas/theme";
import { serialize } from "../../src/core/document";
import { change } from "../../src/core/diff";
import { TestEditor } from "../testEditor";

const COLOUR = "#123456";
const THEME = new Proxy({} as Theme, { get: (_, key) => (key === "socketLightness" ? 0.6 : key === "font" ? '"Inter", sans-serif' : COLOUR) });

function picture(editor = new TestEditor().editor): string {
  return toSvg(editor.scene, THEME, editor.document.name, serialize(editor.root));
}

describe("the SVG picture", () => {
  it("has every node by its title and every link", () => {
    const { editor } = new TestEditor();
    const svg = picture(editor);

    for (const node of editor.scene.nodes.values()) expect(svg).toContain(`>${escapeXml(node.record.title ?? node.spec.display_name)}<`);
    const links = [...editor.scene.nodes.values()].flatMap((node) => node.links);
    expect(svg.match(/fill="none" stroke=/g)).toHaveLength(links.length);
  });

  it("carries the workflow, whatever the texts in it are", () => {
    const { editor } = new TestEditor();
    editor.commit(change(editor.document, { name: 'a ]]> <b> & "c"' }), "Rename");
    const metadata = /<!\[CDATA\[(.*?)\]\]>/s.exec(picture(editor))![1]!;

    expect((JSON.parse(metadata) as { workflow: { name: string } }).workflow.name).toBe('a ]]> <b> & "c"');
  });

  it("covers all nodes", () => {
    const { editor } = new TestEditor();
    const box = pictureBox(editor.scene);

    for (const node of editor.scene.nodes.values()) {
      expect(node.x).toBeGreaterThan(box.x);
      expect(node.x + node.w).toBeLessThan(box.x + box.w);
    }
  });
});

it("text is escaped, and letters that XML forbids are dropped", () => {
  expect(escapeXml('<a & "b">\u0000\u0007')).toBe("&lt;a &amp; &quot;b&quot;&gt;");
});

it("long texts are broken between words", () => {
  expect(wrapped("one two three\nfour", 7)).toEqual(["one two", "three", "four"]);
});
