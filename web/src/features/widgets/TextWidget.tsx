import { labelOf } from "../../core/catalogue";
import { adjustWeight } from "../../core/promptWeight";
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

/** Long text. Ctrl with the up and down arrows changes the weight of the selected words. */
export function MultilineWidget({ input, value, problem, onChange }: ControlProps<string>) {
  const weigh = (event: React.KeyboardEvent<HTMLTextAreaElement>) => {
    if (!(event.ctrlKey || event.metaKey) || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    const area = event.currentTarget;
    const result = adjustWeight(value, area.selectionStart, area.selectionEnd, event.key === "ArrowUp" ? 0.05 : -0.05);
    onChange(result.text);
    requestAnimationFrame(() => area.setSelectionRange(result.start, result.end));
  };
  return (
    <textarea
      className={css.area}
      data-widget
      data-invalid={problem !== null || undefined}
      value={value}
      placeholder={tip(input.options["placeholder"]) ?? labelOf(input)}
      title={problem ?? tip(input.options["tooltip"])}
      aria-label={labelOf(input)}
      aria-invalid={problem !== null}
      spellCheck={false}
      onKeyDown={weigh}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
