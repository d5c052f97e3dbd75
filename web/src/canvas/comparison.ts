/** Two documents in one picture: what came, what went, what changed. Drawn only when it is asked to. */
import type { Catalogue } from "../core/catalogue";
import type { Comparison, Mark } from "../core/compare";
import { type Box, fit, type Insets, type Point, type View, zoomAt } from "../core/geometry";
import { bend } from "./curve";
import { METRICS } from "./metrics";
import { paint } from "./painter";
import { Scene, type SceneNode } from "./scene";
import type { Theme } from "./theme";

const INSETS: Insets = { top: 40, right: 40, bottom: 40, left: 40 };
const PLAIN = { selected: false, state: "none", progress: 0, image: null } as const;

export function markColour(mark: Mark, theme: Theme): string {
  switch (mark) {
    case "added":
      return theme.done;
    case "removed":
      return theme.danger;
    case "changed":
      return theme.warn;
    case "moved":
      return theme.muted;
  }
}

export class ComparisonCanvas {
  private readonly scene = new Scene();
  private view: View = { x: 0, y: 0, k: 1 };
  private size = { width: 1, height: 1 };

  constructor(
    private readonly context: CanvasRenderingContext2D,
    private readonly comparison: Comparison,
    catalogue: Catalogue,
    private readonly theme: Theme,
  ) {
    this.scene.update(comparison.both, catalogue, new Set());
  }

  resize(width: number, height: number, ratio: number): void {
    this.size = { width, height };
    this.context.canvas.width = Math.round(width * ratio);
    this.context.canvas.height = Math.round(height * ratio);
    this.show(null);
  }

  /** Brings one node, or everything, into the picture. */
  show(id: string | null): void {
    const bounds: Box | null = this.scene.bounds(id === null ? undefined : new Set([id]));
    if (bounds) this.view = fit(bounds, this.size.width, this.size.height, INSETS, 1);
    this.draw();
  }

  pan(dx: number, dy: number): void {
    this.view = { ...this.view, x: this.view.x + dx, y: this.view.y + dy };
    this.draw();
  }

  zoom(at: Point, factor: number): void {
    this.view = zoomAt(this.view, at, factor);
    this.draw();
  }

  private draw(): void {
    const { context: ctx, scene, view, theme, size, comparison } = this;
    const ratio = ctx.canvas.width / size.width;
    paint(ctx, { scene, view, ...size, ratio, theme, isLive: () => false, stateOf: () => PLAIN, selection: new Set(), dimmed: false });
    for (const { from, to } of comparison.lostLinks) this.lostLink(from, to);
    for (const [id, mark] of comparison.marks) {
      const node = scene.nodes.get(id);
      if (node) this.mark(node, mark);
    }
  }

  private mark(node: SceneNode, mark: Mark): void {
    const { context: ctx, theme, view } = this;
    const colour = markColour(mark, theme);
    ctx.beginPath();
    ctx.roundRect(node.x - 3, node.y - 3, node.w + 6, node.h + 6, METRICS.radius + 3);
    ctx.fillStyle = mark === "removed" ? theme.canvas : colour;
    ctx.globalAlpha = mark === "removed" ? 0.55 : 0.12;
    ctx.fill();
    ctx.globalAlpha = 1;
    ctx.strokeStyle = colour;
    ctx.lineWidth = Math.max(2, 2 / view.k);
    ctx.setLineDash(mark === "removed" ? [8, 6] : mark === "moved" ? [2, 4] : []);
    ctx.stroke();
    ctx.setLineDash([]);
  }

  private lostLink([source, output]: readonly [string, string], [target, input]: readonly [string, string]): void {
    const { context: ctx, scene, theme, view } = this;
    const from = scene.nodes.get(source);
    const to = scene.nodes.get(target);
    if (!from || !to) return;
    const a = scene.outputPoint(from, output);
    const b = scene.inputPoint(to, input);
    const reach = bend(a, b);
    ctx.beginPath();
    ctx.moveTo(a.x, a.y);
    ctx.bezierCurveTo(a.x + reach, a.y, b.x - reach, b.y, b.x, b.y);
    ctx.strokeStyle = theme.danger;
    ctx.lineWidth = Math.max(2, 1.5 / view.k);
    ctx.setLineDash([8, 6]);
    ctx.stroke();
    ctx.setLineDash([]);
  }
}
