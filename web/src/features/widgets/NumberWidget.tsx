/** A number: drag sideways to change it, click to type, arrow keys to step. */
import { useRef, useState } from "react";
import { hasSeedControl, labelOf } from "../../core/catalogue";
import type { SeedControl } from "../../core/document";
import { t } from "../../ui/i18n";
import { numberRule, numberText, type NumberValue, stepped, tidyNumber, typedNumber } from "./number";
import { SeedControlButton } from "./SeedControlButton";
import type { ControlProps } from "./Widget";
import css from "./widgets.module.css";

interface Props extends ControlProps<NumberValue> {
  readonly control: SeedControl | undefined;
  readonly onControl: (next: SeedControl) => void;
}

export function NumberWidget({ control, onControl, input, value, problem, onChange }: Props) {
  const rule = numberRule(input);
  const field = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState<string | null>(null);
  const meaning = typed === null ? value : typedNumber(typed);
  const wrong = typed !== null && (meaning === null || meaning < rule.min || meaning > rule.max);

  const finish = () => {
    if (typed !== null && meaning !== null) onChange(tidyNumber(meaning, rule));
    setTyped(null);
  };
  const step = (direction: number, event: { shiftKey: boolean; altKey: boolean }) => {
    setTyped(null);
    onChange(stepped(meaning ?? value, direction * (event.shiftKey ? 10 : 1), rule));
  };
  const scrub = (down: React.PointerEvent<HTMLDivElement>) => {
    if (down.button !== 0 || document.activeElement === field.current) return;
    const well = down.currentTarget;
    let moved = false;
    well.setPointerCapture(down.pointerId);
    well.onpointermove = (move) => {
      const pixels = move.clientX - down.clientX;
      moved ||= Math.abs(pixels) > 3;
      if (moved) onChange(stepped(value, Math.round(pixels / 5) * (move.shiftKey ? 10 : 1), rule));
    };
    well.onpointerup = well.onpointercancel = () => {
      well.onpointermove = null;
      well.onpointerup = null;
      if (!moved) field.current?.focus();
    };
  };

  return (
    <div
      className={css.well}
      data-widget
      data-scrub
      data-invalid={wrong || problem !== null || undefined}
      title={problem ?? tip(input.options["tooltip"])}
      onPointerDown={scrub}
    >
      <span className={css.name}>{labelOf(input)}</span>
      <input
        ref={field}
        className={css.number}
        inputMode={rule.whole ? "numeric" : "decimal"}
        aria-label={labelOf(input)}
        aria-invalid={wrong || problem !== null}
        value={typed ?? numberText(value, rule)}
        onFocus={(event) => event.target.select()}
        onChange={(event) => setTyped(event.target.value)}
        onBlur={finish}
        onKeyDown={(event) => {
          if (event.key === "ArrowUp" || event.key === "ArrowDown") {
            event.preventDefault();
            step(event.key === "ArrowUp" ? 1 : -1, event);
          } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) event.currentTarget.blur();
          else if (event.key === "Enter") finish();
          else if (event.key === "Escape") setTyped(null);
        }}
      />
      {wrong && <span className={css.range}>{t("{min} to {max}", { min: String(rule.min), max: String(rule.max) })}</span>}
      {hasSeedControl(input) && <SeedControlButton input={input} control={control ?? "fixed"} onControl={onControl} onChange={onChange} />}
    </div>
  );
}

export function tip(tooltip: unknown): string | undefined {
  return typeof tooltip === "string" ? tooltip : undefined;
}
