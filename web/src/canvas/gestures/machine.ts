/** Pointer and touch input as a state machine. Each state is one object; Escape always returns to idle. */
import { type Point, zoomAt } from "../../core/geometry";
import type { Editor } from "../../store/editor";
import { idle } from "./idle";

export interface PointerInput {
  readonly id: number;
  /** Position in the canvas, in screen pixels. */
  readonly at: Point;
  readonly button: number;
  readonly shift: boolean;
  readonly alt: boolean;
  /** Ctrl or Command. */
  readonly mod: boolean;
  readonly touch: boolean;
}
export interface Gesture {
  readonly name: string;
  move?(input: PointerInput): Gesture;
  up?(input: PointerInput): Gesture;
  down?(input: PointerInput): Gesture;
  /** Undo what is only shown so far. */
  cancel?(): void;
}

export class GestureMachine {
  private gesture: Gesture;
  private readonly touches = new Map<number, Point>();

  constructor(private readonly editor: Editor) {
    this.gesture = idle(editor);
  }

  get name(): string {
    return this.gesture.name;
  }

  down(input: PointerInput): void {
    if (input.touch) this.touches.set(input.id, input.at);
    if (this.touches.size === 2) {
      this.cancel();
      return;
    }
    this.gesture = this.gesture.down?.(input) ?? this.gesture;
  }

  move(input: PointerInput): void {
    const before = this.touches.get(input.id);
    if (before && this.touches.size === 2) {
      this.pinch(input, before);
      return;
    }
    if (before) this.touches.set(input.id, input.at);
    this.gesture = this.gesture.move?.(input) ?? this.gesture;
  }

  up(input: PointerInput): void {
    this.touches.delete(input.id);
    this.gesture = this.gesture.up?.(input) ?? this.gesture;
  }

  cancel(): void {
    this.gesture.cancel?.();
    this.gesture = idle(this.editor);
  }

  /** Forgets touches that ended outside. */
  lost(id: number): void {
    this.touches.delete(id);
    this.cancel();
  }

  private pinch(input: PointerInput, before: Point): void {
    const other = [...this.touches].find(([id]) => id !== input.id)?.[1];
    if (!other) return;
    const middle = (p: Point) => ({ x: (p.x + other.x) / 2, y: (p.y + other.y) / 2 });
    const spread = (p: Point) => Math.max(8, Math.hypot(p.x - other.x, p.y - other.y));
    const from = middle(before);
    const to = middle(input.at);
    const zoomed = zoomAt(this.editor.viewport, from, spread(input.at) / spread(before));
    this.editor.patchView({ viewport: { ...zoomed, x: zoomed.x + to.x - from.x, y: zoomed.y + to.y - from.y } });
    this.touches.set(input.id, input.at);
  }

  wheel(at: Point, dx: number, dy: number, zooms: boolean): void {
    const { viewport } = this.editor;
    if (zooms) this.editor.zoom(Math.exp(-Math.max(-60, Math.min(60, dy)) * 0.006), at);
    else this.editor.patchView({ viewport: { ...viewport, x: viewport.x - dx, y: viewport.y - dy } });
  }
}
