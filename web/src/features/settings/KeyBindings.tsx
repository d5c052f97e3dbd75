import { useState } from "react";
import { conflicts, keysOf } from "../../commands/bindings";
import { keyLabel } from "../../commands/command";
import { allCommands } from "../../commands/registry";
import { fuzzyMatch } from "../../core/fuzzy";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import { KeyRow } from "./KeyRow";
import css from "./settings.module.css";

/** Every command with its keys; keys that several commands have are named. */
export function KeyBindings() {
  const { editor } = useWorkbench();
  const settings = useEditorState((state) => state.settings);
  useEditorState((state) => state.extensions.panels);
  const [query, setQuery] = useState("");
  const commands = allCommands(editor);
  const clashes = conflicts(commands, settings);
  const shown = commands.filter((command) => fuzzyMatch(query, `${t(command.label)} ${keysOf(command, settings).map(keyLabel).join(" ")}`));
  return (
    <>
      {clashes.size > 0 && (
        <div className={css.clashes} role="alert">
          {[...clashes].map(([key, users]) => (
            <p key={key}>
              <kbd>{keyLabel(key)}</kbd> {t("is the key of several commands: {names}. The first that can run is run.", { names: users.map((command) => t(command.label)).join(", ") })}
            </p>
          ))}
        </div>
      )}
      <div className={css.find}>
        <input type="search" aria-label={t("Search commands")} placeholder={t("Search commands")} value={query} onChange={(event) => setQuery(event.target.value)} />
        <button type="button" disabled={Object.keys(settings.keys).length === 0} onClick={() => editor.changeSettings({ keys: {} })}>
          {t("All keys as shipped")}
        </button>
      </div>
      <ul className={css.keys}>
        {shown.map((command) => (
          <KeyRow key={command.id} command={command} clashing={keysOf(command, settings).filter((key) => clashes.has(key))} />
        ))}
      </ul>
    </>
  );
}
