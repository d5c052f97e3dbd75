import { labelOf } from "../../core/catalogue";
import { tip } from "./NumberWidget";
import type { ControlProps } from "./Widget";
import css from "./widgets.module.css";

export function ToggleWidget({ input, value, problem, onChange }: ControlProps<boolean>) {
  const word = tip(input.options[value ? "label_on" : "label_off"]);
  return (
    <button
      type="button"
      role="switch"
      aria-checked={value}
      aria-label={labelOf(input)}
      className={css.well}
      data-widget
      data-invalid={problem !== null || undefined}
      title={problem ?? tip(input.options["tooltip"])}
      onClick={() => onChange(!value)}
    >
      <span className={css.name}>{labelOf(input)}</span>
      {word && <span className={css.value}>{word}</span>}
      <span className={css.switch} data-on={value || undefined} aria-hidden="true" />
    </button>
  );
}
