import { IconArrowsShuffle, IconLock, IconMinus, IconPlus } from "@tabler/icons-react";
import type { InputSpec } from "../../core/catalogue";
import type { SeedControl } from "../../core/document";
import { useWorkbench } from "../../ui/context";
import { t } from "../../ui/i18n";
import type { NumberValue } from "./number";
import css from "./widgets.module.css";

interface Props {
  readonly input: InputSpec;
  readonly control: SeedControl;
  readonly onControl: (next: SeedControl) => void;
  readonly onChange: (value: NumberValue) => void;
}

const ORDER: readonly SeedControl[] = ["randomize", "fixed", "increment", "decrement"];

function meaningOf(control: SeedControl): string {
  switch (control) {
    case "randomize":
      return t("a new random value after each run");
    case "fixed":
      return t("stays the same");
    case "increment":
    case "increment-wrap":
      return t("one more after each run");
    case "decrement":
      return t("one less after each run");
  }
}

function Icon({ control }: { control: SeedControl }) {
  switch (control) {
    case "randomize":
      return <IconArrowsShuffle size={14} />;
    case "fixed":
      return <IconLock size={14} />;
    case "increment":
    case "increment-wrap":
      return <IconPlus size={14} />;
    case "decrement":
      return <IconMinus size={14} />;
  }
}

/** What happens to the seed after each run; a click goes to the next habit, Shift-click rolls a value now. */
export function SeedControlButton({ input, control, onControl, onChange }: Props) {
  const { editor } = useWorkbench();
  const label = t("{name} {meaning}", { name: input.name, meaning: meaningOf(control) });
  const next = ORDER[(ORDER.indexOf(control) + 1) % ORDER.length] ?? "fixed";
  return (
    <button
      type="button"
      className={css.seed}
      aria-label={label}
      title={`${label}. ${t("Click to change, Shift-click for a new value now.")}`}
      onPointerDown={(event) => event.stopPropagation()}
      onClick={(event) => {
        if (event.shiftKey) onChange(Math.floor(editor.outside.random() * 2 ** 50));
        else onControl(next);
      }}
    >
      <Icon control={control} />
    </button>
  );
}
