import { type RefObject, useEffect, useRef } from "react";
import { ComparisonCanvas } from "../../canvas/comparison";
import type { Comparison } from "../../core/compare";
import { SpecBook } from "../../core/specs";
import { useWorkbench } from "../../ui/context";

/** Draws the comparison, and lets the pointer move and zoom it. */
export function useComparisonCanvas(canvas: RefObject<HTMLCanvasElement | null>, comparison: Comparison): RefObject<ComparisonCanvas | null> {
  const { editor, engine } = useWorkbench();
  const painted = useRef<ComparisonCanvas | null>(null);
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d", { alpha: false });
    if (!element || !context || !engine.theme) return undefined;
    const specs = new SpecBook().specs(editor.state.catalogue.specs, comparison.both.definitions);
    const picture = new ComparisonCanvas(context, comparison, specs, engine.theme);
    painted.current = picture;
    const resize = () => picture.resize(element.clientWidth, element.clientHeight, window.devicePixelRatio || 1);
    const observer = new ResizeObserver(resize);
    observer.observe(element);
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      picture.zoom({ x: event.offsetX, y: event.offsetY }, Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) * 0.006));
    };
    const move = (event: PointerEvent) => {
      if (event.buttons !== 0) picture.pan(event.movementX, event.movementY);
    };
    const down = (event: PointerEvent) => element.setPointerCapture(event.pointerId);
    element.addEventListener("wheel", wheel, { passive: false });
    element.addEventListener("pointerdown", down);
    element.addEventListener("pointermove", move);
    return () => {
      observer.disconnect();
      element.removeEventListener("wheel", wheel);
      element.removeEventListener("pointerdown", down);
      element.removeEventListener("pointermove", move);
    };
  }, [canvas, comparison, editor, engine]);
  return painted;
}
