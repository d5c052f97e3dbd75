/** All commands, and finding one by its key. */
import type { Editor } from "../store/editor";
import { ARRANGE_COMMANDS } from "./arrange";
import { keysOf } from "./bindings";
import { type Command, type Context, keyOf } from "./command";
import { EDIT_COMMANDS } from "./edit";
import { EXPORT_COMMANDS } from "./export";
import { RUN_COMMANDS } from "./run";
import { SUBGRAPH_COMMANDS } from "./subgraph";
import { VIEW_COMMANDS } from "./view";
import { WORKFLOW_COMMANDS } from "./workflow";

export const COMMANDS: readonly Command[] = [...RUN_COMMANDS, ...WORKFLOW_COMMANDS, ...EXPORT_COMMANDS, ...EDIT_COMMANDS, ...ARRANGE_COMMANDS, ...SUBGRAPH_COMMANDS, ...VIEW_COMMANDS];

/** The editor's commands and one for each panel that a pack brings. */
export function allCommands(editor: Editor): readonly Command[] {
  const panels = editor.state.extensions.panels.map(({ name, panel }): Command => ({
    id: name,
    label: panel.title,
    group: "View",
    run: () => editor.patchView({ panel: editor.state.view.panel === name ? null : name }),
  }));
  return [...COMMANDS, ...panels];
}

export function commandById(id: string): Command {
  const found = COMMANDS.find((command) => command.id === id);
  if (!found) throw new Error(`no command ${id}`);
  return found;
}

export function isEnabled(command: Command, context: Context): boolean {
  return command.enabled?.(context) ?? true;
}

export function runCommand(id: string, context: Context): void {
  const command = commandById(id);
  if (isEnabled(command, context)) void command.run(context);
}

/** The command of this key that can run now; the first one where several have the key. */
export function commandForKey(event: KeyboardEvent, context: Context): Command | undefined {
  const key = keyOf(event);
  const { settings } = context.editor.state;
  const bound = allCommands(context.editor).filter((command) => keysOf(command, settings).includes(key));
  return bound.find((command) => isEnabled(command, context)) ?? bound[0];
}
