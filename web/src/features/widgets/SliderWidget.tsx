import { labelOf } from "../../core/catalogue";
import { numberRule, numberText, type NumberValue, tidyNumber } from "./number";
import { tip } from "./NumberWidget";
import type { ControlProps } from "./Widget";
import css from "./widgets.module.css";

/** A number between two ends, by a slider; its keys are the browser's. */
export function SliderWidget({ input, value, problem, onChange }: ControlProps<NumberValue>) {
  const rule = numberRule(input);
  return (
    <label className={css.well} data-widget data-invalid={problem !== null || undefined} title={problem ?? tip(input.options["tooltip"])}>
      <span className={css.name}>{labelOf(input)}</span>
      <input
        type="range"
        className={css.slider}
        aria-label={labelOf(input)}
        aria-invalid={problem !== null}
        min={Number(rule.min)}
        max={Number(rule.max)}
        step={rule.step}
        value={Number(value)}
        onChange={(event) => onChange(tidyNumber(event.target.valueAsNumber, rule))}
      />
      <output className={css.reading}>{numberText(value, rule)}</output>
    </label>
  );
}
