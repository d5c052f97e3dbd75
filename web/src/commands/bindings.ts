/** Which keys run which commands, as the person has set them. */
import type { Settings } from "../core/settings";
import type { Command } from "./command";

export function keysOf(command: Command, settings: Settings): readonly string[] {
  return settings.keys[command.id] ?? command.keys ?? [];
}

/** Keys that several commands have, each with those commands. */
export function conflicts(commands: readonly Command[], settings: Settings): ReadonlyMap<string, readonly Command[]> {
  const users = new Map<string, Command[]>();
  for (const command of commands) {
    for (const key of keysOf(command, settings)) {
      const list = users.get(key);
      if (list) list.push(command);
      else users.set(key, [command]);
    }
  }
  return new Map([...users].filter(([, list]) => list.length > 1));
}

/** The settings with other keys for one command; its own keys leave no trace. */
export function withKeys(settings: Settings, command: Command, keys: readonly string[]): Settings {
  const own = command.keys ?? [];
  const { [command.id]: _old, ...others } = settings.keys;
  const same = keys.length === own.length && keys.every((key, index) => key === own[index]);
  return { ...settings, keys: same ? others : { ...others, [command.id]: keys } };
}
