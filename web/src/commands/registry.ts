/** All commands, and finding one by its key. */
import { ARRANGE_COMMANDS } from "./arrange";
import { type Command, type Context, keyOf } from "./command";
import { EDIT_COMMANDS } from "./edit";
import { EXPORT_COMMANDS } from "./export";
import { SUBGRAPH_COMMANDS } from "./subgraph";
import { VIEW_COMMANDS } from "./view";
import { WORKFLOW_COMMANDS } from "./workflow";

export const COMMANDS: readonly Command[] = [...WORKFLOW_COMMANDS, ...EXPORT_COMMANDS, ...EDIT_COMMANDS, ...ARRANGE_COMMANDS, ...SUBGRAPH_COMMANDS, ...VIEW_COMMANDS];

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

export function commandForKey(event: KeyboardEvent): Command | undefined {
  const key = keyOf(event);
  return COMMANDS.find((command) => command.keys?.includes(key));
}
