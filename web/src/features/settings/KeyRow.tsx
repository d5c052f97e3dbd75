import { IconPlus, IconRotate, IconX } from "@tabler/icons-react";
import { useState } from "react";
import { keysOf, withKeys } from "../../commands/bindings";
import { type Command, keyLabel, keyOf } from "../../commands/command";
import { useEditorState, useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import css from "./settings.module.css";

const MODIFIERS = new Set(["Control", "Shift", "Alt", "Meta", "AltGraph"]);

/** One command: its keys, taking one away, and pressing a new one. */
export function KeyRow({ command, clashing }: { command: Command; clashing: readonly string[] }) {
  const { editor } = useWorkbench();
  const settings = useEditorState((state) => state.settings);
  const [listening, setListening] = useState(false);
  const keys = keysOf(command, settings);
  const label = t(command.label);
  const set = (next: readonly string[]) => editor.changeSettings(withKeys(editor.state.settings, command, next));
  const press = (event: React.KeyboardEvent) => {
    if (!listening || MODIFIERS.has(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    setListening(false);
    const key = keyOf(event.nativeEvent);
    if (event.key !== "Escape" && !keys.includes(key)) set([...keys, key]);
  };
  return (
    <li className={css.key}>
      <span>{label}</span>
      <small>{t(command.group)}</small>
      <span className={css.bound}>
        {keys.map((key) => (
          <kbd key={key} data-clash={clashing.includes(key) || undefined}>
            {keyLabel(key)}
            <button type="button" aria-label={t("Take {key} from {name}", { key: keyLabel(key), name: label })} onClick={() => set(keys.filter((other) => other !== key))}>
              <IconX size={11} />
            </button>
          </kbd>
        ))}
        <button type="button" className={css.add} aria-pressed={listening} aria-label={t("Add a key to {name}", { name: label })} onClick={() => setListening(!listening)} onBlur={() => setListening(false)} onKeyDown={press}>
          {listening ? t("Press keys…") : <IconPlus size={13} />}
        </button>
        {settings.keys[command.id] && (
          <button type="button" className={css.add} aria-label={t("Keys of {name} as shipped", { name: label })} onClick={() => set(command.keys ?? [])}>
            <IconRotate size={13} />
          </button>
        )}
      </span>
    </li>
  );
}
