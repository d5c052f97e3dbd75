/** Every command is one object; keys, menus, toolbar and the command palette all run it. */
import type { CanvasEngine } from "../canvas/engine";
import type { Session } from "../session/session";
import type { Editor } from "../store/editor";

export interface Context {
  readonly editor: Editor;
  readonly session: Session;
  readonly engine: CanvasEngine;
}
export interface Command {
  readonly id: string;
  readonly label: string;
  readonly group: "Run" | "Edit" | "Arrange" | "Subgraph" | "View" | "Workflow";
  /** For example `mod+shift+k`; mod is Ctrl, on a Mac Command. */
  readonly keys?: readonly string[];
  /** Its keys count in a text field too, as long as one of them is Ctrl, Command or Alt. */
  readonly whileTyping?: boolean;
  readonly enabled?: (context: Context) => boolean;
  readonly run: (context: Context) => void | Promise<void>;
}

const MAC = typeof navigator !== "undefined" && /Mac|iPad|iPhone/.test(navigator.userAgent);

export function keyOf(event: KeyboardEvent): string {
  const parts: string[] = [];
  if (event.ctrlKey || event.metaKey) parts.push("mod");
  if (event.altKey) parts.push("alt");
  const letter = event.key.length === 1 && /[a-z]/i.test(event.key);
  if (event.shiftKey && (letter || event.key.length > 1)) parts.push("shift");
  parts.push(event.key === " " ? "space" : event.key.toLowerCase());
  return parts.join("+");
}

export function keyLabel(keys: string): string {
  const names: Readonly<Record<string, string>> = { mod: MAC ? "⌘" : "Ctrl", shift: MAC ? "⇧" : "Shift", alt: MAC ? "⌥" : "Alt", enter: "↵" };
  const parts = keys.split("+").map((part) => names[part] ?? (part.length === 1 ? part.toUpperCase() : `${part.charAt(0).toUpperCase()}${part.slice(1)}`));
  return parts.join(MAC ? "" : "+");
}
