import { type RefObject, useEffect, useState } from "react";
import { GestureMachine, type PointerInput } from "../../canvas/gestures/machine";
import { useWorkbench } from "../../ui/context";

/** Turns the browser's pointer events into the gesture machine's input. */
export function useGestures(root: RefObject<HTMLDivElement | null>): void {
  const { editor } = useWorkbench();
  const [machine] = useState(() => new GestureMachine(editor));

  useEffect(() => {
    const element = root.current;
    if (!element) return undefined;
    const point = (event: PointerEvent | WheelEvent) => {
      const box = element.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const input = (event: PointerEvent): PointerInput => ({
      id: event.pointerId,
      at: point(event),
      button: event.button,
      shift: event.shiftKey,
      alt: event.altKey,
      mod: event.ctrlKey || event.metaKey,
      touch: event.pointerType === "touch",
    });
    const inWidget = (event: Event) => event.target instanceof Element && event.target.closest("[data-widget]") !== null;

    const down = (event: PointerEvent) => {
      if (inWidget(event) && event.button === 0) {
        const id = (event.target as Element).closest<HTMLElement>("[data-node]")?.dataset["node"];
        if (id !== undefined && !editor.selection.has(id)) editor.select([id]);
        return;
      }
      if (event.button === 2) return;
      const active = document.activeElement;
      if (active instanceof HTMLElement && !active.contains(event.target as Element)) active.blur();
      element.setPointerCapture(event.pointerId);
      machine.down(input(event));
    };
    const move = (event: PointerEvent) => machine.move(input(event));
    const up = (event: PointerEvent) => machine.up(input(event));
    const lost = (event: PointerEvent) => machine.lost(event.pointerId);
    const key = (event: KeyboardEvent) => {
      if (event.key === "Escape") machine.cancel();
    };
    const wheel = (event: WheelEvent) => {
      const scrolls = event.target instanceof Element ? event.target.closest("textarea:focus,[data-scrolls]") : null;
      if (scrolls && !event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      const trackpad = event.deltaMode === 0 && (event.deltaX !== 0 || !Number.isInteger(event.deltaY));
      const pans = editor.state.settings.wheel === "scroll" || trackpad;
      const zooms = event.ctrlKey || event.metaKey || (!pans && !event.shiftKey);
      const [dx, dy] = event.shiftKey && event.deltaX === 0 ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
      machine.wheel(point(event), dx * lines, dy * lines, zooms);
    };
    element.addEventListener("pointerdown", down);
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", up);
    element.addEventListener("pointercancel", lost);
    element.addEventListener("wheel", wheel, { passive: false });
    window.addEventListener("keydown", key);
    return () => {
      element.removeEventListener("pointerdown", down);
      element.removeEventListener("pointermove", move);
      element.removeEventListener("pointerup", up);
      element.removeEventListener("pointercancel", lost);
      element.removeEventListener("wheel", wheel);
      window.removeEventListener("keydown", key);
    };
  }, [editor, machine, root]);
}
