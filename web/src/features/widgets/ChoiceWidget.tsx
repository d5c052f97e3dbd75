import { type InputSpec, isModelFolder, labelOf } from "../../core/catalogue";
import { IconSelector } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { type Json, jsonText } from "../../core/document";
import { t } from "../../ui/i18n";
import { ChoiceList } from "./ChoiceList";
import { tip } from "./NumberWidget";
import type { ControlProps } from "./Widget";
import css from "./widgets.module.css";

/** One of a list. Arrow keys change it in place; opening it gives a searchable list. */
export function ChoiceWidget({ input, value, problem, onChange }: ControlProps<Json>) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const choices = choicesOf(input.choices, input.options["options"]);
  const step = (direction: number) => {
    const next = choices[choices.indexOf(value) + direction];
    if (next !== undefined) onChange(next);
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        className={css.well}
        data-widget
        data-invalid={problem !== null || undefined}
        aria-haspopup="listbox"
        aria-expanded={open}
        title={problem ?? tip(input.options["tooltip"])}
        onClick={() => setOpen(true)}
        onKeyDown={(event) => {
          if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
          event.preventDefault();
          step(event.key === "ArrowUp" ? -1 : 1);
        }}
      >
        <span className={css.name}>{labelOf(input)}</span>
        <span className={css.value}>{value === "" ? t("choose…") : jsonText(value)}</span>
        <IconSelector size={13} className={css.chevron} aria-hidden="true" />
      </button>
      {open && (
        <ChoiceList
          anchor={button.current}
          label={labelOf(input)}
          choices={choices}
          value={value}
          folder={modelFolder(input)}
          onChoose={onChange}
          onClose={() => {
            setOpen(false);
            button.current?.focus();
          }}
        />
      )}
    </>
  );
}

/** The folder of models that it chooses from; null for other choices. */
function modelFolder({ choices_from: from }: InputSpec): string | null {
  return from && isModelFolder(from.folder) ? from.folder : null;
}

export function choicesOf(choices: readonly Json[] | null, options: Json | undefined): readonly Json[] {
  if (choices) return choices;
  return Array.isArray(options) ? (options as readonly Json[]) : [];
}
