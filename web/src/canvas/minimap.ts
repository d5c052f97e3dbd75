/** The whole graph in small. */
import { type Box, fit, union, type View, visibleBox } from "../core/geometry";
import type { Scene } from "./scene";
import type { Theme } from "./theme";

export interface MinimapFrame extends View {
  readonly seen: Box;
}

export function minimapFrame(
  scene: Scene,
  view: View,
  size: { readonly width: number; readonly height: number },
  width: number,
  height: number,
): MinimapFrame {
  const seen = visibleBox(view, size.width, size.height);
  const bounds = scene.bounds();
  const all = union(bounds ? [bounds, seen] : [seen]) ?? seen;
  const inset = 8;
  return { ...fit(all, width, height, { top: inset, right: inset, bottom: inset, left: inset }, 0.2), seen };
}

export function paintMinimap(
  ctx: CanvasRenderingContext2D,
  scene: Scene,
  frame: MinimapFrame,
  theme: Theme,
  ratio: number,
  selection: ReadonlySet<string>,
): void {
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.clearRect(0, 0, ctx.canvas.width, ctx.canvas.height);
  ctx.setTransform(ratio * frame.k, 0, 0, ratio * frame.k, ratio * frame.x, ratio * frame.y);
  ctx.fillStyle = theme.group;
  ctx.globalAlpha = 0.18;
  for (const { box } of scene.groups) ctx.fillRect(box[0], box[1], box[2], box[3]);
  ctx.globalAlpha = 0.65;
  for (const node of scene.nodes.values()) if (!selection.has(node.id)) ctx.fillRect(node.x, node.y, node.w, node.h);
  ctx.globalAlpha = 1;
  ctx.fillStyle = theme.accent;
  for (const id of selection) {
    const node = scene.nodes.get(id);
    if (node) ctx.fillRect(node.x, node.y, node.w, node.h);
  }
  ctx.strokeStyle = theme.accent;
  ctx.lineWidth = 1.5 / frame.k;
  ctx.strokeRect(frame.seen.x, frame.seen.y, frame.seen.w, frame.seen.h);
}
