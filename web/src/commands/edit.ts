import { copyNodes, pasteNodes, readClip } from "../core/clipboard";
import { disconnect } from "../core/links";
import { isLink } from "../core/document";
import { changePlacement, removeNodes, resetInputs, toggleMode } from "../core/edits";
import { shapesOf } from "../core/plainSockets";
import { squash } from "../core/diff";
import { containsDefinition } from "../core/subgraph";
import type { Editor } from "../store/editor";
import { activeTab } from "../store/store";
import type { Command, Context } from "./command";

const some = ({ editor }: Context) => editor.selection.size > 0;

export function deleteSelection(editor: Editor): void {
  const diff = removeNodes(editor.document, editor.specs, editor.selection);
  const count = editor.selection.size;
  editor.select([]);
  editor.commit(diff, count === 1 ? "Delete node" : "Delete nodes");
}

/** Pastes at the middle of the view, or next to where the nodes came from. */
export function pasteText(editor: Editor, text: string): boolean {
  const clip = readClip(text);
  if (!clip) return false;
  const inside = editor.path.at(-1)?.definition;
  const all = { ...editor.root.definitions, ...clip.definitions };
  if (inside !== undefined && Object.values(clip.nodes).some(({ type }) => containsDefinition(all, type, inside))) {
    editor.notify("error", "Not pasted", "The subgraph would contain itself.");
    return true;
  }
  const at = editor.centre();
  const { diff, ids } = pasteNodes(editor.document, clip, [at.x - 120, at.y - 80]);
  editor.commit(diff, "Paste");
  editor.select(ids);
  return true;
}

function duplicate({ editor }: Context): void {
  const clip = readClip(copyNodes(editor.document, editor.selection));
  const box = editor.scene.bounds(editor.selection);
  if (!clip || !box) return;
  const { diff, ids } = pasteNodes(editor.document, clip, [box.x + 40, box.y + 40]);
  editor.commit(diff, "Duplicate");
  editor.select(ids);
}

function unlink({ editor }: Context): void {
  const ends = [...editor.selection].flatMap((node) =>
    Object.entries(editor.document.nodes[node]?.inputs ?? {}).flatMap(([input, value]) => (isLink(value) ? [{ node, input }] : [])),
  );
  editor.commit(disconnect(editor.document, editor.specs, ends), "Delete links");
}

function collapse({ editor }: Context): void {
  const ids = [...editor.selection];
  const fold = ids.some((id) => editor.document.layout.nodes[id]?.collapsed !== true);
  const diffs = ids.map((id) => changePlacement(editor.document, id, { collapsed: fold }));
  editor.commit(diffs.reduce(squash, {}), fold ? "Collapse" : "Expand");
}

export const EDIT_COMMANDS: readonly Command[] = [
  { id: "edit.undo", label: "Undo", group: "Edit", keys: ["mod+z"], enabled: ({ editor }) => activeTab(editor.state).history.past.length > 0, run: ({ editor }) => editor.undo() },
  { id: "edit.redo", label: "Redo", group: "Edit", keys: ["mod+shift+z", "mod+y"], enabled: ({ editor }) => activeTab(editor.state).history.future.length > 0, run: ({ editor }) => editor.redo() },
  { id: "edit.add", label: "Add node…", group: "Edit", keys: ["/"], run: ({ editor }) => openPalette(editor) },
  { id: "edit.delete", label: "Delete", group: "Edit", keys: ["delete", "backspace"], enabled: some, run: ({ editor }) => deleteSelection(editor) },
  { id: "edit.duplicate", label: "Duplicate", group: "Edit", keys: ["mod+d"], enabled: some, run: duplicate },
  { id: "edit.select-all", label: "Select all", group: "Edit", keys: ["mod+a"], run: ({ editor }) => editor.select(Object.keys(editor.document.nodes)) },
  { id: "edit.rename", label: "Rename node", group: "Edit", keys: ["f2"], enabled: ({ editor }) => editor.selection.size === 1, run: ({ editor }) => editor.patchView({ renaming: [...editor.selection][0] ?? null }) },
  { id: "edit.mute", label: "Mute", group: "Edit", keys: ["mod+m"], enabled: some, run: ({ editor }) => editor.commit(toggleMode(editor.document, editor.selection, "muted"), "Mute") },
  { id: "edit.bypass", label: "Bypass", group: "Edit", keys: ["mod+b"], enabled: some, run: ({ editor }) => editor.commit(toggleMode(editor.document, editor.selection, "bypassed"), "Bypass") },
  { id: "edit.collapse", label: "Collapse or expand", group: "Edit", keys: ["alt+c"], enabled: some, run: collapse },
  { id: "edit.sockets", label: "Turn values into sockets, or back…", group: "Edit", keys: ["alt+s"], enabled: ({ editor }) => editor.selection.size === 1 && shapesOf(editor.document, editor.specs, [...editor.selection][0] ?? "").length > 0, run: ({ editor }) => editor.patchView({ choosingSockets: [...editor.selection][0] ?? null }) },
  { id: "edit.reset", label: "Reset values to defaults", group: "Edit", keys: ["alt+backspace"], enabled: some, run: ({ editor }) => editor.commit(resetInputs(editor.document, editor.specs, editor.selection), "Reset values") },
  { id: "edit.unlink", label: "Remove incoming links", group: "Edit", enabled: some, run: unlink },
];

export function openPalette(editor: Editor): void {
  const screen = { x: editor.size.width / 2, y: Math.min(160, editor.size.height / 4) };
  editor.patchView({ palette: { screen, graph: editor.centre(), drag: null } });
}
