/** The whole graph in small. The nodes are painted once per change; a moving view only copies them. */
import { type Box, fit, type View, visibleBox } from "../core/geometry";
import type { Scene } from "./scene";
import type { Theme } from "./theme";

interface Size {
  readonly width: number;
  readonly height: number;
}
const EMPTY: Box = { x: 0, y: 0, w: 1, h: 1 };
const INSET = { top: 8, right: 8, bottom: 8, left: 8 };

export class Minimap {
  /** Where the graph lies in the minimap. */
  frame: View = { x: 0, y: 0, k: 1 };
  private readonly layer: HTMLCanvasElement;
  private painted = "";

  constructor(
    private readonly target: CanvasRenderingContext2D,
    private readonly size: Size,
    private readonly ratio: number,
  ) {
    this.layer = document.createElement("canvas");
    for (const canvas of [this.layer, target.canvas]) {
      canvas.width = size.width * ratio;
      canvas.height = size.height * ratio;
    }
  }

  draw(scene: Scene, view: View, seenSize: Size, theme: Theme, selection: ReadonlySet<string>): void {
    const state = `${scene.version} ${[...selection].join()} ${theme.group}`;
    if (state !== this.painted) this.paintNodes(scene, theme, selection);
    this.painted = state;
    const { target, frame, ratio } = this;
    target.setTransform(1, 0, 0, 1, 0, 0);
    target.clearRect(0, 0, target.canvas.width, target.canvas.height);
    target.drawImage(this.layer, 0, 0);
    const seen = visibleBox(view, seenSize.width, seenSize.height);
    target.strokeStyle = theme.accent;
    target.lineWidth = 1.5 * ratio;
    const scale = ratio * frame.k;
    target.strokeRect(ratio * frame.x + seen.x * scale, ratio * frame.y + seen.y * scale, seen.w * scale, seen.h * scale);
  }

  private paintNodes(scene: Scene, theme: Theme, selection: ReadonlySet<string>): void {
    const ctx = this.layer.getContext("2d");
    if (!ctx) return;
    this.frame = fit(scene.bounds() ?? EMPTY, this.size.width, this.size.height, INSET, 0.12);
    const { x, y, k } = this.frame;
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, this.layer.width, this.layer.height);
    ctx.setTransform(this.ratio * k, 0, 0, this.ratio * k, this.ratio * x, this.ratio * y);
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
  }
}
