/** Scene, theme and zoom to draw calls: ground, groups, links, and the faces of nodes that are not live. */
import { type Box, overlaps, type Point, type View, visibleBox } from "../core/geometry";
import { type FaceState, paintFaces } from "./faces";
import { bend } from "./curve";
import type { Scene, SceneLink, SceneNode } from "./scene";
import { socketColor } from "./socketColor";
import { wrapped } from "./svg";
import type { Theme } from "./theme";

/** Below this zoom a link is a straight line one pixel wide. */
const STRAIGHT_BELOW = 0.12;
const NOTE_TEXT_FROM = 0.3;

export interface Picture {
  readonly scene: Scene;
  readonly view: View;
  readonly width: number;
  readonly height: number;
  readonly ratio: number;
  readonly theme: Theme;
  readonly isLive: (id: string) => boolean;
  readonly stateOf: (node: SceneNode) => FaceState;
  readonly selection: ReadonlySet<string>;
  /** Notes that are live in the page are not painted. */
  readonly notesLive?: boolean;
  /** Links of other types are dimmed while one is being drawn. */
  readonly dimmed: boolean;
}

export function paint(ctx: CanvasRenderingContext2D, picture: Picture): void {
  const { view, width, height, ratio, theme, scene } = picture;
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.fillStyle = theme.canvas;
  ctx.fillRect(0, 0, width, height);
  grid(ctx, view, width, height, theme);
  ctx.setTransform(ratio * view.k, 0, 0, ratio * view.k, ratio * view.x, ratio * view.y);
  const seen = visibleBox(view, width, height);
  groups(ctx, scene, seen, view.k, theme);
  if (!picture.notesLive) notes(ctx, scene, seen, view.k, theme);
  links(ctx, picture, seen);
  waypoints(ctx, picture);
  const painted = scene.within(seen).filter((node) => !picture.isLive(node.id));
  if (painted.length) paintFaces(ctx, painted, view.k, theme, picture.stateOf);
}

/** Dots at a distance that stays between 28 and 56 pixels at every zoom. */
function grid(ctx: CanvasRenderingContext2D, view: View, width: number, height: number, theme: Theme): void {
  let step = 20 * view.k;
  while (step < 28) step *= 2;
  const size = view.k > 0.7 ? 2 : 1.5;
  ctx.fillStyle = theme.grid;
  const startX = ((view.x % step) + step) % step;
  const startY = ((view.y % step) + step) % step;
  for (let x = startX; x < width; x += step)
    for (let y = startY; y < height; y += step) ctx.fillRect(Math.round(x), Math.round(y), size, size);
}

function groups(ctx: CanvasRenderingContext2D, scene: Scene, seen: Box, k: number, theme: Theme): void {
  scene.groups.forEach((group, index) => {
    const held = scene.heldGroup?.index === index ? scene.heldGroup : { dx: 0, dy: 0, dw: 0, dh: 0 };
    const x = group.box[0] + held.dx;
    const y = group.box[1] + held.dy;
    const w = group.box[2] + held.dw;
    const h = group.box[3] + held.dh;
    if (!overlaps({ x, y, w, h }, seen)) return;
    ctx.fillStyle = group.color ?? theme.group;
    ctx.globalAlpha = 0.12;
    ctx.beginPath();
    ctx.roundRect(x, y, w, h, 12);
    ctx.fill();
    ctx.globalAlpha = 0.5;
    ctx.strokeStyle = group.color ?? theme.group;
    ctx.lineWidth = 1 / k;
    ctx.stroke();
    ctx.globalAlpha = 1;
    ctx.fillStyle = theme.text;
    ctx.font = `600 ${Math.max(14, 11 / k)}px ${theme.font}`;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    ctx.fillText(group.title ?? "", x + 12, y + 16);
  });
}

/** Notes as their boxes, with their first lines where those can be read. */
function notes(ctx: CanvasRenderingContext2D, scene: Scene, seen: Box, k: number, theme: Theme): void {
  for (const note of scene.notes) {
    const [x, y, w, h] = note.box;
    if (!overlaps({ x, y, w, h }, seen)) continue;
    ctx.fillStyle = theme.well;
    ctx.strokeStyle = theme.border;
    ctx.lineWidth = 1 / k;
    ctx.beginPath();
    ctx.roundRect(x, y, w, h, 10);
    ctx.fill();
    ctx.stroke();
    if (k < NOTE_TEXT_FROM) continue;
    ctx.fillStyle = theme.muted;
    ctx.font = `13px ${theme.font}`;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    const lines = wrapped(note.text, Math.floor((w - 20) / 6.6)).slice(0, Math.max(0, Math.floor((h - 36) / 19)));
    lines.forEach((line, index) => ctx.fillText(line, x + 10, y + 40 + index * 19));
  }
}

/** Links by colour; those of selected nodes again, thicker. */
function links(ctx: CanvasRenderingContext2D, { scene, view, theme, selection, dimmed }: Picture, seen: Box): void {
  const byType = new Map<string, number[]>();
  const strong: [SceneLink, SceneNode][] = [];
  for (const target of scene.nodes.values()) {
    for (const link of target.links) {
      const { from } = link;
      if (link.via.length) {
        led(scene.pathOf(target, link), byType, link.type);
        if (selection.size && (selection.has(target.id) || selection.has(from.id))) strong.push([link, target]);
        continue;
      }
      const left = Math.min(from.x + from.w, target.x) - 60;
      const right = Math.max(from.x + from.w, target.x) + 60;
      if (left > seen.x + seen.w || right < seen.x) continue;
      if (Math.min(from.y, target.y) > seen.y + seen.h || Math.max(from.y + from.h, target.y + target.h) < seen.y) continue;
      if (selection.size && (selection.has(target.id) || selection.has(from.id))) strong.push([link, target]);
      const list = byType.get(link.type) ?? [];
      const y1 = from.y + (from.face.outputs.get(link.output) ?? 17);
      const y2 = target.y + (target.face.inputs.get(link.input) ?? 17);
      list.push(from.x + from.w, y1, target.x, y2);
      byType.set(link.type, list);
    }
  }
  ctx.lineWidth = view.k < STRAIGHT_BELOW ? 1 / view.k : Math.max(2, 1.2 / view.k);
  ctx.globalAlpha = dimmed ? 0.25 : 0.85;
  for (const [type, ends] of byType) {
    ctx.strokeStyle = socketColor(type, theme.socketLightness);
    strokeAll(ctx, ends, view.k);
  }
  ctx.globalAlpha = 1;
  if (!dimmed) emphasised(ctx, scene, strong, view.k, theme);
}

/** In small paths: one path of thousands of curves takes many times as long to fill in. */
function strokeAll(ctx: CanvasRenderingContext2D, ends: readonly number[], k: number): void {
  const chunk = 4 * (k < STRAIGHT_BELOW ? 1 : 24);
  for (let start = 0; start < ends.length; start += chunk) {
    ctx.beginPath();
    for (let at = start; at < Math.min(start + chunk, ends.length); at += 4)
      curve(ctx, ends[at] ?? 0, ends[at + 1] ?? 0, ends[at + 2] ?? 0, ends[at + 3] ?? 0, k);
    ctx.stroke();
  }
}

function emphasised(
  ctx: CanvasRenderingContext2D,
  scene: Scene,
  strong: readonly [SceneLink, SceneNode][],
  k: number,
  theme: Theme,
): void {
  ctx.lineWidth = Math.max(3, 1.6 / k);
  for (const [link, target] of strong) {
    ctx.strokeStyle = socketColor(link.type, theme.socketLightness);
    ctx.beginPath();
    eachSegment(scene.pathOf(target, link), (a, b) => curve(ctx, a.x, a.y, b.x, b.y, k));
    ctx.stroke();
  }
}

function eachSegment(path: readonly Point[], draw: (a: Point, b: Point) => void): void {
  for (let at = 1; at < path.length; at += 1) {
    const a = path[at - 1];
    const b = path[at];
    if (a && b) draw(a, b);
  }
}

/** A link with waypoints, as one stretch between each two of them. */
function led(path: readonly Point[], byType: Map<string, number[]>, type: string): void {
  const list = byType.get(type) ?? [];
  eachSegment(path, (a, b) => list.push(a.x, a.y, b.x, b.y));
  byType.set(type, list);
}

/** Waypoints as dots in the colour of what passes through them. */
function waypoints(ctx: CanvasRenderingContext2D, { scene, view, theme }: Picture): void {
  if (scene.waypoints.size === 0 || view.k < STRAIGHT_BELOW) return;
  const types = new Map<string, string>();
  for (const node of scene.nodes.values()) for (const link of node.links) for (const { id } of link.via) types.set(id, link.type);
  for (const { id, x, y } of scene.waypoints.values()) {
    ctx.fillStyle = socketColor(types.get(id) ?? "*", theme.socketLightness);
    ctx.strokeStyle = theme.canvas;
    ctx.lineWidth = 2;
    ctx.beginPath();
    ctx.arc(x, y, 6, 0, Math.PI * 2);
    ctx.fill();
    ctx.stroke();
  }
}

function curve(ctx: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number, k: number): void {
  ctx.moveTo(x1, y1);
  if (k < STRAIGHT_BELOW) {
    ctx.lineTo(x2, y2);
    return;
  }
  const reach = bend({ x: x1, y: y1 }, { x: x2, y: y2 });
  ctx.bezierCurveTo(x1 + reach, y1, x2 - reach, y2, x2, y2);
}
