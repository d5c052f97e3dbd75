/** What the page offers for measuring from outside, when opened with `?bench`. */
import { api } from "./api/client";
import type { CanvasEngine } from "./canvas/engine";
import type { View } from "./core/geometry";
import { stringifyJson } from "./core/json";
import { isOwnFormat, parseDocument } from "./core/parse";
import type { Editor } from "./store/editor";

interface Bench {
  load(workflow: unknown): Promise<void>;
  setView(view: View): void;
  view(): View;
  nodePos(id: string | number): readonly [number, number] | null;
  count(): number;
}
declare global {
  interface Window {
    __editor?: Bench;
  }
}

/** `started` ends when the page shows what it opens with; before that, its view and its nodes' sizes still change. */
export function offerBench(editor: Editor, engine: CanvasEngine, started: Promise<void>): void {
  window.__editor = {
    async load(workflow) {
      await started;
      const document = isOwnFormat(workflow) ? workflow : (await api.convert(stringifyJson(workflow))).document;
      editor.openInNewTab(parseDocument(document));
      await engine.rest();
    },
    setView: (viewport) => editor.patchView({ viewport }),
    view: () => editor.viewport,
    nodePos: (id) => {
      const node = editor.scene.nodes.get(String(id));
      return node ? [node.x, node.y] : null;
    },
    count: () => editor.scene.nodes.size,
  };
}
