import { useRef, useState } from "react";
import { labelOf } from "../../core/catalogue";
import { addedPoint, curveAt, type CurvePoint, curvePoints, IDENTITY, movedPoint, withoutPoint, withPoints } from "../../core/curve";
import type { Json } from "../../core/document";
import { t } from "../../ui/i18n";
import css from "./CurveWidget.module.css";
import type { ControlProps } from "./Widget";

const STEP = 0.02;
const PLACES = Array.from({ length: 65 }, (_, index) => index / 64);
const ARROWS: Readonly<Record<string, CurvePoint>> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** A curve through points: press to add one, drag or use the arrow keys to move it, Delete or a double click to remove it. */
export function CurveWidget({ input, value, problem, onChange }: ControlProps<Json>) {
  const plot = useRef<HTMLDivElement>(null);
  const [held, setHeld] = useState<number | null>(null);
  const points = curvePoints(value) ?? IDENTITY;
  const change = (next: readonly CurvePoint[]) => onChange(withPoints(value, next));
  const at = (event: React.PointerEvent): CurvePoint => {
    const box = plot.current?.getBoundingClientRect() ?? new DOMRect(0, 0, 1, 1);
    return [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
  };
  const press = (event: React.PointerEvent<HTMLDivElement>) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const index = (event.target as HTMLElement).dataset["point"];
    if (index !== undefined) return setHeld(Number(index));
    const added = addedPoint(points, at(event));
    if (added) change(added.points);
    return setHeld(added?.index ?? null);
  };
  const onKey = (index: number) => (event: React.KeyboardEvent) => {
    const [x, y] = points[index] ?? [0, 0];
    const by = ARROWS[event.key];
    const step = event.shiftKey ? 5 * STEP : STEP;
    if (by) change(movedPoint(points, index, [x + by[0] * step, y + by[1] * step]));
    else if (event.key === "Delete" || (event.key === "Backspace" && !event.altKey)) change(withoutPoint(points, index));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className={css.curve} data-widget data-invalid={problem !== null || undefined} role="group" aria-label={labelOf(input)} title={problem ?? undefined}>
      <div ref={plot} className={css.plot} onPointerDown={press} onPointerMove={(event) => held !== null && change(movedPoint(points, held, at(event)))} onPointerUp={() => setHeld(null)} onPointerCancel={() => setHeld(null)}>
        <svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
          <path className={css.grid} d="M.25 0V1M.5 0V1M.75 0V1M0 .25H1M0 .5H1M0 .75H1" />
          <polyline className={css.line} points={curveAt(points, PLACES).map((y, index) => `${PLACES[index] ?? 0},${1 - y}`).join(" ")} />
        </svg>
        {points.map(([x, y], index) => (
          <button
            key={index}
            type="button"
            className={css.point}
            data-point={index}
            style={{ left: `${100 * x}%`, top: `${100 * (1 - y)}%` }}
            aria-label={t("Point {number} of {count}: {x} becomes {y}", { number: index + 1, count: points.length, x: x.toFixed(2), y: y.toFixed(2) })}
            onKeyDown={onKey(index)}
            onDoubleClick={() => change(withoutPoint(points, index))}
          />
        ))}
      </div>
      <span className={css.label}>{labelOf(input)}</span>
    </div>
  );
}
