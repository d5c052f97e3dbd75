/** How the control of one input changes the document. */
import type { Json, SeedControl } from "../core/document";
import { setControl, setInput } from "../core/edits";
import { scopeOf, type Step } from "../core/scope";
import type { Editor } from "./editor";

export function inputEdit(editor: Editor, path: readonly Step[], node: string, input: string) {
  const scope = () => scopeOf(editor.root, path);
  return {
    value: (next: Json) => editor.commitIn(path, setInput(scope(), node, input, next), `Change ${input}`, `input ${node} ${input}`),
    control: (next: SeedControl) => editor.commitIn(path, setControl(scope(), node, input, next), `Change ${input} control`),
  };
}
