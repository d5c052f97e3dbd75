import { keysOf } from "../commands/bindings";
import { keyLabel } from "../commands/command";
import { commandById } from "../commands/registry";
import { useEditorState } from "./context";

/** The first key of a command as people read it; null when it has none. */
export function useKeyOf(id: string): string | null {
  const key = useEditorState((state) => keysOf(commandById(id), state.settings)[0]);
  return key === undefined ? null : keyLabel(key);
}
