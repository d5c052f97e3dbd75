import { labelOf } from "../../core/catalogue";
import { tip } from "./NumberWidget";
import type { ControlProps } from "./Widget";
import css from "./widgets.module.css";

export function TextWidget({ input, value, problem, onChange }: ControlProps<string>) {
  return (
    <label className={css.well} data-widget data-invalid={problem !== null || undefined} title={problem ?? tip(input.options["tooltip"])}>
      <span className={css.name}>{labelOf(input)}</span>
      <input
        className={css.text}
        value={value}
        placeholder={tip(input.options["placeholder"])}
        aria-label={labelOf(input)}
        aria-invalid={problem !== null}
        spellCheck={false}
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  );
}
