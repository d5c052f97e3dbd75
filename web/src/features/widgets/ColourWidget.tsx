import { useState } from "react";
import { labelOf } from "../../core/catalogue";
import { colourText, colourValue, typedColour } from "../../core/colour";
import { type Json, jsonText } from "../../core/document";
import { t } from "../../ui/i18n";
import { tip } from "./NumberWidget";
import type { ControlProps } from "./Widget";
import css from "./widgets.module.css";

/** A colour: picked from the browser's palette, or typed as `#rrggbb`. */
export function ColourWidget({ input, value, problem, onChange }: ControlProps<Json>) {
  const [typed, setTyped] = useState<string | null>(null);
  const known = colourText(value);
  const wrong = typed !== null && typedColour(typed, input.type) === null;
  const finish = () => {
    const meant = typed === null ? null : typedColour(typed, input.type);
    if (meant !== null) onChange(colourValue(meant, input.type));
    setTyped(null);
  };
  return (
    <div className={css.well} data-widget data-invalid={wrong || problem !== null || undefined} title={problem ?? tip(input.options["tooltip"])}>
      <span className={css.name}>{labelOf(input)}</span>
      <input
        className={css.number}
        aria-label={labelOf(input)}
        aria-invalid={wrong || problem !== null}
        spellCheck={false}
        value={typed ?? known ?? jsonText(value)}
        onFocus={(event) => event.target.select()}
        onChange={(event) => setTyped(event.target.value)}
        onBlur={finish}
        onKeyDown={(event) => {
          if (event.key === "Escape") setTyped(null);
          if (event.key === "Enter") finish();
        }}
      />
      <input type="color" className={css.swatch} value={known ?? "#000000"} aria-label={t("Palette")} onChange={(event) => onChange(colourValue(event.target.value, input.type))} />
    </div>
  );
}
