import { IconRestore } from "@tabler/icons-react";
import { type InputSpec, labelOf, startingValue } from "../../core/catalogue";
import { type Json, jsonText } from "../../core/document";
import { t } from "../../ui/i18n";
import css from "./widgets.module.css";

/** What a control goes back to; undefined when it has no such value, or has it now. */
export function resetValue(input: InputSpec, value: Json | undefined): Json | undefined {
  const start = startingValue(input);
  return start === undefined || jsonText(start) === jsonText(value ?? null) ? undefined : start;
}

/** Beside a control whose value is not its default. */
export function ResetButton({ input, to, onChange }: { input: InputSpec; to: Json; onChange: (value: Json) => void }) {
  const label = t("Reset {name} to {value}", { name: labelOf(input), value: jsonText(to) || "“”" });
  return (
    <button type="button" className={css.reset} data-widget tabIndex={-1} aria-label={label} title={`${label} (Alt+⌫)`} onClick={() => onChange(to)}>
      <IconRestore size={11} aria-hidden="true" />
    </button>
  );
}
